r"""Remedies that can be tried on what is here, by kind; each learns on one job and is tried on another.

    directions   centre                  x - mean
                 drop dimensions         without those that stand out of the mean
                 drop the loudest axis   x - mean - v v^T (x - mean),   v the first principal axis
                 whiten                  all kept axes equally loud; on questions of the user's only
                 discount hubs           2 s(q, x) - r(x),   r(x) = mean score of x with its 10 nearest learned items
    lengths      normalise
    passages     texts in passages, the best of which counts
    afresh       vectors made anew, by this encoder and with its prompts
    copies       each text once

Symbols: v -> from `principal_directions`; r -> CSLS (Conneau et al., Word Translation Without Parallel Data, 2018,
https://arxiv.org/abs/1710.04087), without the term of the question, which changes no order.
Pitfalls: whitening of as many axes as there are rows, after which all items are equally far apart; whitening
judged by questions that repeat words of their answers: it makes rare words loud, and wins there where it loses on what
people ask (wordllama on Vaswani, 256 axes: +0.05 on own words, -0.09 on the judged queries).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from cosimo._arrays import unit
from cosimo.contracts import Refiner
from cosimo.doctor.job import Job
from cosimo.encode import Chunking
from cosimo.measure.probes.of_items import reader_of, vectors_of
from cosimo.measure.tasks.translation.margins import mean_of_best
from cosimo.measure.vectors.outlier_dimensions import far_off
from cosimo.types import PerItem, Vectors

NEAREST = 10
LEAST_ROWS = 3
"""Rows to learn from for each axis that is whitened."""
STANDS_OUT = 3.0
"""Standard deviations from which a dimension of the mean stands out."""

Try: TypeAlias = Callable[[Job, Job], PerItem]
"""(learn, job) -> (m,) reciprocal ranks of the questions of `job`, with what was learned on `learn`."""
Learn: TypeAlias = Callable[[Vectors], Refiner]


@dataclass(frozen=True)
class Remedy:
    """Something to try.

    advice
        What to do to have it.
    learn
        Gives the refiner that it is, where it is one.
    """

    name: str
    advice: str
    ranks: Try
    learn: Learn | None = None


def remedies(kind: str, learn: Job) -> Sequence[Remedy]:
    """What there is of a kind for a job, given how much there is to learn from."""
    return _KINDS[kind](learn)


def _refiner(name: str, learn: Learn) -> Remedy:
    """Both sides through what was learned from the items."""

    def ranks(learned_on: Job, job: Job) -> PerItem:
        refiner = learn(learned_on.X.astype(np.float64))
        Q, X = (refiner.transform(side.astype(np.float64)) for side in (job.Q, job.X))
        return job.ranks(job.similarity(Q, X))

    advice = f'Give the space the refiner "{name}" (in Python, trial.refiner), and store the vectors anew.'
    return Remedy(name, advice, ranks, learn)


def _directions(learn: Job) -> list[Remedy]:
    found = [
        _refiner("centre", _centre),
        _refiner("drop dimensions that stand out", _drop_dimensions),
        _refiner("drop the loudest axis", _drop_axis),
        Remedy("discount hubs", "Rank by 2 s(q, x) - r(x), r(x) the mean score of x with its 10 nearest.", _discount),
    ]
    if learn.own:
        return found
    most = min(learn.X.shape[1], len(learn.X) // LEAST_ROWS)
    return found + [_refiner(f"whiten to {dims}", _whitening(dims)) for dims in (64, 128, 256) if dims <= most]


def _centre(X: Vectors) -> Refiner:
    from cosimo.refine import Centre, Chain, Normalise

    return Chain([Centre(), Normalise()]).fit(X)


def _drop_dimensions(X: Vectors) -> Refiner:
    kept = np.ones(X.shape[1])
    kept[far_off(unit(X).mean(axis=0), STANDS_OUT)] = 0.0
    return _normalised(np.diag(kept), np.zeros(len(kept)))


def _drop_axis(X: Vectors) -> Refiner:
    from cosimo.refine.pca import principal_directions

    mean, _, axes = principal_directions(X, 1)
    W = np.eye(len(mean)) - axes @ axes.T
    return _normalised(W, -mean @ W)


def _normalised(W: Vectors, b: PerItem) -> Refiner:
    from cosimo.refine import Affine, Chain, Normalise

    return Chain([Affine(W, b), Normalise()])


def _whitening(dims: int) -> Learn:
    def learn(X: Vectors) -> Refiner:
        from cosimo.refine import Chain, Normalise, Whitening

        return Chain([Whitening(dims), Normalise()]).fit(X)

    return learn


def _discount(learn: Job, job: Job) -> PerItem:
    around = mean_of_best(job.similarity(job.X, learn.X), NEAREST)
    return job.ranks(2 * job.similarity(job.Q, job.X) - around)


def _lengths(learn: Job) -> list[Remedy]:
    def normalise(X: Vectors) -> Refiner:
        from cosimo.refine import Normalise

        return Normalise()

    return [_refiner("normalise", normalise)]


def _passages(learn: Job) -> list[Remedy]:
    reader = reader_of(learn.space)
    window = getattr(reader, "window", None) or 200
    size = max(min(window, 200), 2)
    chunking = Chunking(size, size // 5)

    def ranks(_: Job, job: Job) -> PerItem:
        spans = [chunking.spans(text, reader) for text in job.texts or []]
        cut = [text[a:b] for text, places in zip(job.texts or [], spans, strict=True) for a, b in places]
        X = vectors_of(job.space, cut, role="document")  # type: ignore[arg-type]
        starts = np.cumsum([0, *map(len, spans)])[:-1]
        return job.ranks(np.maximum.reduceat(job.similarity(job.Q, X), starts, axis=1))

    advice = f'Build the collection with --chunk {chunking} (Collection.create(..., chunk="{chunking}")).'
    return [Remedy(f"passages of {chunking} tokens", advice, ranks)]


def _afresh(learn: Job) -> list[Remedy]:
    def ranks(_: Job, job: Job) -> PerItem:
        return job.ranks(job.similarity(job.Q, job.fresh))

    return [Remedy("encode anew", "Build the collection anew, all of it in this space.", ranks)]


def _copies(learn: Job) -> list[Remedy]:
    def ranks(_: Job, job: Job) -> PerItem:
        first = np.unique(job.said, return_index=True)[1]
        S = job.similarity(job.Q, job.X)
        S[:, np.setdiff1d(np.arange(S.shape[1]), first)] = -np.inf
        return job.ranks(S)

    advice = "Keep each text once: cosimo duplicates FILE --keep KEPT finds them, near copies too."
    return [Remedy("each text once", advice, ranks)]


_KINDS: Mapping[str, Callable[[Job], Sequence[Remedy]]] = {
    "directions": _directions,
    "lengths": _lengths,
    "passages": _passages,
    "afresh": _afresh,
    "copies": _copies,
}
