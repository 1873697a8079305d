r"""Where the relevant documents of a query ended up in its ranking, documents of equal score taken together.

Only blocks of equal scores that hold a relevant document are kept: block b begins behind a_b documents, holds t_b, of
which r_b are relevant, with grades that add up to g_b. All ranking metrics follow from these four numbers and the
grades that there were to find.

    ties="average"    a block is what shares a score: its documents may come in any order, each as likely
    ties="trec"       scores are rounded to float32, and equal ones come by id from z to a: blocks of one document

Symbols: a, t, r, g -> `before`, `size`, `relevant`, `gain` (B,), by rank; the grades of all relevant -> `ideal` (R,).
Pitfalls: ties broken by the order of insertion, which favours whoever writes the relevant documents first; a
query that the run lacks left out of the mean; a grade below 0 taken for relevant.
Reference: McSherry and Najork, Computing information retrieval performance measures efficiently in the presence of
tied scores, 2008, https://doi.org/10.1007/978-3-540-78646-7_38
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from cosimo.errors import DataError
from cosimo.types import Floats, Rows

Ties = Literal["average", "trec"]
Judged: TypeAlias = Mapping[str, Mapping[str, float]]
"""Grades of documents by query; 0 and below is not relevant."""
Found: TypeAlias = Mapping[str, Mapping[str, float]]
"""Scores of documents by query."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """The blocks (B,) of one query that hold relevant documents, and the grades (R,) of all of these, best first."""

    before: Rows
    size: Rows
    relevant: Rows
    gain: Floats
    ideal: Floats

    def first_after(self) -> Floats:
        """(t - r + 2,) probabilities that no relevant document is among the first 0, 1, ... of the first block.

        >>> Ranked(*map(np.array, ([0], [3], [1], [1.0], [1.0]))).first_after()
        array([1.  , 0.667, 0.333, 0.  ])
        """
        others = int(self.size[0] - self.relevant[0])
        left = np.arange(others, -1, -1)
        after: Floats = np.concatenate([[1.0], np.cumprod(left / (left + self.relevant[0]))])
        return after


def ranked(truth: Judged, pred: Found, ties: Ties) -> Iterator[Ranked]:
    """The judged queries in the order of `truth`; one that `pred` lacks has found nothing.

    Raises
    ------
    DataError
        A score that is NaN, or a run without any of the judged queries.

    >>> (query,) = ranked({"q": {"a": 2, "b": -1, "z": 1}}, {"q": {"a": 0.5, "b": 0.9, "c": 0.5}}, "average")
    >>> query.before, query.size, query.relevant, query.gain, query.ideal
    (array([1]), array([2]), array([1]), array([2.]), array([2., 1.]))
    """
    if truth and pred and not any(query in pred for query in truth):
        raise DataError(
            f"pred has {len(pred)} queries and truth {len(truth)}, and none is in both (truth {next(iter(truth))!r}, "
            f"pred {next(iter(pred))!r}); use the same ids"
        )
    return (_blocks(query, grades, pred.get(query, {}), ties) for query, grades in truth.items())


def _blocks(query: str, judged: Mapping[str, float], found: Mapping[str, float], ties: Ties) -> Ranked:
    grades = {document: float(grade) for document, grade in judged.items() if grade > 0}
    ideal = np.sort(np.array(list(grades.values())))[::-1]
    hit = [document for document in grades if document in found]
    scores, own = _scores(query, found, ties), _rounded([found[document] for document in hit], ties)
    ascending = np.sort(scores)
    upto = np.searchsorted(ascending, own, side="right")
    before = len(scores) - upto
    size = upto - np.searchsorted(ascending, own, side="left")
    if ties == "trec":
        before, size = before + _later_ids(hit, size, own, scores, found), np.ones_like(size)
    before, first, inverse = np.unique(before, return_index=True, return_inverse=True)
    gains = np.array([grades[document] for document in hit])
    gain = np.bincount(inverse, gains).astype(np.float64)
    return Ranked(before, size[first], np.bincount(inverse), gain, ideal)


def _scores(query: str, found: Mapping[str, float], ties: Ties) -> Floats:
    scores = _rounded(list(found.values()), ties)
    if np.isnan(scores).any():
        document = list(found)[int(np.argmax(np.isnan(scores)))]
        raise DataError(f"pred: the score of {document!r} for query {query!r} is NaN, and has no place in a ranking")
    return scores


def _rounded(scores: list[float], ties: Ties) -> Floats:
    with np.errstate(over="ignore"):
        return np.array(scores, dtype=np.float64).astype(np.float32 if ties == "trec" else np.float64)


def _later_ids(hit: list[str], size: Rows, own: Floats, scores: Floats, found: Mapping[str, float]) -> Rows:
    """(H,) how many documents of the same score have an id that comes later in the alphabet."""
    later, tied = np.zeros(len(hit), np.int64), np.flatnonzero(size > 1)
    ids = list(found) if len(tied) else []
    for i in tied:
        later[i] = sum(ids[j] > hit[i] for j in np.flatnonzero(scores == own[i]))
    return later
