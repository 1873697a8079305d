"""Opposites guard: pairs that say the contrary of each other are never decided by their score.

To `minilm`, "turn on dark mode" is closer to "turn off dark mode" (0.95) than to "switch the dark theme on" (0.72), so
that no threshold separates what means the same from what means the contrary. The guard reads the two texts instead of
their vectors: words that both have are set aside, and what is left must not contradict itself.

    flag = negated on one side, or opposite words, or numbers, units, dates, names of which each side has its own

It is made for pairs of short English texts, knows some hundreds of common words, and nothing of what a text means. What
it passes may still be a contradiction: in words it does not know, by order ("from Paris to London"), or by a number or
name that only one side has. Of other languages it reads figures and capitals; a word that happens to be spelt like an
English one is taken for that. What it catches and what it costs is measured in docs/guard.md.

Pitfalls: a rule calibrated without the guard and served with it, or the reverse. The guard is part of the rule,
so certify "score >= t and not flagged", and calibrate anew when `version` changes.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
from numpy.typing import NDArray

from cosimo.errors import DataError, ShapeError
from cosimo.guard import english_words, opposite_words, quantity_words
from cosimo.guard.dates import DATE_WORDS, different_dates, moments
from cosimo.guard.polarity import contradicted
from cosimo.guard.proper_names import different_names
from cosimo.guard.quantities import NUMERIC, different_quantities, quantities
from cosimo.guard.wording import Wording, read

CHECKS = ("negation", "antonyms", "numbers", "units", "dates", "names")
DIGIT = re.compile(r"\d")
FIGURES = DATE_WORDS | NUMERIC
EDITION = 1
"""Raised whenever the same lists come to another verdict."""


@final
@dataclass(frozen=True, eq=False)
class Vetoes:
    """What speaks against n pairs.

    reasons
        (n,) a short reason to ask a person, None where nothing was found.
    """

    reasons: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.reasons)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(n,) True where a pair must be asked, as `decide` and deciders take it."""
        return np.array([reason is not None for reason in self.reasons], dtype=np.bool_)


@final
class OppositesGuard:
    """Vetoes pairs of English texts that contradict each other by negation, antonym, number, unit, date or name.

    It takes no scores and keeps no state; `veto` gives the mask and the reasons that deciders and rules take.

    checks
        What to look for, some of the six in the default; the first that is found is the reason.

    >>> guard = OppositesGuard()
    >>> guard.veto(["turn on dark mode"] * 2, ["turn off dark mode", "switch dark mode on"]).reasons
    ('opposite words: "on" / "off"', None)
    """

    def __init__(self, checks: Sequence[str] = CHECKS) -> None:
        self.checks = checks

    def __repr__(self) -> str:
        return f"OppositesGuard(checks={self.checks!r})"

    @property
    def version(self) -> str:
        """Changes with the checks, the word lists and what is made of them: another version is another guard."""
        content = f"{sorted(self._wanted())} {_lists()}"
        return f"opposites-{EDITION}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def veto(self, a: Sequence[str], b: Sequence[str]) -> Vetoes:
        """What speaks against deciding about the pairs (a[i], b[i]), n of them; nothing is kept between pairs.

        Raises
        ------
        ShapeError
            The sides are not equally long.
        DataError
            A side is one string, or holds something else than strings; or a check is unknown.
        """
        wanted = self._wanted()
        sides: tuple[tuple[str, Sequence[object]], ...] = (("a", a), ("b", b))
        for name, side in sides:
            if isinstance(side, str):
                raise DataError(f"{name} must be a list of texts, got one text; write [text]")
            wrong = [type(text).__name__ for text in side if not isinstance(text, str)]
            if wrong:
                raise DataError(f"the guard reads texts, and {name} holds a {wrong[0]}")
        if len(a) != len(b):
            raise ShapeError(f"a and b must be equally long, one pair a place, got {len(a)} and {len(b)}")
        return Vetoes(tuple(_reason(x, y, wanted) for x, y in zip(a, b, strict=True)))

    def _wanted(self) -> frozenset[str]:
        unknown = [str(check) for check in self.checks if check not in CHECKS]
        if unknown or not self.checks or isinstance(self.checks, str):
            raise DataError(f"checks must be a list of some of {', '.join(CHECKS)}, got {self.checks!r}")
        return frozenset(self.checks)


def _reason(a: str, b: str, wanted: frozenset[str]) -> str | None:
    first, second = read(a), read(b)
    if first.row == second.row:
        return None
    return next((reason for check, reason in _contradictions(first, second) if check in wanted), None)


def _contradictions(a: Wording, b: Wording) -> Iterator[tuple[str, str]]:
    """The checks that fail, and why; what both texts must have to fail is looked for first."""
    yield from contradicted(a, b)
    if _has(a, FIGURES) and _has(b, FIGURES):
        dates_a, rest_a = moments(a.text) if _has(a, DATE_WORDS) else ([], a.text)
        dates_b, rest_b = moments(b.text) if _has(b, DATE_WORDS) else ([], b.text)
        yield from different_quantities(quantities(rest_a.lower()), quantities(rest_b.lower()))
        yield from different_dates(dates_a, dates_b)
    yield from different_names(a, b)


def _has(text: Wording, words: frozenset[str]) -> bool:
    """Whether a text has one of the words, or a figure."""
    return not words.isdisjoint(text.bag) or DIGIT.search(text.text) is not None


@cache
def _lists() -> str:
    """The word lists as one text, sets in a fixed order."""
    modules = (english_words, opposite_words, quantity_words)
    lists = [(name, value) for module in modules for name, value in vars(module).items() if name.isupper()]
    return repr([(name, sorted(value) if isinstance(value, frozenset) else value) for name, value in lists])
