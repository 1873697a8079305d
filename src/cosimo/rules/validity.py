"""Where a rule holds: which growth it bears, what the guard adds, and whether a use is the one it was made for.

A guarantee is bound to whatever its scores depend on. Everything that decides by a rule asks here, so that a search, a
pair and a job refuse the same things.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cosimo.errors import GuaranteeVoid

if TYPE_CHECKING:
    from cosimo.decide import OppositesGuard
    from cosimo.guard.opposites import Vetoes

GROWTH = 0.10
"""Share of items that may come or go before a guarantee is stale."""


def outgrown(items: int, *, came: int = 0, went: int = 0) -> bool:
    """Whether more of the items there were came or went than a guarantee bears.

    >>> outgrown(100, came=10), outgrown(100, came=3, went=11)
    (False, True)
    """
    return max(came, went) / max(items, 1) > GROWTH


def opposites(guard: bool | str | None, a: Sequence[str], b: Sequence[str]) -> "Vetoes | None":
    """What the guard says of n pairs, None where it is no part of the rule."""
    return _guard().veto(a, b) if guard else None


def guarded(guard: bool | str | None) -> dict[str, str]:
    """What the guard, where it is part of a rule, binds the rule to."""
    return {"guard": _guard().version} if guard else {}


def differences(binds: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """What a guarantee is bound to and is not so here, in words."""
    return [
        f"{name} is {here.get(name, 'not known')} here and was {value} when the rule was made"
        for name, value in binds.items()
        if here.get(name) != value
    ]


def require(binds: Mapping[str, str], here: Mapping[str, str], what: str) -> None:
    """Refuse a use in which something differs that a guarantee is bound to.

    Raises
    ------
    GuaranteeVoid
        With every difference.
    """
    if wrong := differences(binds, here):
        raise GuaranteeVoid(
            f"the rule says nothing about {what}: {'; '.join(wrong)}. Use it as it was made, or calibrate again"
        )


def _guard() -> "OppositesGuard":
    from cosimo.decide import OppositesGuard  # hundreds of words, which a rule without it does not load

    return OppositesGuard()
