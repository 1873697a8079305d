"""Duplicates: which items of a list say the same, exactly or nearly, and which one of them to keep.

First exact copies: texts that are equal once case and white space are evened out and Unicode is in its compatibility
form (NFKC: full-width letters, ligatures and superscripts count as the plain ones). Then near ones: each distinct text
with its k nearest, found exactly; the pairs that are accepted, by a rule or by a cut, connect items into groups. Of
each group the longest text is kept, the first where several are as long.

Pitfalls: a group is more than its pairs. Two items of a group may be joined by a chain through others and never
have been compared; what a rule promises is about accepted pairs, and says nothing of such chains nor of groups. A
stricter cut, or a look at the largest groups, is what helps. Items without any text are no duplicates of each other.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from cosimo._random import Seed
from cosimo.apply.jobs.candidates import among
from cosimo.apply.jobs.pairs import Judge, Pairs
from cosimo.apply.jobs.review import write_asked, write_to_label
from cosimo.apply.jobs.texts import Texts, as_texts
from cosimo.errors import Refused
from cosimo.search.indexes.top import check_k
from cosimo.space import Space
from cosimo.types import Rows

if TYPE_CHECKING:
    from cosimo.rules.rule import Rule


@final
@dataclass(frozen=True, eq=False)
class Duplicates:
    """What was found in n texts.

    same
        (n,) the first row with the same text, its own where there is none before.
    kept
        (n,) the row that stands for the item's group, its own where it is kept.
    pairs
        The candidate pairs of distinct texts, with their scores and decisions.
    """

    texts: Texts = field(repr=False)
    same: Rows = field(repr=False)
    kept: Rows = field(repr=False)
    pairs: Pairs = field(repr=False)

    def __len__(self) -> int:
        return len(self.kept)

    def __repr__(self) -> str:
        return f"Duplicates({len(self):,} texts, {len(self.groups):,} groups, {len(self.rows):,} kept)"

    @property
    def rows(self) -> Rows:
        """Rows of the items that are kept, in order."""
        return np.flatnonzero(self.kept == np.arange(len(self)))

    @cached_property
    def groups(self) -> list[Rows]:
        """Rows of each group of at least two items, in order; groups in the order of their first rows."""
        order = np.argsort(self.kept, kind="stable")
        split = np.split(order, np.flatnonzero(np.diff(self.kept[order])) + 1)
        return sorted((rows for rows in split if len(rows) > 1), key=lambda rows: int(rows[0]))

    @property
    def copies(self) -> int:
        """How many items repeat the text of an earlier one."""
        return int((self.same != np.arange(len(self))).sum())

    @property
    def promise(self) -> str:
        """What is promised of the accepted pairs, in words."""
        return f"{self.pairs.promise} Groups are chains of accepted pairs, and no promise covers them."

    def write_asked(self, path: str | Path) -> int:
        """Write the pairs the rule asks about, best first, for somebody to look at; how many there are.

        Columns: label (empty), a and b (the texts), score, a_id, b_id, probability and reason. Their answers settle
        these pairs; they are no sample of the others, so nothing can be promised from them.
        """
        return write_asked(self.pairs, self.texts, self.texts, path)

    def write_to_label(self, path: str | Path, *, seed: Seed = 0) -> int:
        """Write candidate pairs to calibrate a rule on, in random order, no two with a common item; how many.

        Label as many of the first as you like: 1 for a match, 0 for none. Pairs of items with many candidates are drawn
        less often; the column probability says how often, and calibration must be told of it (`--probability`).
        """
        return write_to_label(self.pairs, self.texts, self.texts, path, seed=seed)


def find_duplicates(
    space: Space,
    texts: Texts | Sequence[str],
    *,
    rule: "Rule | None" = None,
    min_score: float | None = None,
    k: int = 10,
    progress: bool = False,
) -> Duplicates:
    """Groups of texts that say the same, and which of each group to keep.

    Beside the texts, memory is that of k neighbours a text and of one block of vectors; vectors made here lie in a
    temporary file.

    texts
        Texts, or `Texts` with ids, or with vectors made before.
    rule
        Decides about each candidate pair, and asks where it is not sure.
    min_score
        Instead of a rule: the lowest score of a duplicate. Nothing is promised.
    k
        Nearest texts looked at for each; a rule holds for the k it was calibrated with.

    Raises
    ------
    DataError
        Neither or both of rule and min_score, k < 1, or something that is no text.
    Refused
        The rule is for another space, scale or unit, or no longer holds; the similarity has two sides.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = Space(FunctionEncoder(lambda texts: [[t.count("r"), len(t), -1.0] for t in texts]))
    >>> found = find_duplicates(space, ["Red shirt", "red  shirt", "red shirts", "sofa"], min_score=0.99)
    >>> found.kept, found.copies
    (array([2, 2, 2, 3]), 1)
    """
    given = as_texts(texts)
    judge = Judge(space, rule, min_score)
    check_k(k)
    if not space.similarity_function.tags.symmetric:
        raise Refused(
            f"the similarity {space.similarity_function.scale!r} depends on which item asks, so a pair of a list has "
            "two scores; compare two lists with match, or use a symmetric similarity"
        )
    same, lengths = _copies(given.texts)
    rows = np.flatnonzero((same == np.arange(len(given))) & (lengths > 0))
    with given.side(space, rows, progress=progress) as side:
        found = among(side, k, similarity=space.similarity_function, floor=judge.floor, progress=progress)
    how = f"the {k} nearest of each distinct text"
    pairs = judge.pairs(found, how, len(rows), left=given.texts, right=given.texts)
    return Duplicates(given, same, _representatives(same, lengths, pairs), pairs)


def plain(text: str) -> str:
    r"""The text without what makes no difference: case, white space, and Unicode's compatible forms.

    >>> plain("  Straße\n№ １")
    'strasse no 1'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _copies(texts: Sequence[str]) -> tuple[Rows, NDArray[np.int64]]:
    """(n,) first row with the same plain text, and (n,) its length; texts of no length are all different."""
    first: dict[bytes, int] = {}
    same, lengths = np.arange(len(texts)), np.zeros(len(texts), np.int64)
    for row, text in enumerate(texts):
        if evened := plain(text):
            same[row] = first.setdefault(hashlib.blake2b(evened.encode(), digest_size=16).digest(), row)
            lengths[row] = len(evened)
    return same, lengths


def _representatives(same: Rows, lengths: NDArray[np.int64], pairs: Pairs) -> Rows:
    """(n,) row of the longest text of the group, the first of several, where pairs and copies connect groups."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(same)
    a, b = np.concatenate([np.arange(n), pairs.a[pairs.accepted]]), np.concatenate([same, pairs.b[pairs.accepted]])
    group = connected_components(coo_array((np.ones(len(a), np.int8), (a, b)), shape=(n, n)), directed=False)[1]
    order = np.lexsort((np.arange(n), -lengths, group))
    longest = order[np.searchsorted(group[order], np.arange(n if n == 0 else int(group.max()) + 1))]
    kept: Rows = longest[group]
    return kept
