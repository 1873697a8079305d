"""Runs registered claims and writes their outcome, whichever way it comes out: python tests/run_claims.py [KEY ...]

A claim in claims/KEY.toml names two systems and a margin: it says that `value` minus `baseline` is at least `margin`.
Its test is `run(seed) -> {system: figure}` in tests/claims/KEY.py, or the function of that file that it names. A figure
is a number, or (n,) one number a unit (an item, a query, a pair) whose mean is the number; for a figure that is no
mean, such as a rank correlation, the units are its jackknife pseudo-values (`pseudo`). Units and seeds both vary, so
the interval of the paired difference D covers both:

    SE^2 = var_i(D_i) / n + var_s(D_s) / S,        low, high = D -+ t SE,        df by Welch and Satterthwaite

    low >= margin   -> holds           high < margin   -> does-not-hold           neither   -> mixed
"""

import importlib
import json
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import cosimo
from cosimo import catalogue

ROOT = Path(__file__).parents[1]
Run = Callable[[int], Mapping[str, Any]]


def pseudo(statistic: Callable[..., float], *arrays: np.ndarray) -> np.ndarray:
    """(n,) jackknife pseudo-values of a statistic of paired arrays (n,): n T - (n - 1) T without unit i."""
    n, whole = len(arrays[0]), statistic(*arrays)
    without = [statistic(*(np.delete(array, i) for array in arrays)) for i in range(n)]
    return n * whole - (n - 1) * np.asarray(without)


def judge(value: np.ndarray, baseline: np.ndarray, margin: float, *, level: float = 0.95) -> dict[str, Any]:
    """Verdict on value - baseline >= margin from figures (seeds, units) of two systems, unit by unit."""
    D = value - baseline
    seeds, units = D.shape
    parts = [D.mean(axis=0).var(ddof=1) / units if units > 1 else 0.0]
    parts.append(D.mean(axis=1).var(ddof=1) / seeds if seeds > 1 else 0.0)
    mean, error = float(D.mean()), float(np.sqrt(sum(parts)))
    interval = None
    low = high = mean
    if error > 0:
        df = error**4 / sum(part**2 / (count - 1) for part, count in zip(parts, (units, seeds), strict=True) if part)
        reach = float(stats.t.ppf((1 + level) / 2, df)) * error
        low, high = mean - reach, mean + reach
        interval = {"low": round(low, 4), "high": round(high, 4), "level": level, "units": units, "seeds": seeds}
    verdict = "holds" if low >= margin else "does-not-hold" if high < margin else "mixed"
    return {
        "ours": round(float(value.mean()), 4),
        "baseline": round(float(baseline.mean()), 4),
        "difference": round(mean, 4),
        "interval": interval,
        "verdict": verdict,
    }


def same(claim: Mapping[str, Any]) -> tuple[str, ...]:
    """What makes a claim the one of the last run."""
    return tuple(str(claim[key]) for key in ("claim", "data", "systems"))


def outcome(entries: Sequence[Mapping[str, Any]], load: Callable[[str], Run], before: Mapping[str, Any]) -> list[Any]:
    """One record for each registered claim of a row; reasons somebody wrote into the last outcome are kept.

    load
        The function of a name.
    """
    results: dict[tuple[str, int], Mapping[str, Any]] = {}
    reasons = {same(claim): claim["reason"] for claim in before.get("claims", ()) if claim["reason"]}
    claims = []
    for entry in entries:
        name = entry.get("test", "run")
        for seed in entry["seeds"]:
            if (name, seed) not in results:
                results[name, seed] = load(name)(seed)
        figures = [
            np.stack([np.atleast_1d(results[name, seed][system]) for seed in entry["seeds"]])
            for system in (entry["value"], entry["baseline"])
        ]
        judged = judge(*figures, entry["margin"])
        named = {key: entry[key] for key in ("claim", "metric", "data", "margin", "seeds", "paper")}
        systems = {"systems": [entry["value"], entry["baseline"]]}
        claims.append(named | systems | judged | {"reason": reasons.get(same(named | systems), "")})
    return claims


@cache
def load(row: str, name: str = "run") -> Run:
    """The function of that name in `tests/claims/ROW.py`."""
    found: Run = getattr(importlib.import_module(f"claims.{row.replace('-', '_')}"), name)
    return found


def main(names: Sequence[str]) -> None:
    """Run the claims of these rows, or of all that have any."""
    for name in names or [row.name for row in catalogue.rows() if catalogue.claims(row)]:
        row = catalogue.row(name)
        claims = outcome(catalogue.claims(row), partial(load, name), catalogue.evidence(row) or {})
        packages = {package: version(package) for package in ("numpy", "scipy", "scikit-learn")}
        record = {
            "name": name,
            "claims": claims,
            "fingerprint": catalogue.fingerprint(row),
            "versions": {"cosimo": cosimo.__version__, "python": platform.python_version()} | packages,
        }
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        (ROOT / "evidence" / f"{name}.json").write_text(text, encoding="utf-8")
        verdicts = ", ".join(f"{claim['verdict']} ({claim['difference']:+.2f})" for claim in claims)
        sys.stdout.write(f"{name}: {verdicts}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
