"""Deciders to JSON and arrays and back, without pickle: only the kinds named here are ever read.

Each kind is the name of a module; a rule that is read imports the module of its class and no other.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeAlias

from numpy.typing import NDArray

from cosimo.contracts import Decider
from cosimo.errors import DataError, Refused

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

KINDS: Mapping[str, str] = {
    "accept_ask_reject": "AcceptAskReject",
    "beta_calibration": "BetaCalibration",
    "conflare": "ConformalRetriever",
    "cosine_adapter": "CosineAdapter",
    "false_accept_threshold": "FalseAcceptThreshold",
    "isotonic": "Isotonic",
    "no_match": "NoMatch",
    "per_group": "PerGroup",
    "platt": "Platt",
    "precision_threshold": "PrecisionThreshold",
    "query_recall": "QueryRecallThreshold",
    "recall_threshold": "RecallThreshold",
    "venn_abers": "VennAbers",
}
"""Kind to the public class of `cosimo.decide` that reads it."""


def save_decider(decider: Decider) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """JSON and named arrays that `load_decider` reads back.

    Raises
    ------
    Refused
        It is of no kind that can be read back.
    """
    saved, arrays = decider.state() if hasattr(decider, "state") else ({}, {})
    if saved.get("kind") not in KINDS:
        raise Refused(
            f"{type(decider).__name__} cannot be saved: it has no state() of a known kind ({', '.join(sorted(KINDS))})"
        )
    return saved, arrays


def load_decider(saved: Mapping[str, Any], arrays: Arrays) -> Decider:
    """The decider written by `save_decider`.

    Raises
    ------
    DataError
        This was not written by `save_decider`, or it is of a kind that this version does not read.
    """
    try:
        kind = saved["kind"]
        if kind not in KINDS:
            raise DataError(f"unknown kind {kind!r}")
        decider: Decider = getattr(import_module("cosimo.decide"), KINDS[kind]).from_state(saved, arrays)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"this is not a decider written by cosimo ({type(error).__name__}: {error})") from error
    return decider
