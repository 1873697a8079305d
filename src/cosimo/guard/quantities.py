"""Numbers and units: whether two texts name quantities that cannot both be meant.

    5 km = 5,000 m,        "two" = 2,        3.8 million = 3,780,000 (rounded),        5 km != 5 miles

A quantity that only one text has is a detail, not a contradiction, so both must have one that the other lacks. A number
without a unit agrees with the same number with one.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from cosimo.guard.quantity_words import NUMBER_WORDS, ORDINALS, PRONOUN_ONE, SCALES, TENS, UNITS

TOLERANCE = 0.02
"""How far apart, relatively, a converted or rounded figure may be from the exact one."""

LONG = 16
"""Digits from which on a number is a name, of a card or a parcel, and compared as it is written."""

PIECE = re.compile(r"(?:(?<![\w.,)/-])-)?(?:\d+(?:[.,]\d+)*|(?<![\w.])\.\d+)|km/h|°\s?[cf]\b|[$€£¥%]|[^\W\d_]+")
GROUPED = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
DECIMAL = re.compile(r"-?\d*(?:[.,]\d+)?")
NUMERIC = frozenset(NUMBER_WORDS) | frozenset(ORDINALS) | frozenset(SCALES)
"""Words of which a number without figures has one."""

SUFFIXES = frozenset(("st", "nd", "rd", "th"))


class Unit(NamedTuple):
    """What is measured, and how many of the base unit one is; temperatures have another zero, too."""

    kind: str
    factor: float
    offset: float = 0.0


class Quantity(NamedTuple):
    """One number with its unit.

    raw
        The number as written, a string where it is a name.
    step
        Half of its last place where it may be rounded, else 0.
    shown
        How the text has it.
    """

    raw: float | str
    unit: Unit | None
    step: float
    shown: str


@cache
def units() -> dict[str, Unit]:
    """Unit words to units."""
    found = {}
    for line in UNITS.strip().splitlines():
        measure, words = line.split(":")
        kind, *numbers = measure.split()
        found.update(dict.fromkeys(words.split(), Unit(kind, *map(float, numbers))))
    return found


def quantities(text: str) -> list[Quantity]:
    """The numbers of a lower-case text, in figures or in words.

    >>> [(q.raw, q.shown) for q in quantities("two of 1,000 m, $3.5 million and -2 °c")]
    [(2.0, 'two'), (1000.0, '1,000 m'), (3500000.0, '$3.5 million'), (-2.0, '-2 °c')]
    """
    pieces = PIECE.findall(text)
    found, i = [], 0
    while i < len(pieces):
        read = _figure(pieces, i) if pieces[i][-1].isdecimal() else _spelled(pieces, i)
        if read is None:
            i += 1
            continue
        raw, step, ordinal, end = read
        unit, first, end = (Unit("ordinal", 1.0), i, end) if ordinal else _unit(pieces, i, end)
        shown = " ".join(pieces[first:end])
        found.append(Quantity(raw, unit, step, re.sub(r"(?<=[$€£¥]) | (?=%|(?:st|nd|rd|th)\b)", "", shown)))
        i = end
    return found


def different_quantities(a: Sequence[Quantity], b: Sequence[Quantity]) -> Iterator[tuple[str, str]]:
    """The check that fails, `numbers` or `units`, and why, for quantities that exclude each other."""
    only_a = [p for p in a if not any(_agree(p, q) for q in b)]
    only_b = [q for q in b if not any(_agree(q, p) for p in a)]
    for p in only_a:
        for q in only_b:
            if p.unit and q.unit and p.unit != q.unit and (p.raw == q.raw or _currencies(p.unit, q.unit)):
                yield "units", f"different units: {p.shown} / {q.shown}"
            elif (p.unit and p.unit.kind) == (q.unit and q.unit.kind):
                yield "numbers", f"different numbers: {p.shown} / {q.shown}"


def _figure(pieces: Sequence[str], i: int) -> tuple[float | str, float, bool, int]:
    """Value, rounding step, whether it is an ordinal, and where it ends, of the figure at place i."""
    digits, end = pieces[i], i + 1
    behind = pieces[end] if end < len(pieces) else ""
    if GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    if len(digits) >= LONG or not DECIMAL.fullmatch(digits):
        return digits, 0.0, False, end
    if behind in SUFFIXES:
        return float(digits.replace(",", ".")), 0.0, True, end + 1
    places = len(digits.replace(",", ".").partition(".")[2])
    scale = _scale(behind, money=i > 0 and pieces[i - 1] in "$€£¥")
    step = scale * 0.5 * 10.0**-places if places or scale > 1 else 0.0
    return float(digits.replace(",", ".")) * scale, step, False, end + (scale > 1)


def _spelled(pieces: Sequence[str], i: int) -> tuple[float, float, bool, int] | None:
    """The same of a number in words, None where no number begins at place i."""
    word, before = pieces[i], pieces[i - 1] if i else ""
    if word in ORDINALS and before not in ("a", "one"):
        return float(ORDINALS.index(word) + 1), 0.0, True, i + 1
    behind = pieces[i + 1] if i + 1 < len(pieces) else ""
    if word == "a" and behind in SCALES:
        return SCALES[behind], SCALES[behind] / 2, False, i + 2
    if word not in NUMBER_WORDS or (word == "one" and (before in PRONOUN_ONE or behind in PRONOUN_ONE)):
        return None
    total, current, step, end = 0.0, float(NUMBER_WORDS[word]), 0.0, i + 1
    while end < len(pieces):
        next_word = pieces[end]
        if next_word == "and" and current >= 100 and pieces[end + 1 : end + 2] and pieces[end + 1] in NUMBER_WORDS:
            end += 1
            continue
        if next_word in SCALES:
            current, step = current * SCALES[next_word], SCALES[next_word] / 2
            if current >= 1000:
                total, current = total + current, 0.0
        elif next_word in NUMBER_WORDS and _goes_on(pieces[end - 1], next_word):
            current, step = current + NUMBER_WORDS[next_word], 0.0
        else:
            break
        end += 1
    return total + current, step, False, end


def _goes_on(before: str, word: str) -> bool:
    """Whether a number word belongs to the one before: "twenty" "one", "hundred" "five"; not "one" "two"."""
    return (before in TENS and NUMBER_WORDS[word] < 10) or before in SCALES or before == "and"


def _scale(word: str, *, money: bool) -> float:
    return 1e6 if money and word == "m" else SCALES.get(word, 1.0)


def _unit(pieces: Sequence[str], i: int, end: int) -> tuple[Unit | None, int, int]:
    """The unit around a number, and where the whole begins and ends."""
    behind = pieces[end] if end < len(pieces) else ""
    two = " ".join(pieces[end : end + 2])
    if i and pieces[i - 1] in "$€£¥":
        return units()[pieces[i - 1]], i - 1, end
    if two in ("per cent", "degrees celsius", "degrees fahrenheit"):
        return units()[two.replace("per cent", "percent").split()[-1]], i, end + 2
    unit = units().get(behind.replace(" ", ""))
    return (unit, i, end + 1) if unit else (None, i, end)


def _value(quantity: Quantity, scaled: bool) -> tuple[float, float]:
    """The number and its rounding step, in base units where both sides have a unit."""
    raw = float(quantity.raw)
    if not scaled or quantity.unit is None:
        return raw, quantity.step
    return raw * quantity.unit.factor + quantity.unit.offset, quantity.step * quantity.unit.factor


def _agree(p: Quantity, q: Quantity) -> bool:
    if p.raw == q.raw and (p.unit is None or q.unit is None or p.unit == q.unit):
        return True
    if isinstance(p.raw, str) or isinstance(q.raw, str):
        return False
    if p.unit is not None and q.unit is not None and p.unit.kind != q.unit.kind:
        return False
    scaled = p.unit is not None and q.unit is not None
    (x, x_step), (y, y_step) = _value(p, scaled), _value(q, scaled)
    converted = scaled and p.unit != q.unit
    slack = TOLERANCE * max(abs(x), abs(y))
    return abs(x - y) <= max(1e-9 * abs(x), slack if converted else min(slack, max(x_step, y_step)))


def _currencies(p: Unit, q: Unit) -> bool:
    return p.kind != q.kind and p.kind.startswith("money") and q.kind.startswith("money")
