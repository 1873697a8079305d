"""Refiners to JSON and arrays and back, without pickle and without scikit-learn.

What a refiner has learned is stored as one of few plain kinds: any affine one as `affine` (W, b), the others under
their own name, and a `chain` or the two `sides` of a search as their parts. Only the kinds named here are ever read,
and reading them needs numpy alone.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosimo.contracts import Refiner
from cosimo.errors import DataError, Refused
from cosimo.passport import fingerprint
from cosimo.refine.affine import Affine
from cosimo.refine.chain import Chain
from cosimo.refine.frozen import Leading, UnitRows

Arrays: TypeAlias = dict[str, NDArray[Any]]
Sides: TypeAlias = Refiner | Mapping[str, Refiner]

KINDS: dict[str, type[Affine | Leading | UnitRows]] = {"affine": Affine, "normalise": UnitRows, "truncate": Leading}
"""Every kind that has no parts, with the class that reads it."""


def save_state(refiner: Sides | None) -> tuple[dict[str, Any] | None, Arrays]:
    """JSON and named arrays that `load_state` reads back; `(None, {})` for no refiner.

    refiner
        A fitted refiner, or one for each side under `query` and `document`.

    Raises
    ------
    Refused
        It is neither affine nor of a kind that can be read back.

    >>> save_state(Chain([UnitRows()]))
    ({'kind': 'chain', 'parts': {'0': {'kind': 'normalise'}}}, {})
    """
    if refiner is None:
        return None, {}
    if isinstance(refiner, Mapping):
        return _parts("sides", refiner)
    if isinstance(refiner, Chain):
        return _parts("chain", {str(i): part for i, part in enumerate(refiner.refiners)})
    if hasattr(refiner, "affine"):
        return Affine(*refiner.affine()).state()
    saved, arrays = refiner.state() if hasattr(refiner, "state") else ({}, {})
    if saved.get("kind") not in KINDS:
        raise Refused(
            f"{type(refiner).__name__} cannot be saved, so it cannot join a space: it has no affine() -> (W, b) and no "
            f"state() of a known kind ({', '.join(KINDS)}); wrap what it learned in cosimo.refine.Affine"
        )
    return saved, arrays


def _parts(kind: str, parts: Mapping[str, Refiner]) -> tuple[dict[str, Any], Arrays]:
    states = {name: save_state(part) for name, part in parts.items()}
    arrays = {f"{name}.{key}": array for name, (_, own) in states.items() for key, array in own.items()}
    return {"kind": kind, "parts": {name: saved for name, (saved, _) in states.items()}}, arrays


def load_state(saved: Mapping[str, Any] | None, arrays: Mapping[str, NDArray[Any]]) -> Sides | None:
    """The refiner written by `save_state`, or its numpy-only equal.

    Raises
    ------
    DataError
        This was not written by `save_state`, or it is of a kind that this version does not read.

    >>> load_state({"kind": "normalise"}, {}).transform([[3.0, -4.0]])
    array([[ 0.6, -0.8]])
    """
    try:
        return None if saved is None else _load(saved, arrays)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DataError(f"this is not a refiner written by cosimo ({type(error).__name__}: {error})") from error


def _load(saved: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    kind = saved["kind"]
    if kind in KINDS:
        return KINDS[kind].from_state(saved, arrays)
    if kind not in ("chain", "sides"):
        raise DataError(f'unknown kind "{kind}"')
    parts = {}
    for name, part in saved["parts"].items():
        own = {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}
        parts[name] = _load(part, own)
    return parts if kind == "sides" else Chain([parts[str(i)] for i in range(len(parts))])


def state_digest(refiner: Sides | None) -> str | None:
    """SHA-256 of everything a refiner has learned; `None` for no refiner.

    >>> state_digest(UnitRows()) == state_digest(Chain([UnitRows()]))
    False
    """
    saved, arrays = save_state(refiner)
    if saved is None:
        return None
    content = {name: [array.shape, array.dtype.str, _sha256(array)] for name, array in arrays.items()}
    return fingerprint({"state": saved, "arrays": content})


def _sha256(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
