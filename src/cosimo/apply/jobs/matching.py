"""Matching: which items of one list are which of another.

Each item on the left with its k nearest on the right, found exactly; a rule or a cut accepts pairs. All accepted pairs
are matches, or, one-to-one, the best set of them in which no item comes twice.

Pitfalls: the promise of a rule is about accepted candidate pairs, with the right side as it is. One-to-one
assignment comes after it and looks at other items, so the pairs that are left are another population; mostly they are
the better ones, but nothing is promised of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from cosimo._random import Seed
from cosimo.apply.jobs.assignment import one_to_one as assign
from cosimo.apply.jobs.candidates import across
from cosimo.apply.jobs.duplicates import plain
from cosimo.apply.jobs.pairs import Judge, Pairs
from cosimo.apply.jobs.review import write_asked, write_to_label
from cosimo.apply.jobs.texts import Texts, as_texts
from cosimo.search.indexes.top import check_k
from cosimo.space import Space
from cosimo.types import Rows

if TYPE_CHECKING:
    from cosimo.rules.rule import Rule


@final
@dataclass(frozen=True, eq=False)
class Matches:
    """What was found between two lists.

    pairs
        The candidate pairs with their scores and decisions: `a` is a row on the left, `b` one on the right.
    matched
        (p,) which of them are matches: accepted, and chosen where every item may have one partner only.
    one_to_one
        Whether that was so.
    """

    left: Texts = field(repr=False)
    right: Texts = field(repr=False)
    pairs: Pairs = field(repr=False)
    matched: NDArray[np.bool_] = field(repr=False)
    one_to_one: bool = False

    def __len__(self) -> int:
        return int(self.matched.sum())

    def __repr__(self) -> str:
        return f"Matches({len(self.left):,} and {len(self.right):,} texts, {len(self):,} matches)"

    @property
    def rows(self) -> Rows:
        """(matches, 2) rows on the left and on the right, in order of the left and by score."""
        return np.stack([self.pairs.a[self.matched], self.pairs.b[self.matched]], axis=1)

    @property
    def promise(self) -> str:
        """What is promised of the accepted pairs, in words."""
        told = "Each item was left with one of its partners after that, which no promise covers."
        return f"{self.pairs.promise} {told}" if self.one_to_one else self.pairs.promise

    def write_asked(self, path: str | Path) -> int:
        """Write the pairs the rule asks about, best first, for somebody to look at; how many there are.

        Columns: label (empty), a and b (the texts), score, a_id, b_id, probability and reason. Their answers settle
        these pairs; they are no sample of the others, so nothing can be promised from them.
        """
        return write_asked(self.pairs, self.left, self.right, path)

    def write_to_label(self, path: str | Path, *, seed: Seed = 0) -> int:
        """Write candidate pairs to calibrate a rule on, in random order, at most one an item on the left; how many.

        Label as many of the first as you like: 1 for a match, 0 for none. They are independent for new items on the
        left and the same right side; calibration must be told so (`--clusters a_id`).
        """
        return write_to_label(self.pairs, self.left, self.right, path, seed=seed)


def match(
    space: Space,
    left: Texts | Sequence[str],
    right: Texts | Sequence[str],
    *,
    rule: "Rule | None" = None,
    min_score: float | None = None,
    k: int = 10,
    one_to_one: bool = False,
    progress: bool = False,
) -> Matches:
    """Pairs of an item on the left and one on the right that are the same thing.

    Beside the texts, memory is that of k neighbours an item on the left and of one block of vectors; vectors made here
    lie in temporary files.

    left, right
        Texts, or `Texts` with ids, or with vectors made before. Empty texts match nothing.
    rule
        Decides about each candidate pair, and asks where it is not sure.
    min_score
        Instead of a rule: the lowest score of a match. Nothing is promised.
    k
        Nearest on the right looked at for each item on the left; a rule holds for the k it was calibrated with.
    one_to_one
        Whether every item has one partner at most: of the accepted pairs, the set with the highest total score.

    Raises
    ------
    DataError
        Neither or both of rule and min_score, k < 1, or something that is no text.
    Refused
        The rule is for another space, scale or unit, or no longer holds.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = Space(FunctionEncoder(lambda texts: [[t.count("r"), len(t), -1.0] for t in texts]))
    >>> match(space, ["red shirt", "sofa"], ["rad shirt", "sofas"], min_score=0.99).rows
    array([[0, 0],
           [1, 1]])
    """
    sides = as_texts(left), as_texts(right)
    judge = Judge(space, rule, min_score)
    check_k(k)
    there = [np.array([row for row, text in enumerate(side.texts) if plain(text)], np.int64) for side in sides]
    with (
        sides[0].side(space, there[0], progress=progress) as queries,
        sides[1].side(space, there[1], progress=progress) as keys,
    ):
        found = across(queries, keys, k, similarity=space.similarity_function, floor=judge.floor, progress=progress)
    how = f"the {k} nearest on the right of each text on the left"
    pairs = judge.pairs(found, how, len(there[1]), left=sides[0].texts, right=sides[1].texts)
    matched = pairs.accepted
    if one_to_one:
        matched[matched] = assign(pairs.a[matched], pairs.b[matched], pairs.scores[matched])
    return Matches(*sides, pairs, matched, one_to_one)
