r"""A job that shows whether a remedy helps: questions, and the items among which their answers are.

Without labels a question is a few words of an item, in a row, and the item itself is the answer. That is easier than
what people ask, and says how well items are told apart, not how well they are understood. With pairs from the user the
first of a pair is the question and the second its answer.

All items are dealt to three parts that share none: on the first remedies learn, on the second one of them is chosen,
and on the third its effect is measured.

Symbols: question i -> row i of `Q` (m, d); `right` (m, n) its answers among the n items.
Pitfalls: the effect of the best of several remedies reported on the questions it was chosen by; a mean, or a
whitening, learned from the items it is measured on.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cosimo._arrays import as_vectors
from cosimo._random import generator
from cosimo.contracts import Similarity
from cosimo.doctor.looking import Evidence
from cosimo.encode.items import check_texts
from cosimo.errors import DataError, ShapeError
from cosimo.measure.probes.finding_again import reciprocal_ranks, same_texts
from cosimo.measure.probes.of_items import vectors_of
from cosimo.space import Space
from cosimo.types import PerItem, Rows, Scores, Vectors

ITEMS = 500
"""Items of the parts to choose and to measure on."""
QUESTIONS = 300
LEAST = 20
"""Questions that a part needs."""
SHARE, SPAN = 3, 6
"""A question is a third of the words of its item, and so many at most."""


@final
@dataclass(frozen=True, eq=False)
class Job:
    """Questions `Q` (m, d) to items `X` (n, d), and which answers are right.

    said
        (n,) a number that items share which say the same.
    own
        Whether the questions are made of the items' own words.
    asked, texts
        The questions and items as texts, where there are any.
    """

    Q: Vectors = field(repr=False)
    X: Vectors = field(repr=False)
    right: NDArray[np.bool_] = field(repr=False)
    similarity: Similarity
    said: Rows = field(repr=False)
    own: bool = True
    space: Space | None = None
    asked: list[str] | None = field(default=None, repr=False)
    texts: list[str] | None = field(default=None, repr=False)

    def ranks(self, S: Scores) -> PerItem:
        """(m,) reciprocal rank of the best right answer under the scores S (m, n)."""
        return reciprocal_ranks(S, self.right)

    @cached_property
    def before(self) -> PerItem:
        """(m,) reciprocal ranks as things are."""
        return self.ranks(self.similarity(self.Q, self.X))

    @cached_property
    def fresh(self) -> Vectors:
        """(n, d) vectors of the items, made now."""
        if self.space is None or self.texts is None:
            raise DataError("there is no encoder here that could make vectors anew")
        return vectors_of(self.space, self.texts, role="document")


@final
@dataclass(frozen=True, eq=False)
class Parts:
    """Three jobs without a common item, and how their questions were made."""

    learn: Job
    choose: Job
    measure: Job
    question: str


def deal(evidence: Evidence, pairs: Any, *, seed: int) -> Parts | None:
    """The three parts; None where there are too few questions, or nothing to make them of.

    Raises
    ------
    DataError, ShapeError
        Pairs that are not two sides of one length, or of another kind than the subject can read.
    """
    rng = generator(seed)
    n = len(evidence.X)
    said = np.arange(n) if evidence.texts is None else same_texts(evidence.texts)
    groups = _dealt(said, rng)
    if pairs is not None:
        return _with_pairs(evidence, pairs, said, groups, rng)
    if evidence.texts is None or evidence.subject.space is None:
        return None
    asked = (0, QUESTIONS, QUESTIONS)
    learn, choose, measure = (_own(evidence, said, rows, rng, n) for rows, n in zip(groups, asked, strict=True))
    if min(len(choose.Q), len(measure.Q)) < LEAST:
        return None
    question = f"synthetic known-item queries (spans of up to {SPAN} words, at most a third of the item)"
    return Parts(learn, choose, measure, question)


def _dealt(said: Rows, rng: np.random.Generator) -> list[Rows]:
    """Rows to learn from, to choose and to measure on; those that say the same stay together."""
    names = rng.permutation(np.unique(said))
    size = min(ITEMS, len(names) // 3)
    ends = names[size : 2 * size], names[:size]
    taken = np.isin(said, names[: 2 * size])
    return [np.flatnonzero(~taken), *(np.flatnonzero(np.isin(said, end)) for end in ends)]


def _own(evidence: Evidence, said: Rows, rows: Rows, rng: np.random.Generator, questions: int) -> Job:
    """So many questions made of the items' own words, or fewer."""
    texts = [] if evidence.texts is None else [evidence.texts[row] for row in rows]
    asked: list[str] = []
    of: list[int] = []
    for place in rng.permutation(len(texts)).tolist():
        words = texts[place].split()
        if len(words) >= 2 * SHARE and len(of) < questions:
            length = min(SPAN, len(words) // SHARE)
            start = int(rng.integers(len(words) - length + 1))
            asked.append(" ".join(words[start : start + length]))
            of.append(place)
    space, here = evidence.subject.space, said[rows]
    Q = evidence.X[:0] if space is None or not asked else vectors_of(space, asked, role="query")
    right = here[np.array(of, np.int64)][:, None] == here
    return Job(Q, evidence.X[rows], right, evidence.subject.similarity, here, True, space, asked, texts)


def _with_pairs(
    evidence: Evidence, pairs: Any, said: Rows, groups: list[Rows], rng: np.random.Generator
) -> Parts | None:
    """Questions and answers of the user, answers among items of the sample."""
    asked, answers, Q, A = _sides(evidence, pairs)
    names = np.unique(A, axis=0, return_inverse=True)[1].ravel() if answers is None else same_texts(answers)
    jobs = []
    for mine, rows in zip(_dealt(names, rng), groups, strict=True):
        mine = rng.permutation(mine)[:QUESTIONS]
        if answers is not None and evidence.texts is not None:
            known = set(same_of(answers, evidence.texts, rows))
            rows = np.array([row for row in rows.tolist() if row not in known], np.int64)
        own, first = np.unique(names[mine], return_index=True)
        pool = mine[first]
        X = np.concatenate([A[pool], evidence.X[rows].astype(A.dtype)])
        here = np.concatenate([own, names.max(initial=0) + 1 + said[rows]])
        texts = None
        if answers is not None and evidence.texts is not None:
            texts = [answers[i] for i in pool] + [evidence.texts[row] for row in rows]
        right = names[mine][:, None] == here
        told = None if asked is None else [asked[i] for i in mine]
        jobs.append(
            Job(Q[mine], X, right, evidence.subject.similarity, here, False, evidence.subject.space, told, texts)
        )
    if any(len(job.Q) < LEAST for job in jobs[1:]):
        return None
    learn, choose, measure = jobs
    return Parts(learn, choose, measure, "queries of the pairs given")


def same_of(answers: list[str], texts: list[str], rows: Rows) -> list[int]:
    """Those of the rows whose texts say the same as an answer, and would count as wrong beside it."""
    said = same_texts([*answers, *(texts[row] for row in rows)])
    known: list[int] = rows[np.isin(said[len(answers) :], said[: len(answers)])].tolist()
    return known


def _sides(evidence: Evidence, pairs: Any) -> tuple[list[str] | None, list[str] | None, Vectors, Vectors]:
    """Both sides of the pairs, as texts where they are, and as vectors."""
    if not isinstance(pairs, tuple) or len(pairs) != 2 or len(pairs[0]) != len(pairs[1]):
        raise ShapeError("pairs are two sides of one length, (questions, answers): texts, or vectors (n, d)")
    a, b = pairs
    if isinstance(a, np.ndarray) and a.dtype.kind in "fiu":
        Q, A = (as_vectors(side, name="pairs", dim=evidence.dim) for side in (a, b))
        return None, None, Q, A
    space = evidence.subject.space
    if space is None:
        raise DataError("pairs of texts need an encoder, and there is none here; give their vectors")
    asked, answers = check_texts(a), check_texts(b)
    return asked, answers, vectors_of(space, asked, role="query"), vectors_of(space, answers, role="document")
