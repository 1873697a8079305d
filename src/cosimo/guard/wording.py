"""A text as the opposites guard reads it: tokens in a row, lower case, typographic variants made plain."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from importlib import resources
from typing import Any, NamedTuple

TOKEN = re.compile(r"(?:(?<!\S)-)?\d+(?:[.,:/]\d+)*[^\W\d_]*|[^\W_]+(?:'[^\W\d_]+)*|[$€£¥%]")
"""A number with what is written together with it, a word with its apostrophes, or the sign of a unit."""

APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u2212": "-"})


class Wording(NamedTuple):
    """A text and its words.

    text
        As written, but for typography.
    row
        Its words and numbers in order, in lower case.
    bag
        The same as a set.
    """

    text: str
    row: list[str]
    bag: frozenset[str]


def read(text: str) -> Wording:
    """The words of a text.

    >>> read("Switch it ON!").row
    ['switch', 'it', 'on']
    """
    text = plain(text)
    row = tokens(text)
    return Wording(text, row, frozenset(row))


def plain(text: str) -> str:
    """The text with compatibility forms, apostrophes and minus signs written in ASCII.

    >>> plain("I can\u2019t pay \uff15 \u20ac")
    "I can't pay 5 \u20ac"
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text.translate(APOSTROPHES)).translate(APOSTROPHES)


def tokens(text: str) -> list[str]:
    """Words and numbers of a plain text, in order and in lower case.

    >>> tokens("Can't pay non-members 1,000.50 EUR!")
    ["can't", 'pay', 'nonmembers', '1,000.50', 'eur']
    """
    return TOKEN.findall(text.lower().replace("non-", "non"))


def stem(word: str) -> str:
    """The word without a regular ending, crudely: for finding a word again, not for showing.

    >>> [stem(word) for word in ("stopped", "stopping", "stops", "closes", "closing")]
    ['stop', 'stop', 'stop', 'clos', 'clos']
    """
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def forms(word: str, endings: Iterable[str]) -> set[str]:
    """The word and what regular endings make of it.

    >>> sorted(forms("stop", ("s", "ed")))
    ['stop', 'stoped', 'stopes', 'stopped', 'stops']
    """
    made = {word}
    for ending in endings:
        made.add(word + ending)
        if ending == "s":
            made |= {f"{word}es"} | ({f"{word[:-1]}ies"} if word.endswith("y") else set())
        elif word.endswith("e"):
            made.add(word[:-1] + ending)
        elif word.endswith("y") and not ending.startswith("i"):
            made.add(f"{word[:-1]}i{ending}")
        else:
            made.add(word + word[-1] + ending)
    return made


def written_lists(name: str) -> dict[str, Any]:
    """The word lists in one of the files that lie beside this one."""
    return tomllib.loads((resources.files("cosimo.guard") / f"{name}.toml").read_text(encoding="utf-8"))


def words(text: str) -> tuple[str, ...]:
    """The words of a list that is written as one text."""
    return tuple(text.split())


def lines(text: str) -> str:
    r"""A list of lines behind an empty one, as the version of the guard has known it from the first.

    >>> lines("in / out")
    '\nin / out'
    """
    return f"\n{text}"
