r"""How much two texts look alike on the surface, from 0 to 1.

$$\mathrm{dice} = \frac{2 |A \cap B|}{|A| + |B|} \qquad \mathrm{jaccard} = \frac{|A \cap B|}{|A \cup B|}
\qquad \mathrm{edit} = 1 - \frac{L(a, b)}{\max(|a|, |b|)}$$

$A$, $B$ -> the sets of lower-case words of the texts $a$, $b$; $L$ the least number of characters put in, left out or
exchanged that makes one of the other. Two texts without words are alike.

Pitfalls: punctuation glued to words counted as part of them; repeated words counted twice by a measure of sets.
Reference: Levenshtein 1966, Binary codes capable of correcting deletions, insertions, and reversals
"""

import re
from collections.abc import Callable, Mapping

import numpy as np

WORD = re.compile(r"\w+")


def words_of(text: str) -> frozenset[str]:
    """The different words of a text in lower case.

    >>> sorted(words_of("The sea, the -1 sea!"))
    ['1', 'sea', 'the']
    """
    return frozenset(WORD.findall(text.lower()))


def dice(a: str, b: str) -> float:
    """Twice the words shared, over the words of both.

    >>> dice("the red sea", "The Dead Sea .")
    0.667
    """
    A, B = words_of(a), words_of(b)
    return 2 * len(A & B) / (len(A) + len(B)) if A or B else 1.0


def jaccard(a: str, b: str) -> float:
    """Words shared, over the words that either has.

    >>> jaccard("the red sea", "The Dead Sea .")
    0.5
    """
    A, B = words_of(a), words_of(b)
    return len(A & B) / len(A | B) if A or B else 1.0


def edit(a: str, b: str) -> float:
    """Share of the characters that may stay as they are when one text, in lower case, is made of the other.

    >>> edit("kitten", "sitting")
    0.571
    """
    first, second = (np.frombuffer(text.lower().encode("utf-32-le"), np.uint32) for text in (a, b))
    if not len(first) or not len(second):
        return float(len(first) == len(second))
    places = np.arange(len(second) + 1)
    row = places.copy()
    for i, letter in enumerate(first):
        exchanged = row[:-1] + (second != letter)
        row[1:] = np.minimum(row[1:] + 1, exchanged)
        row[0] = i + 1
        row = np.minimum.accumulate(row - places) + places  # any number of characters put in
    return 1 - float(row[-1]) / max(len(first), len(second))


OVERLAPS: Mapping[str, Callable[[str, str], float]] = {"dice": dice, "jaccard": jaccard, "edit": edit}
"""By name."""
