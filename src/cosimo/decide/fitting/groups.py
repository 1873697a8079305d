"""Populations of a rule per group: which group is one by itself, what each promises, and how rows find theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosimo.contracts import Decider
from cosimo.errors import DataError, ShapeError
from cosimo.guarantee import LIKE_LABELLED, Guarantee

Rows = NDArray[np.bool_]
SHOWN = 5
"""Names of groups that are written out in a sentence."""


@dataclass(frozen=True, eq=False)
class Part:
    """A population with a promise of its own: one group, or all small groups as a whole.

    rule
        None where the labels could not carry the promise, for the reason in `refusal`.
    """

    groups: tuple[str, ...]
    is_rest: bool
    rule: Decider | None
    refusal: str | None = None

    @property
    def name(self) -> str:
        """Whom a promise is for, in words."""
        if not self.is_rest:
            return f"the group {self.groups[0]}"
        return f"the rest ({listed(self.groups)}) as a whole, not for a member of it"

    @property
    def guarantee(self) -> Guarantee | None:
        """What is promised of it, None where nothing is."""
        promise = None if self.rule is None else self.rule.guarantee
        return None if promise is None else replace(promise, population=f"{LIKE_LABELLED} in {self.name}")


def listed(names: Sequence[str], between: str = ", ") -> str:
    """The first names, and how many more there are.

    >>> listed(["a", "b", "c"])
    'a, b, c'
    """
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + more


def group_names(by: Sequence[Any] | None, n: int, where: str) -> NDArray[np.str_]:
    """(n,) names of the groups given at `where`, checked."""
    if by is None:
        raise DataError(f"a rule per group wants the group of each pair: {where}")
    if np.ndim(by) != 1 or len(by) != n:
        raise ShapeError(f"by must have shape ({n},) like the scores, got {np.shape(by)}")
    if any(group is None or group != group for group in by):
        raise DataError("by names no group (None or NaN) for some pairs; give them a group of their own, or leave them")
    return np.array([str(group) for group in by], dtype=np.str_)


def split(sizes: Mapping[str, int], smallest: int) -> list[tuple[tuple[str, ...], bool]]:
    """Members of each population, and whether it is the rest: the groups below `smallest` units, by size alone.

    >>> split({"a": 70, "b": 3, "c": 2}, 59)
    [(('a',), False), (('b', 'c'), True)]
    """
    rest = tuple(name for name, size in sizes.items() if size < smallest)
    large: list[tuple[tuple[str, ...], bool]] = [((name,), False) for name, size in sizes.items() if size >= smallest]
    return [*large, (rest, True)] if rest else large


def rows_of(values: Any, rows: Rows) -> Any:
    """Those of n values that belong to the rows, None where there are no values."""
    if values is None or isinstance(values, np.ndarray):
        return None if values is None else values[rows]
    return [values[i] for i in np.flatnonzero(rows).tolist()]


def context_of(context: Mapping[str, Any] | None, rows: Rows) -> dict[str, Any]:
    """The context of some rows, without their groups: the scale is one for all, everything else has a row each."""
    return {
        key: value if key == "scale" else rows_of(value, rows) for key, value in (context or {}).items() if key != "by"
    }


def scope(parts: Sequence[Part], promise: str) -> str:
    """Whom promises are for, and whether `each` holds by itself or `all` hold at once.

    >>> scope([Part(("a",), False, None)], "each")
    'no group; always asked, without a promise: a'
    """
    held = [part.name for part in parts if part.rule is not None]
    asked = [group for part in parts if part.rule is None for group in part.groups]
    sure = "all at once" if promise == "all" else "each by itself at that probability, not all at once"
    whom = f"{listed(held, '; ')}{f': {sure}' if len(parts) > 1 else ''}" if held else "no group"
    return f"{whom}; always asked, without a promise: {listed(asked)}" if asked else whom


def together(parts: Sequence[Part], promise: str, delta: float) -> Guarantee:
    """The guarantee of the populations that have one; its counts are sums over them."""
    held = [part.rule.guarantee for part in parts if part.rule is not None and part.rule.guarantee is not None]
    first = max(held, key=lambda guarantee: guarantee.unit == "cluster")
    spending = f", each at 1/{len(parts)} of what may fail" if promise == "all" else ""
    return replace(
        first,
        delta=delta,
        n_units=sum(guarantee.n_units for guarantee in held),
        n_accepted=sum(guarantee.n_accepted for guarantee in held),
        errors=sum(guarantee.errors for guarantee in held),
        method=f"{len(parts)} populations tested{spending}, {len(held)} held, one by {first.method}",
        population=f"pairs like the labelled ones in {scope(parts, promise)}",
    )
