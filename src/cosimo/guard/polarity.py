"""Negations and opposite words: do two texts say a thing and its contrary?

A negation counts where the other text has none and says what is negated; a pair of opposites counts unless one of the
two is negated, since "not off" is on. Words that both texts have are no difference, wherever they stand.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from cosimo.guard.english_words import FAILING, FUNCTION_WORDS, NEGATIONS, NEGATIVE, NOT_NEGATED
from cosimo.guard.opposite_words import (
    ADJECTIVES,
    DERIVED_ENDINGS,
    FIXED,
    NO_OPPOSITES,
    NOUNS,
    PLACED,
    PREFIXES,
    SURE_PREFIXES,
    VERBS,
)
from cosimo.guard.wording import Wording, forms, stem, words

REACH = 3
"""Words with a meaning of their own behind a negation that it is taken to deny."""

ASKED = frozenset(words("i you we they"))
ASKING = ASKED | frozenset(words("he she it this that there my the your"))
"""What stands behind the first word of a question: "Can't I ...", "Isn't the ..."; "Don't the ..." asks nothing."""

LISTS = ((VERBS, ("s", "ed", "ing")), (ADJECTIVES, ("er", "est", "ly")), (NOUNS, ("s",)), (FIXED, ()), (PLACED, ()))
"""The word lists and the endings their words may have."""


Scope: TypeAlias = list[str]
"""A negation and the words it denies."""


class Opposite(NamedTuple):
    """A word of the first text and one of the second that exclude each other."""

    first: str
    second: str


class Place(NamedTuple):
    """Where a word stands in the lists: number of its line, side of the slash, and whether its neighbours count."""

    line: int
    side: int
    placed: bool


@cache
def listed() -> dict[str, frozenset[Place]]:
    """Each form of each listed word to its places."""
    found: dict[str, set[Place]] = {}
    lines = [(line, endings, lists is PLACED) for lists, endings in LISTS for line in lists.strip().splitlines()]
    for number, (line, endings, placed) in enumerate(lines):
        for side, synonyms in enumerate(line.split("/")):
            for form in {form for word in words(synonyms) for form in forms(word, endings)}:
                found.setdefault(form, set()).add(Place(number, side, placed))
    return {form: frozenset(places) for form, places in found.items()}


def denied(text: Wording) -> list[Scope]:
    """What each negation of a text denies, the negation first; two in a row cancel.

    >>> from cosimo.guard.wording import read
    >>> denied(read("You cannot turn it off"))
    [['cannot', 'turn', 'it', 'off']]
    >>> denied(read("Not without reason"))
    []
    """
    if NEGATIONS.isdisjoint(text.bag):
        return []
    single: list[int] = []
    for i in [i for i in range(len(text.row)) if _negates(text.row, i)]:
        if single and i - single[-1] <= 2 and text.row[i] != "nor":
            single.pop()
        else:
            single.append(i)
    return [_scope(text.row, i) for i in single]


def opposites(a: Wording, b: Wording) -> list[Opposite]:
    """Pairs of opposite words, one only in `a` and the other only in `b`, in a fixed order.

    >>> from cosimo.guard.wording import read
    >>> opposites(read("Turn it on"), read("Turn it off"))
    [Opposite(first='on', second='off')]
    """
    only_a, only_b = sorted(a.bag - b.bag), sorted(b.bag - a.bag)
    return [
        *_listed_opposites(a, only_a, b, only_b),
        *(Opposite(x, y) for x, y in _derived(only_a, only_b)),
        *(Opposite(x, y) for y, x in _derived(only_b, only_a)),
    ]


def contradicted(a: Wording, b: Wording) -> Iterator[tuple[str, str]]:
    """The check that fails, `negation` or `antonyms`, and why.

    >>> from cosimo.guard.wording import read
    >>> list(contradicted(read("It is not on"), read("It is off")))
    []
    >>> list(contradicted(read("It is not on"), read("It is on")))
    [('negation', 'negated on one side: "not"')]
    """
    denied_a, denied_b = denied(a), denied(b)
    found = opposites(a, b)
    if not found and not denied_a and not denied_b:
        return
    within_a, within_b = ({word for scope in scopes for word in scope[1:]} for scopes in (denied_a, denied_b))
    kept = [pair for pair in found if (pair.first in within_a) == (pair.second in within_b)]
    alone_a, alone_b = _unmatched(denied_a, denied_b)
    # A negation that turned an opposite round has done its work.
    if bool(alone_a) != bool(alone_b) and len(kept) == len(found):
        negation = _denies(alone_a, a.bag, b.bag) if alone_a else _denies(alone_b, b.bag, a.bag)
        if negation:
            yield "negation", f'negated on one side: "{negation}"'
    yield from (("antonyms", f'opposite words: "{pair.first}" / "{pair.second}"') for pair in kept)


def _listed_opposites(a: Wording, only_a: Sequence[str], b: Wording, only_b: Sequence[str]) -> list[Opposite]:
    known = listed()
    known_a, known_b = ([word for word in only if word in known] for only in (only_a, only_b))
    if not known_a or not known_b:
        return []
    # A side of a line that the other text has, too, says nothing, in whatever form it comes.
    said_a, said_b = ({place for word in bag & known.keys() for place in known[word]} for bag in (a.bag, b.bag))
    lines: dict[int, list[tuple[Place, str]]] = {}
    for y in known_b:
        for place in known[y] - said_a:
            lines.setdefault(place.line, []).append((place, y))
    found = {
        Opposite(x, y)
        for x in known_a
        for mine in known[x] - said_b
        for its, y in lines.get(mine.line, ())
        if mine.side != its.side and (not mine.placed or _same_place(a.row, x, b.row, y))
    }
    return sorted(found)


def _unmatched(a: Sequence[Scope], b: Sequence[Scope]) -> tuple[list[Scope], list[Scope]]:
    """The scopes that are left when each is paired with one of the other text that denies the same, if there is one."""
    stems_a, stems_b = ([{stem(word) for word in _content(scope[1:])} for scope in scopes] for scopes in (a, b))
    # Both texts are treated alike, so that the answer does not depend on which comes first.
    shared = [(-len(x & y), sorted((a[i], b[j])), i, j) for i, x in enumerate(stems_a) for j, y in enumerate(stems_b)]
    left_a, left_b = dict(enumerate(a)), dict(enumerate(b))
    for overlap, _, i, j in sorted(shared):
        if overlap and i in left_a and j in left_b:
            del left_a[i], left_b[j]
    return list(left_a.values()), list(left_b.values())


def _denies(scopes: Sequence[Scope], this: frozenset[str], other: frozenset[str]) -> str | None:
    """The first negation of this text that denies what the other says, unless that denies by other words."""
    if not NEGATIVE.isdisjoint(other - this):
        return None
    said = {stem(word) for word in other}
    return next((scope[0] for scope in scopes if any(stem(word) in said for word in _content(scope[1:]))), None)


def _content(scope: Sequence[str]) -> Sequence[str]:
    """The words that carry a statement; all where none does."""
    return [word for word in scope if word not in FUNCTION_WORDS] or scope


def _negates(words: Sequence[str], i: int) -> bool:
    word = words[i]
    behind = words[i + 1] if i + 1 < len(words) else ""
    if word not in NEGATIONS or (word in FAILING and behind != "to"):
        return False
    if behind == "until" or (word == "no" and behind[:1].isdigit()):
        return False
    # "Can't I pay?" asks the same as "Can I pay?".
    if i == 0 and word.endswith("t") and word != "not" and behind in (ASKED if word in ("don't", "dont") else ASKING):
        return False
    near = f" {' '.join(words[max(i - 1, 0) : i + 3])} "
    return not any(f" {phrase} " in near for phrase in NOT_NEGATED)


def _scope(words: Sequence[str], i: int) -> Scope:
    reached = 0
    scope = [words[i]]
    for word in words[i + 1 :]:
        if word == "but" or reached == REACH:
            break
        scope.append(word)
        reached += word not in FUNCTION_WORDS
    return scope if len(scope) > 1 else [words[i], *words[max(i - REACH, 0) : i]]


def _same_place(a: Sequence[str], x: str, b: Sequence[str], y: str) -> bool:
    """Whether x and y have the word before or behind them in common."""
    i, j = a.index(x), b.index(y)
    before = a[max(i - 1, 0) : i]
    behind = a[i + 1 : i + 2]
    return (bool(before) and before == b[max(j - 1, 0) : j]) or (bool(behind) and behind == b[j + 1 : j + 2])


def _derived(mine: Sequence[str], others: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Words with a prefix that negates, or -less, and the words of the other text they negate."""
    prefixed = [word for word in mine if word.startswith(PREFIXES) and not word.startswith(NO_OPPOSITES)]
    bare = [(word, stem(word[len(prefix) :])) for word in prefixed for prefix in PREFIXES if _negated_by(word, prefix)]
    if bare:
        stems = {stem(other): other for other in others}
        yield from ((word, stems[rest]) for word, rest in bare if rest in stems)
    without = [(word, f"{word[:-4]}ful") for word in mine if word.endswith("less")]
    yield from ((word, other) for word, other in without if other in others)


def _negated_by(word: str, prefix: str) -> bool:
    rest = word[len(prefix) :]
    return word.startswith(prefix) and len(rest) > 3 and (prefix in SURE_PREFIXES or rest.endswith(DERIVED_ENDINGS))
