"""Near-copies of English sentences that say something else: with another name, another number, or negated.

    SwapEntity   "Tom lives here"   ->  "Ann lives here"           "on Monday"      ->  "on Friday"
    SwapNumber   "in 1969"          ->  "in 1958"                  "three of them"  ->  "eight of them"
    Negate       "I can swim"       ->  "I cannot swim"            "a big house"    ->  "a small house"

A name is a word that is never written without its capital, and has one within a sentence somewhere in the texts. It is
swapped for one of as many words that mostly stands in like surroundings: behind a preposition of place, behind an
article, or elsewhere; initials for initials. An augmenter of your own has a `kind`, under which its errors are counted,
and is called like these.

Pitfalls: the first word of a sentence taken for a name; a copy that is another sentence of the set.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias, final

import numpy as np

from cosimo._random import Seed, generator
from cosimo.errors import DataError
from cosimo.guard.proper_names import NO_NAMES
from cosimo.guard.quantity_words import MONTHS, ORDINALS, TENS, WEEKDAYS
from cosimo.guard.wording import words
from cosimo.measure.datasets.xsim_negation import WORD, cased

NUMBER = re.compile(r"(?<![\w.,:'])\d+(?:[.,]\d+)*(?![\w']|[.,]\d)")
YEAR = re.compile(r"1[5-9]\d\d|20\d\d", re.ASCII)
SERIES = (
    words("two three four five six seven eight nine ten eleven twelve"),
    TENS,
    ORDINALS[2:],
    words("thousand million billion trillion"),
)
"""Number words that stand for each other; others are too often no numbers."""

PLACE = frozenset(words("in at from near to"))
ARTICLES = frozenset(words("a an the"))
DATES = {day.capitalize(): "day" for day in WEEKDAYS} | {month.capitalize(): "month" for month in MONTHS}

Names: TypeAlias = Mapping[str, str]
"""The names of a text, and what surroundings each stands in."""


@final
@dataclass(frozen=True)
class NearCopy:
    """A changed copy of the text in place `row`, and what kind of change it is."""

    text: str
    row: int
    kind: str


class Augmenter(Protocol):
    """Makes near-copies of texts that do not mean the same."""

    @property
    def kind(self) -> str:
        """What the copies are counted under."""

    def __call__(self, texts: Sequence[str], *, seed: Seed = 0) -> list[list[str]]:
        """Copies of each text, perhaps none."""


def near_copies(texts: Sequence[str], augmenters: Sequence[Augmenter], *, seed: Seed = 0) -> list[NearCopy]:
    """What the augmenters make of the texts, but for copies that are one of the texts, or that a text has already.

    >>> from cosimo.measure import Negate
    >>> near_copies(["I am here.", "I am not here.", "It was -5 degrees."], [Negate(), SwapNumber()])
    [NearCopy(text='It was not -5 degrees.', row=2, kind='negation'),
     NearCopy(text='It was -8 degrees.', row=2, kind='number')]
    """
    known = set(texts)
    found: dict[tuple[str, int], NearCopy] = {}
    for augmenter in augmenters:
        for row, copies in enumerate(augmenter(texts, seed=seed)):
            for copy in copies:
                if copy not in known:
                    found.setdefault((copy, row), NearCopy(copy, row, augmenter.kind))
    return list(found.values())


@final
@dataclass(frozen=True)
class SwapEntity:
    """Puts another name of the texts, another weekday or another month, in the place of one.

    copies
        Copies a text at most.

    >>> SwapEntity()(["I met Tom in Oslo.", "She met Ann in Rome.", "It was -5 degrees on Monday."])
    [['I met Ann in Oslo.'], ['She met Tom in Rome.'], ['It was -5 degrees on Thursday.']]
    """

    kind: ClassVar[str] = "entity"
    copies: int = 1

    def __post_init__(self) -> None:
        _positive(self.copies)

    def __call__(self, texts: Sequence[str], *, seed: Seed = 0) -> list[list[str]]:
        """Copies of each text."""
        rng = generator(seed)
        told = list(_names(texts))
        where: dict[str, Counter[str]] = {}
        for names in told:
            for name, surroundings in names.items():
                where.setdefault(name, Counter())[surroundings] += 1
        kinds = {name: _kind(name, counts) for name, counts in where.items()} | DATES
        others = {
            name: [other for other in sorted(kinds) if kinds[other] == kind and other not in name and name not in other]
            for name, kind in kinds.items()
        }
        made = []
        for text, names in zip(texts, told, strict=True):
            swaps = [(name, other) for name in names for other in others[name]]
            chosen = rng.permutation(len(swaps))[: self.copies]
            made.append([_swapped(text, *swaps[i]) for i in chosen])
        return made


@final
@dataclass(frozen=True)
class SwapNumber:
    """Puts another number of the same form in the place of one, in figures or in words.

    copies
        Copies a text at most.

    >>> SwapNumber()(["It was -7.5 degrees.", "The third of ten.", "None."])
    [['It was -8.6 degrees.'], ['The third of four.'], []]
    """

    kind: ClassVar[str] = "number"
    copies: int = 1

    def __post_init__(self) -> None:
        _positive(self.copies)

    def __call__(self, texts: Sequence[str], *, seed: Seed = 0) -> list[list[str]]:
        """Copies of each text."""
        rng = generator(seed)
        made = ([_renumbered(text, rng) for _ in range(self.copies)] if _numbers(text) else [] for text in texts)
        return [list(dict.fromkeys(copies)) for copies in made]


def _positive(copies: int) -> None:
    if copies < 1:
        raise DataError(f"copies must be at least 1, got {copies}")


def _names(texts: Sequence[str]) -> Iterator[Names]:
    """The names of each text; none where most words have a capital."""
    rows = [list(WORD.finditer(text)) for text in texts]
    small = {match[0] for row in rows for match in row if match[0].islower()}
    known = {
        match[0]
        for text, row in zip(texts, rows, strict=True)
        for match in row
        if _is_name(match[0], small) and _inside(text, match.start())
    }
    for text, row in zip(texts, rows, strict=True):
        capitals = sum(match[0][0].isupper() and match[0] != "I" for match in row[1:])
        yield {} if 2 * capitals > len(row) > 4 else dict(_runs(text, row, known))


def _runs(text: str, row: Sequence[re.Match[str]], known: set[str]) -> Iterator[tuple[str, str]]:
    """Names, several words of which are one where nothing but a blank is between them."""
    i = 0
    while i < len(row):
        end = i
        while end < len(row) and row[end][0] in known and (end == i or row[end].start() == row[end - 1].end() + 1):
            end += 1
        if end > i:
            before = row[i - 1][0].lower() if i else ""
            name = text[row[i].start() : row[end - 1].end()].removesuffix("'s")
            yield name, "place" if before in PLACE else "noun" if before in ARTICLES else "name"
        i = max(end, i + 1)


def _kind(name: str, surroundings: Counter[str]) -> str:
    """What a name is swapped for: one of as many words, where the name mostly stands."""
    kind = "initials" if name.isupper() else surroundings.most_common(1)[0][0]
    return f"{kind} of {1 + name.count(' ')}"


def _is_name(word: str, small: set[str]) -> bool:
    """Whether a word is written like a name, and never without its capital."""
    bare = word.lower().removesuffix("'s")
    listed = bare in NO_NAMES and word not in DATES
    return word[0].isupper() and len(bare) > 1 and bare not in small and not listed and not word.startswith("I'")


def _inside(text: str, start: int) -> bool:
    """Whether a sentence goes on there: only names have a capital then."""
    before = text[max(start - 2, 0) : start]
    return len(before) == 2 and before[1] == " " and (before[0].isalnum() or before[0] in ",;)")


def _swapped(text: str, name: str, other: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", other, text)


def _numbers(text: str) -> list[tuple[re.Match[str], Sequence[str]]]:
    """The numbers, and the words that each may be swapped for; none where it is in figures."""
    spelled = ((match, series) for match in WORD.finditer(text) for series in SERIES if match[0].lower() in series)
    return [*((match, ()) for match in NUMBER.finditer(text)), *spelled]


def _renumbered(text: str, rng: np.random.Generator) -> str:
    numbers = _numbers(text)
    match, series = numbers[rng.integers(len(numbers))]
    others = [word for word in series if word != match[0].lower()]
    other = cased(str(rng.choice(others)), match[0]) if others else _other_figures(match[0], rng)
    return text[: match.start()] + other + text[match.end() :]


def _other_figures(old: str, rng: np.random.Generator) -> str:
    """Another number with as many digits; of a year, one within a generation."""
    if YEAR.fullmatch(old):
        return str(int(old) + int(rng.choice([-1, 1]) * rng.integers(1, 30)))
    while True:
        new = "".join(str(rng.integers(i == 0, 10)) if digit.isdigit() else digit for i, digit in enumerate(old))
        if new != old:
            return new
