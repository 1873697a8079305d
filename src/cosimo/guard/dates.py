"""Dates, weekdays and times of day: whether two texts name moments that cannot be the same.

A date is what it says and no more: June agrees with 12 June 2003 and with Monday, not with July. What is written only
in figures may put the day or the month first, and agrees if either reading does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from cosimo.guard.quantity_words import MONTHS, WEEKDAYS

Fields: TypeAlias = Mapping[str, int]

SHORT = [month[:3] for month in MONTHS]
MONTH = "|".join(f"{month}|{month[:3]}(?!\\w)" for month in MONTHS) + r"|sept(?!\w)"
NTH = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
YEAR = r"(?:,?\s+(?P<year>\d{4}))?(?![\d:])"
PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b",
        r"\b(?P<one>\d{1,2})(?P<mark>[/.-])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})\b",
        rf"\b{NTH}\s+(?:of\s+)?(?P<name>{MONTH})\b\.?{YEAR}",
        rf"\b(?P<name>{MONTH})\b\.?\s+(?:the\s+)?{NTH}(?![\d:]|[.,]\d){YEAR}",
        rf"\b(?P<name>{MONTH})\b\.?,?\s+(?:of\s+)?(?P<year>\d{{4}})\b",
        r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s*(?P<half>[ap])\.?m\b\.?",
        r"\b(?P<hour>\d{1,2}):(?P<minute>\d\d)\b(?!:)",
        r"\b(?P<hour>\d{1,2})\s*o'clock\b",
        rf"\b(?P<weekday>{'|'.join(WEEKDAYS)})s?\b",
        rf"\b(?P<name>{'|'.join(month for month in MONTHS if month not in ('may', 'march'))})\b",
        r"(?-i:\b(?P<name>May|March)\b)",
        r"\b(?:in|since|of|year|until|from|by|during|before|after)\s+(?P<year>(?:19|20)\d\d)\b(?![.,]?\d|\s?%)",
    )
)
DATE_WORDS = frozenset(MONTHS) | frozenset(WEEKDAYS) | {f"{day}s" for day in WEEKDAYS} | {"sept", *SHORT}
"""Words of which a date without figures has one."""


class Moment(NamedTuple):
    """One date or time: the ways to read it, each the fields it fixes, and how the text has it."""

    readings: tuple[Fields, ...]
    shown: str


def moments(text: str) -> tuple[list[Moment], str]:
    """The dates and times of a text, and the text without them.

    >>> found, rest = moments("Pay 5 euros by 12 June, 5 pm")
    >>> [moment.shown for moment in found], rest
    (['12 June', '5 pm'], 'Pay 5 euros by  ,  ')
    """
    found: list[Moment] = []

    def take(match: re.Match[str]) -> str:
        readings = _readings({name: value for name, value in match.groupdict().items() if value})
        if not readings:
            return match[0]
        found.append(Moment(readings, match[0].strip()))
        return " "

    for pattern in PATTERNS:
        text = pattern.sub(take, text)
    return found, text


def different_dates(a: Sequence[Moment], b: Sequence[Moment]) -> Iterator[tuple[str, str]]:
    """The check that fails and why, for moments that exclude each other."""
    only_a = [p for p in a if _missing(p, b)]
    only_b = [q for q in b if _missing(q, a)]
    for p in only_a:
        for q in only_b:
            if _comparable(p, q):
                yield "dates", f"different dates: {p.shown} / {q.shown}"


def _missing(moment: Moment, others: Sequence[Moment]) -> bool:
    """Whether others say when, in the same terms, and none of them says the same."""
    told = [other for other in others if _comparable(moment, other)]
    return bool(told) and not any(_agree(moment, other) for other in told)


def _comparable(p: Moment, q: Moment) -> bool:
    return any(x.keys() & y.keys() for x in p.readings for y in q.readings)


def _readings(parts: dict[str, str]) -> tuple[Fields, ...]:
    """What the parts of a match fix, in every way they can be read; nothing where they are no date."""
    if "hour" in parts:
        return _clock(int(parts["hour"]), int(parts.get("minute", 0)), parts.get("half", "").lower())
    if "weekday" in parts:
        return ({"weekday": WEEKDAYS.index(parts["weekday"].lower())},)
    if "name" in parts:
        parts["month"] = str(SHORT.index(parts["name"][:3].lower()) + 1)
    year = {"year": _year(parts["year"])} if "year" in parts else {}
    if "one" in parts:
        one, two = int(parts["one"]), int(parts["two"])
        read = [{"day": day, "month": month, **year} for day, month in ((one, two), (two, one))]
    else:
        read = [{name: int(parts[name]) for name in ("day", "month") if name in parts} | year]
    return tuple(fields for fields in read if fields.get("month", 1) in range(1, 13) and fields.get("day", 1) < 32)


def _clock(hour: int, minute: int, half: str) -> tuple[Fields, ...]:
    if hour > 24 or minute > 59 or (half and not 0 < hour < 13):
        return ()
    if half:
        return ({"time": 60 * (hour % 12 + 12 * (half == "p")) + minute},)
    hours = (hour % 12, hour % 12 + 12) if 0 < hour < 13 else (hour,)
    return tuple({"time": 60 * h + minute} for h in hours)


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < 50 else 1900)


def _agree(p: Moment, q: Moment) -> bool:
    return any(all(x[name] == y[name] for name in x.keys() & y.keys()) for x in p.readings for y in q.readings)
