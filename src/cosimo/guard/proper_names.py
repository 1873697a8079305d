"""Names: words with a capital in the middle of a sentence, of which two stand in the same place of the two texts.

    "flights to Paris" / "flights to London":    Paris != London, both behind "to", neither in the other text

A name only one text has is a detail, and so is one in another place. Texts whose capitals tell nothing (titles,
shouting, German) are left alone.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cosimo.guard.english_words import ALIASES, GERMAN, TITLES
from cosimo.guard.quantity_words import MONTHS, WEEKDAYS
from cosimo.guard.wording import Wording

WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|[.!?:\"]")
INSIDE = re.compile(r"\w[,;)]?\s[A-Z\u00c0-\u024f]\w")
"""A capital, or some other letter beyond ASCII, in the middle of a sentence."""

NO_NAMES = TITLES | frozenset(MONTHS) | frozenset(WEEKDAYS)


class Name(NamedTuple):
    """A name and its neighbours in lower case; where a sentence ends there is none."""

    word: str
    before: str | None
    behind: str | None


def names(text: str) -> tuple[list[Name], str]:
    """The names in a text, in order, and the initials of all its words with a capital.

    >>> found, initials = names("Then the European Central Bank met in Frankfurt. It closed.")
    >>> [name.word for name in found], initials
    (['European', 'Central', 'Bank', 'Frankfurt'], 'tecbfi')
    """
    if text.islower() or text.isupper():
        return [], ""
    row = WORD.findall(text)
    inside = [i for i in range(1, len(row)) if row[i - 1][-1].isalnum() and row[i][0].isalpha()]
    capital = [i for i in inside if row[i][0].isupper() and len(row[i]) > 1 and row[i].lower() not in NO_NAMES]
    initials = "".join(word[0] for word in row if word[0].isupper()).lower()
    if 2 * len(capital) > len(inside) > 3 or not GERMAN.isdisjoint(word.lower() for word in row):
        return [], initials
    return [Name(row[i], _neighbour(row, i - 1), _neighbour(row, i + 1)) for i in capital], initials


def different_names(a: Wording, b: Wording) -> Iterator[tuple[str, str]]:
    """The check that fails and why, for two texts."""
    if not (INSIDE.search(a.text) and INSIDE.search(b.text)):
        return
    (names_a, initials_a), (names_b, initials_b) = names(a.text), names(b.text)
    if not names_a or not names_b:
        return
    only_a = [name for name in names_a if not _known(name.word, b.bag, names_b, initials_b)]
    only_b = [name for name in names_b if not _known(name.word, a.bag, names_a, initials_a)]
    for p in only_a:
        for q in only_b:
            if (p.before is not None and p.before == q.before) or (p.behind is not None and p.behind == q.behind):
                yield "names", f'different names: "{p.word}" / "{q.word}"'


def _neighbour(row: Sequence[str], i: int) -> str | None:
    return row[i].lower() if i < len(row) and row[i][-1].isalnum() else None


def _known(name: str, bag: frozenset[str], others: Sequence[Name], initials: str) -> bool:
    """Whether a text has the name, in some form."""
    word = _bare(name)
    if all(part in bag or f"{part}'s" in bag for part in word.split("-")):
        return True
    return (name.isupper() and word in initials) or any(_same(word, _bare(other.word)) for other in others)


def _bare(name: str) -> str:
    return name.lower().removesuffix("'s").replace("'", "")


def _same(a: str, b: str) -> bool:
    """Whether two names may be forms of one: Iraq and Iraqi, Qaeda and Qaida, Tim and Timothy, UK and British."""
    short, long = sorted((a, b), key=len)
    if a[:4] == b[:4] or (len(short) > 2 and long.startswith(short)) or aliases(a) & aliases(b):
        return True
    if len(short) < 5 or len(long) - len(short) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    return short[start + (len(short) == len(long)) :] == long[start + 1 :]


def aliases(name: str) -> set[int]:
    """Numbers of the lists of aliases that have a name."""
    return {number for number, line in enumerate(ALIASES.splitlines()) if name in line.split()}
