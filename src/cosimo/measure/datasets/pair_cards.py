r"""What a set of labelled pairs is made of, which is most of what a result on it means.

    told by whoever knows        source, sampling rule, what the label means
    counted                      class shares, lengths, words shared in either class, repeated pairs, leaks

$$\mathrm{words\ tell} = \Pr\big(\mathrm{jaccard}(+) > \mathrm{jaccard}(-)\big) + \tfrac12 \Pr(=)$$

Where words shared tell the classes apart, a model that understands nothing does well; where negatives share as many as
positives (pairs sampled because they look alike), cosines of good models are high for both.

Pitfalls: a pair and its mirror image counted as different; a text of the training pairs in a test pair not
counted as a leak because its partner is new.
Reference: Theron 2023, Contextualizing the Limits of Model & Evaluation Dataset Curation on Semantic Similarity
Classification Tasks, https://arxiv.org/abs/2311.04927
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosimo.errors import DataError
from cosimo.measure.datasets.overlap import jaccard, words_of
from cosimo.measure.tasks.pairs.pair_classification import PairClassification
from cosimo.statistics import roc_auc


@dataclass(frozen=True, eq=False)
class CuratedPairs:
    """A set of labelled pairs, with what is known of how it came about.

    name
        What it is called in tables.
    train, test
        Pairs to choose a cut by, and others to judge it by.
    source, sampling, label
        In words: where the texts are from, how pairs were chosen, what makes a pair a match.

    Raises
    ------
    DataError
        Training and test pairs are the same.
    """

    name: str
    train: PairClassification
    test: PairClassification
    source: str = ""
    sampling: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        if self.train.digest == self.test.digest:
            raise DataError(f"{self.name}: training and test pairs are the same; a cut is judged by other pairs")


@dataclass(frozen=True)
class DatasetCard:
    """Facts about a set of labelled pairs, of training and test together where nothing else is said.

    n_train, n_test, train_positives, test_positives
        Numbers of pairs and shares of matches.
    words
        Mean number of different words of a text.
    positive_overlap, negative_overlap
        Mean share of words that both texts have, of all that either has, in matches and in others.
    words_tell
        Area under the curve of that share: 0.5 where it tells nothing, 1 where it tells all.
    repeated
        Share of pairs that are there more than once, in either order.
    contradicted
        Share of pairs that are there with the other label as well.
    leaked_pairs, leaked_texts
        Shares of test pairs that are training pairs as well, and of which either text is in a training pair.
    """

    name: str
    source: str
    sampling: str
    label: str
    n_train: int
    n_test: int
    train_positives: float
    test_positives: float
    words: float
    positive_overlap: float
    negative_overlap: float
    words_tell: float
    repeated: float
    contradicted: float
    leaked_pairs: float
    leaked_texts: float

    def __str__(self) -> str:
        told = [f"{what}: {text}" for what, text in (("source", self.source), ("sampling", self.sampling)) if text]
        told += [f"label: {self.label}"] if self.label else []
        lines = [
            f"{self.name}: {self.n_train:,} training and {self.n_test:,} test pairs, "
            f"{self.train_positives:.0%} and {self.test_positives:.0%} matches, {self.words:.0f} words a text",
            f"  words shared: {self.positive_overlap:.2f} of matches, {self.negative_overlap:.2f} of others "
            f"(they alone tell {self.words_tell:.2f})",
            f"  repeated {self.repeated:.1%}, contradicted {self.contradicted:.1%}, test pairs seen in training "
            f"{self.leaked_pairs:.1%}, with a text seen in training {self.leaked_texts:.1%}",
        ]
        return "\n".join([*lines, *(f"  {line}" for line in told)])


def dataset_card(data: CuratedPairs) -> DatasetCard:
    """Count what a set of pairs is made of.

    >>> from cosimo.measure import PairClassification
    >>> train = PairClassification(["a b", "c"], ["b a", "d"], [1, 0])
    >>> test = PairClassification(["b a", "e f"], ["a b", "f g"], [1, 0])
    >>> card = dataset_card(CuratedPairs("letters", train, test, source="made up"))
    >>> card.repeated, card.leaked_pairs, card.negative_overlap
    (0.5, 0.5, 0.167)
    """
    train, test = _pairs(data.train), _pairs(data.test)
    pairs, y = [*train, *test], np.array([*data.train.labels, *data.test.labels])
    overlaps = np.array(
        [jaccard(a, b) for task in (data.train, data.test) for a, b in zip(task.a, task.b, strict=True)]
    )
    labels: dict[frozenset[str], list[int]] = {}
    for pair, label in zip(pairs, y.tolist(), strict=True):
        labels.setdefault(pair, []).append(label)
    seen_pairs, seen_texts = set(train), frozenset().union(*train)
    texts = {text for pair in pairs for text in pair}
    return DatasetCard(
        name=data.name,
        source=data.source,
        sampling=data.sampling,
        label=data.label,
        n_train=len(train),
        n_test=len(test),
        train_positives=float(np.mean(data.train.labels)),
        test_positives=float(np.mean(data.test.labels)),
        words=float(np.mean([len(words_of(text)) for text in texts])),
        positive_overlap=float(overlaps[y == 1].mean()),
        negative_overlap=float(overlaps[y == 0].mean()),
        words_tell=roc_auc(overlaps, y),
        repeated=float(np.mean([len(labels[pair]) > 1 for pair in pairs])),
        contradicted=float(np.mean([len(set(labels[pair])) > 1 for pair in pairs])),
        leaked_pairs=float(np.mean([pair in seen_pairs for pair in test])),
        leaked_texts=float(np.mean([bool(pair & seen_texts) for pair in test])),
    )


def _pairs(task: PairClassification) -> Sequence[frozenset[str]]:
    """Each pair without its order."""
    return [frozenset(pair) for pair in zip(task.a, task.b, strict=True)]
