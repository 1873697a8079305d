"""A report as JSON and back, whole: metrics with intervals and values by item, answers, seed, passport, settings."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from cosimo.errors import DataError
from cosimo.types import Estimate, Interval, Report

FORMAT = 1


def report_to_json(report: Report) -> dict[str, Any]:
    """JSON that `report_from_json` reads back.

    Raises
    ------
    DataError
        Settings that JSON cannot hold.
    """
    written = {
        "format": FORMAT,
        "metrics": {name: _estimate(estimate) for name, estimate in report.metrics.items()},
        "n": report.n,
        "items": report.items,
        "seed": report.seed,
        "passport": report.passport,
        "settings": dict(report.settings),
        "warnings": list(report.warnings),
        "answers": {name: {"truth": truth, "pred": pred} for name, (truth, pred) in report.answers.items()},
        "clusters": report.clusters,
    }
    try:
        plain: dict[str, Any] = json.loads(json.dumps(written, default=_listed))
    except (TypeError, ValueError) as error:
        raise DataError(f"the report holds what JSON cannot: {error}; keep settings to texts and numbers") from error
    return plain


def report_from_json(data: Any) -> Report:
    """The report written by `report_to_json`.

    Raises
    ------
    DataError
        Another format, or something missing.

    >>> report = Report({"map": Estimate(0.5, per_item=np.array([0.25, 0.75]))}, n=2, items="", seed=0, passport="")
    >>> report_from_json(report_to_json(report)).metrics["map"].per_item
    array([0.25, 0.75])
    """
    found = data.get("format") if isinstance(data, Mapping) else None
    if found != FORMAT:
        raise DataError(f"the report has format {found}; this version reads {FORMAT}")
    try:
        return Report(
            metrics={name: _read_estimate(stored) for name, stored in data["metrics"].items()},
            n=int(data["n"]),
            items=str(data["items"]),
            seed=int(data["seed"]),
            passport=str(data["passport"]),
            settings=dict(data["settings"]),
            warnings=tuple(data["warnings"]),
            answers={name: (np.array(kept["truth"]), np.array(kept["pred"])) for name, kept in data["answers"].items()},
            clusters=None if data["clusters"] is None else np.array(data["clusters"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"this is no report written by cosimo ({type(error).__name__}: {error})") from error


def _estimate(estimate: Estimate) -> dict[str, Any]:
    interval = None if estimate.interval is None else asdict(estimate.interval)
    return {"value": estimate.value, "interval": interval, "per_item": estimate.per_item}


def _read_estimate(stored: Mapping[str, Any]) -> Estimate:
    interval, per_item = stored["interval"], stored["per_item"]
    return Estimate(
        float(stored["value"]),
        None if interval is None else Interval(**interval),
        None if per_item is None else np.array(per_item, dtype=np.float64),
    )


def _listed(value: Any) -> Any:
    """Arrays and numbers of numpy as JSON has them."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} {value!r}")
