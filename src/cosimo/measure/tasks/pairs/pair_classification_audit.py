r"""Pair classification audited: is a result owed to the data, the encoder, the similarity, or the cut?

    every set of pairs  x  every encoder  x  every similarity of vectors;   every set  x  every similarity of texts

The threshold $t = \arg\max_u \mathrm{accuracy}(y, s \ge u)$ is the best one on a set's training pairs, and judged on
its test pairs and on those of all other sets. Words that texts share are a rival that needs no encoder.

Pitfalls: the cut that is best on the test pairs, which hides how little a cut carries over (it is shown beside,
as `accuracy_best`); cosine, dot product and Euclidean distance of unit vectors counted as three results; accuracy
compared between sets of different class shares.
Reference: Theron 2023, Contextualizing the Limits of Model & Evaluation Dataset Curation on Semantic Similarity
Classification Tasks, https://arxiv.org/abs/2311.04927
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from cosimo.compare import resolve
from cosimo.contracts import MetricTags
from cosimo.encode import tally
from cosimo.errors import DataError
from cosimo.measure.datasets.overlap import OVERLAPS
from cosimo.measure.datasets.pair_cards import CuratedPairs, dataset_card
from cosimo.measure.estimating import compare, estimate
from cosimo.measure.metrics.accuracy import Accuracy
from cosimo.measure.metrics.cuts import accuracy_at, best_cut, cuts, f1_at, falling
from cosimo.measure.metrics.detection import AveragePrecision, BestAccuracy, RocAuc
from cosimo.measure.tasks.pairing import first_items
from cosimo.measure.tasks.pairs.audit_table import NO_ENCODER, AuditCell, AuditTable, CutTransfer
from cosimo.measure.tasks.task import Metric, as_space
from cosimo.types import PerItem


@final
@dataclass(frozen=True, eq=False)
class PairClassificationAudit:
    """Encoders and similarities on sets of labelled pairs, crossed.

    encoders
        Name -> `Space` or `Encoder`; of a space the similarity is not used.
    datasets
        Sets of pairs with different names.
    similarities
        Names of similarities of vectors (`cosine`, `dot`, `euclidean`, `manhattan`) and of texts (`jaccard`, `dice`,
        `edit`).

    Raises
    ------
    DataError
        No data set, no similarity, an unknown one, or names that are not different.

    >>> from cosimo.encode import FunctionEncoder
    >>> from cosimo.measure import PairClassification
    >>> sides = (["a", "b", "cc", "d"], ["a", "b", "c", "dddd"], [1, 1, 0, 0])
    >>> data = CuratedPairs("letters", PairClassification(*sides), PairClassification(*(side[1:] for side in sides)))
    >>> length = FunctionEncoder(lambda texts: [[len(text), -1.0] for text in texts])
    >>> table = PairClassificationAudit({"length": length}, [data], similarities=["cosine", "jaccard"]).run()
    >>> [(cell.encoder, cell.similarity, cell.accuracy.value) for cell in table.cells]
    [('length', 'cosine', 1.0), ('none', 'jaccard', 1.0)]
    """

    encoders: Mapping[str, Any]
    datasets: Sequence[CuratedPairs]
    similarities: Sequence[str] = ("cosine", "dot", "euclidean", "manhattan", "jaccard")

    def __post_init__(self) -> None:
        names = [data.name for data in self.datasets]
        if not names or len(set(names)) < len(names):
            raise DataError(f"an audit wants sets of pairs with different names, got {', '.join(names) or 'none'}")
        if not self.similarities or len(set(self.similarities)) < len(self.similarities):
            raise DataError(f"an audit wants different similarities, got {', '.join(self.similarities) or 'none'}")
        if NO_ENCODER in self.encoders:
            raise DataError(f"{NO_ENCODER!r} names the rows without an encoder; call yours something else")
        for name in self._of_vectors:
            resolve(name)

    @property
    def _of_vectors(self) -> list[str]:
        return [name for name in self.similarities if name not in OVERLAPS]

    def run(self, *, seed: int = 0, progress: bool = False) -> AuditTable:
        """Score all pairs, choose cuts, and judge them on the test pairs of every set."""
        with tally() as seen:
            systems = dict(self._scored(progress=progress))
        cells: list[AuditCell] = []
        transfer: list[CutTransfer] = []
        for (encoder, similarity), of_sets in systems.items():
            for data, (train, test) in zip(self.datasets, of_sets, strict=True):
                cells.append(_cell(data, encoder, similarity, train, test, seed=seed))
            transfer += _transferred(self.datasets, encoder, similarity, of_sets, seed=seed)
        told = (f"{seen.cut:,} texts were longer than {seen.limit} tokens and were cut",) if seen.cut else ()
        return AuditTable(tuple(cells), tuple(map(dataset_card, self.datasets)), tuple(transfer), told)

    def _scored(self, *, progress: bool) -> Iterator[tuple[tuple[str, str], list["Scored"]]]:
        """Encoder and similarity, with the scores of training and test pairs of each set."""
        tasks = [task for data in self.datasets for task in (data.train, data.test)]
        for name, system in self.encoders.items():
            space = as_space(system)
            texts = list(dict.fromkeys(text for task in tasks for text in (*task.a, *task.b)))
            place = {text: i for i, text in enumerate(texts)}
            X = space.encode(texts, progress=progress)
            sides = [[X[[place[text] for text in side]] for side in (task.a, task.b)] for task in tasks]
            for similarity in self._of_vectors:
                yield (name, similarity), _in_twos([resolve(similarity).pairs(A, B) for A, B in sides])
        for similarity in (name for name in self.similarities if name in OVERLAPS):
            measure = OVERLAPS[similarity]
            scores = [[measure(a, b) for a, b in zip(task.a, task.b, strict=True)] for task in tasks]
            yield (NO_ENCODER, similarity), _in_twos(scores)


Scored = tuple[PerItem, PerItem]


class _F1:
    """F1 of decisions (n,), 1 where a pair was accepted."""

    tags = MetricTags(bounds=(0.0, 1.0), takes="classes")

    def __call__(self, truth: ArrayLike, pred: ArrayLike, weights: PerItem | None = None) -> float:
        y, accepted = (np.asarray(column, dtype=np.float64) for column in (truth, pred))
        w = np.ones(len(y)) if weights is None else weights
        whole = float(w @ (y + accepted))
        return 2 * float(w @ (y * accepted)) / whole if whole > 0 else 0.0


def _in_twos(scores: Sequence[ArrayLike]) -> list[Scored]:
    columns = [np.asarray(column, dtype=np.float64) for column in scores]
    return list(zip(columns[::2], columns[1::2], strict=True))


def _cell(data: CuratedPairs, encoder: str, similarity: str, train: PerItem, test: PerItem, *, seed: int) -> AuditCell:
    found = cuts(falling(data.train.labels, train))
    (cut, _), (f1_cut, _) = best_cut(found, accuracy_at), best_cut(found, f1_at)
    y, clusters = np.asarray(data.test.labels), first_items(data.test.a)
    answers: dict[str, tuple[Metric, PerItem]] = {
        "accuracy": (Accuracy(), _accepted(test, cut)),
        "f1": (_F1(), _accepted(test, f1_cut)),
        "ap": (AveragePrecision(), test),
        "roc_auc": (RocAuc(), test),
    }
    figures = {
        name: estimate(metric, y, pred, clusters=clusters, unit="pair", seed=seed)
        for name, (metric, pred) in answers.items()
    }
    best = BestAccuracy()(y, test)
    return AuditCell(data.name, encoder, similarity, cut=cut, f1_cut=f1_cut, accuracy_best=best, **figures)


def _transferred(
    datasets: Sequence[CuratedPairs], encoder: str, similarity: str, of_sets: Sequence[Scored], *, seed: int
) -> Iterator[CutTransfer]:
    """The cut of each set on the test pairs of each other."""
    own = [
        best_cut(cuts(falling(data.train.labels, train)), accuracy_at)[0]
        for data, (train, _) in zip(datasets, of_sets, strict=True)
    ]
    for j, (used, (_, test)) in enumerate(zip(datasets, of_sets, strict=True)):
        y, clusters = np.asarray(used.test.labels), first_items(used.test.a)
        for i, learnt in enumerate(datasets):
            if i == j:
                continue
            foreign, at_home = _accepted(test, own[i]), _accepted(test, own[j])
            accuracy = estimate(Accuracy(), y, foreign, clusters=clusters, unit="pair", seed=seed)
            loss = compare(Accuracy(), y, at_home, foreign, clusters=clusters, unit="pair", seed=seed)
            yield CutTransfer(encoder, similarity, learnt.name, used.name, accuracy, loss)


def _accepted(scores: PerItem, cut: float) -> PerItem:
    return (scores >= cut).astype(np.float64)
