"""Pairs of uses of a word from any inventory of senses: a dictionary with examples, a corpus with senses marked.

    1    two uses of one sense
    0    uses of two senses of the word, of different kinds where kinds are known

Of each word as many of either, at most three, so that neither the word nor how many examples it has tells the answer.

Pitfalls: the commonest words filling the set with pairs; senses so close that people do not tell them apart
(give kinds, such as WordNet's lexicographer files); labels that the word itself gives away.
Reference: Pilehvar and Camacho-Collados 2019, WiC: the Word-in-Context Dataset for Evaluating Context-Sensitive Meaning
Representations, https://arxiv.org/abs/1808.09121
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from cosimo._random import Seed, generator
from cosimo.errors import DataError, ShapeError

MOST = 3
"""Pairs of either label that a word may have."""


@dataclass(frozen=True)
class SensePairs:
    """Columns (n,) of pairs of uses: the word, the rows of both uses, and 1 where the sense is the same."""

    words: list[str] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    second: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)


def pairs_of_senses(
    words: Sequence[str], senses: Sequence[str], *, kinds: Sequence[str] | None = None, n: int = 2000, seed: Seed = 0
) -> SensePairs:
    """At most `n` pairs of the uses (m,) of words, half of them of the same sense.

    words, senses
        (m,) word and sense of each use.
    kinds
        (m,) kind of each sense; two senses of one kind make no pair.

    Raises
    ------
    DataError
        No word has both a sense with two uses and another sense.

    >>> found = pairs_of_senses(["bank"] * 3 + ["sea"] * 2, ["river", "river", "money", "water", "water"])
    >>> found.words, found.labels
    (['bank', 'bank'], [1, 0])
    >>> sorted((found.first[0], found.second[0]))
    [0, 1]
    """
    if len(words) != len(senses) or (kinds is not None and len(kinds) != len(words)):
        raise ShapeError(f"each use wants a word, a sense and maybe a kind, got {len(words)} and {len(senses)}")
    rng = generator(seed)
    uses: dict[str, list[int]] = {}
    for row, word in enumerate(words):
        uses.setdefault(word, []).append(row)
    pairs = SensePairs()
    names = list(uses)
    for i in rng.permutation(len(names)):
        rows = uses[names[i]]
        same = [pair for pair in combinations(rows, 2) if senses[pair[0]] == senses[pair[1]]]
        apart = [pair for pair in combinations(rows, 2) if _apart(*pair, senses, kinds)]
        count = min(len(same), len(apart), MOST, (n - len(pairs.words)) // 2)
        for label, found in ((1, same), (0, apart)):
            for j in rng.permutation(len(found))[:count]:
                first, second = (found[j][k] for k in rng.permutation(2))
                pairs.words.append(names[i])
                pairs.first.append(first)
                pairs.second.append(second)
                pairs.labels.append(label)
    if not pairs.words:
        raise DataError("no word has both a sense with two uses and a use of another sense; give more uses")
    return pairs


def _apart(i: int, j: int, senses: Sequence[str], kinds: Sequence[str] | None) -> bool:
    return senses[i] != senses[j] and (kinds is None or kinds[i] != kinds[j])
