r"""Word in context: does a word have the same sense in two sentences?

$$\mathrm{threshold}: \; \hat y = 1\{s(v_1, v_2) \ge c\}
\qquad \mathrm{logreg}: \; \hat y = 1\{w^\top [v_1; v_2; v_1 - v_2; v_1 \circ v_2] + b \ge 0\}$$

$v_1, v_2$ -> vectors of the word where it stands in either sentence (`SpanEncoder`), the cut $c$ and $w, b$ are learnt
from the pairs of `train` alone. As many pairs have the same sense as not, so chance is one half; people agree on about
80 in 100. A model with one vector a word is at chance, but for what the word's form gives away.

Pairs of one word depend on each other: words are the units of the interval, and no word is on both sides of a split
made here.

Pitfalls: pairs split at random, so that a word that is tested was trained on; the cut that is best on the pairs
it is judged by; the sentence's vector, or that of the lemma, taken for that of the occurrence.
Reference: Pilehvar and Camacho-Collados 2019, WiC: the Word-in-Context Dataset for Evaluating Context-Sensitive Meaning
Representations, https://arxiv.org/abs/1808.09121
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosimo._arrays import unit
from cosimo.encode.words.occurrences import find_occurrence
from cosimo.encode.wrappers.span_encoder import SpanEncoder, Use
from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.accuracy import Accuracy
from cosimo.measure.metrics.cuts import accuracy_at, best_cut, cuts, falling
from cosimo.measure.metrics.detection import RocAuc
from cosimo.measure.tasks.pairing import numbered
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space
from cosimo.statistics import hashed_order
from cosimo.types import PerItem, Vectors

RULES = ("threshold", "logreg")
TRAIN = 0.3
"""Share of the pairs that the rule is learnt from, where the data come without a split."""


@final
@dataclass(frozen=True, eq=False)
class WordInContext(LabelledTask):
    """Pairs of uses of a word, with a label, 1 where its sense is the same.

    words
        (n,) the word of each pair, in its base form.
    a, b
        (n,) uses of it: `(text, start, stop)`, where the characters of the word start and stop in the text.
    labels
        (n,) 1 or 0.
    train
        (n,) whether the rule is learnt from a pair; all others are tested.
    rule
        A cut on the similarity of the two vectors (`threshold`), or a logistic regression on both (`logreg`).

    Raises
    ------
    DataError
        No pair to learn from or to test, labels other than 0 and 1, another rule.

    >>> from cosimo.encode import FunctionEncoder
    >>> money, river, hill = ("My bank pays .", 3, 7), ("A river bank .", 8, 12), ("The bank of the river .", 4, 8)
    >>> task = WordInContext(["bank"] * 4, [river, money] * 2, [hill, hill] * 2, [1, 0] * 2, [True, True, False, False])
    >>> rivers = FunctionEncoder(lambda texts: [[1.0, 2.0 * ("river" in text) - 1] for text in texts])
    >>> task.run(SpanEncoder(rivers, part="text")).metrics["accuracy"].value
    1.0
    """

    words: Sequence[str]
    a: Sequence[Use]
    b: Sequence[Use]
    labels: Sequence[int]
    train: Sequence[bool]
    name: str = "wic"
    family: str = ""
    rule: Literal["threshold", "logreg"] = "threshold"
    unit: str = "pair"

    def __post_init__(self) -> None:
        lengths = [len(column) for column in (self.words, self.a, self.b, self.labels, self.train)]
        if len(set(lengths)) > 1:
            raise ShapeError(f"words, a, b, labels and train must be equally long, got {lengths}")
        if self.rule not in RULES:
            raise DataError(f"rule is one of {', '.join(RULES)}, got {self.rule!r}")
        for side, chosen in (("learn from", True), ("test", False)):
            seen = {label for label, learn in zip(self.labels, self.train, strict=True) if bool(learn) is chosen}
            if seen != {0, 1}:
                told = ", ".join(map(str, sorted(seen, key=str)[:5])) or "none"
                raise DataError(f"the labels {self.name} has to {side} must be 0 and 1, and both be there; got {told}")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        word: str = "word",
        a: str = "sentence1",
        b: str = "sentence2",
        label: str = "label",
        where: Where | None = None,
        name: str = "wic",
        family: str = "",
    ) -> "WordInContext":
        """The pairs of a file, a table or a list of records; words are searched for as `find_occurrence` does.

        Words are dealt to training and testing by their names, about 3 pairs in 10 to training.

        word, a, b, label
            Columns: a word in its base form, two sentences it occurs in, 1 or 0.
        where
            Column -> value, or list of values, of the rows to take.

        Raises
        ------
        DataError
            A column that is missing, or a sentence in which the word is not found.
        """
        columns = {"word": word, "a": a, "b": b, "label": label}
        found = read_columns(source, columns, numbers=["label"], where=where)
        words = found["word"]
        first, second = ([_use(*pair) for pair in zip(words, found[side], strict=True)] for side in "ab")
        labels = [int(y) if y in (0, 1) else y for y in found["label"]]
        return cls(words, first, second, labels, split_by_word(words), name, family)

    @classmethod
    def read_official(
        cls,
        data: str | Path,
        gold: str | Path,
        *,
        train: tuple[str | Path, str | Path] | None = None,
        name: str = "wic",
        family: str = "",
    ) -> "WordInContext":
        """The pairs of two files as WiC publishes them.

        data
            Lines `word TAB part of speech TAB i-j TAB sentence TAB sentence`, i and j the places of the word among the
            runs between blanks, from 0 on.
        gold
            Lines `T` or `F`.
        train
            Such files to learn the rule from; without them words are dealt as `read` does.

        Raises
        ------
        DataError
            By file and line: what is not so.
        """
        tested, learnt = _official(data, gold), [] if train is None else _official(*train)
        words, a, b, labels = map(list, zip(*learnt, *tested, strict=True))
        learn = split_by_word(words) if train is None else [True] * len(learnt) + [False] * len(tested)
        return cls(words, a, b, labels, learn, name, family)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Accuracy, and the area under the curve, which needs no cut."""
        return {"accuracy": Accuracy(), "roc_auc": RocAuc()}

    @property
    def content(self) -> Any:
        """Words, uses, labels, the split and the rule."""
        sides = [[[text, int(start), int(stop)] for text, start, stop in side] for side in (self.a, self.b)]
        return [list(self.words), *sides, list(map(int, self.labels)), list(map(bool, self.train)), self.rule]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """The sense of each tested pair, same or not; the encoder becomes a `SpanEncoder` unless it is one."""
        encoder = system.encoder if isinstance(system.encoder, SpanEncoder) else SpanEncoder(system.encoder)
        space = Space(encoder, refiner=system.refiner, similarity=system.similarity_function)
        X = space.encode([*self.a, *self.b], progress=progress)
        A, B = X[: len(self.a)], X[len(self.a) :]
        learn, y = np.asarray(self.train, dtype=np.bool_), np.asarray(self.labels)
        scores: PerItem
        if self.rule == "threshold":
            scores = space.similarity_function.pairs(A, B).astype(np.float64)  # the cut lies between two of them
            cut, _ = best_cut(cuts(falling(y[learn], scores[learn])), accuracy_at)
        else:
            scores, cut = _regressed(A, B, y, learn), 0.0
        words, given = np.asarray(self.words), scores[~learn]
        shared = len(set(words[learn]) & set(words[~learn]))
        return Answers(
            {"accuracy": (y[~learn], (given >= cut).astype(np.int64)), "roc_auc": (y[~learn], given)},
            int((~learn).sum()),
            numbered(words[~learn].tolist()),
            {"rule": self.rule, "cut": cut, "trained_on": int(learn.sum())},
            (f"{shared} words are both learnt from and tested",) if shared else (),
        )


def split_by_word(words: Sequence[str], share: float = TRAIN) -> list[bool]:
    """(n,) whether to learn from a pair: those of words first by the hash of their names, until a share is reached.

    >>> split_by_word(["sea", "bank", "sea", "tea"], 0.5)
    [False, True, False, True]
    """
    codes = numbered(words)
    names = list(dict.fromkeys(words))
    order = hashed_order(names)
    sizes = np.bincount(codes, minlength=len(names))[order]
    chosen = np.zeros(len(names), np.bool_)
    chosen[order] = np.cumsum(sizes) - sizes < share * len(codes)
    return [bool(learn) for learn in chosen[codes]]


def pair_features(A: ArrayLike, B: ArrayLike) -> Vectors:
    """(n, 4 d) both vectors of each pair, their difference and their product, of unit vectors `A`, `B` (n, d).

    >>> pair_features([[0.6, -0.8]], [[1.0, 0.0]])
    array([[ 0.6, -0.8,  1. ,  0. , -0.4, -0.8,  0.6, -0. ]])
    """
    first, second = np.asarray(A), np.asarray(B)
    return np.concatenate([first, second, first - second, first * second], axis=1)


def _regressed(A: Vectors, B: Vectors, y: NDArray[Any], learn: NDArray[np.bool_]) -> PerItem:
    """(n,) log-odds of the same sense, features standardised, by a regression on the pairs to learn from."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    F = pair_features(unit(A), unit(B))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(F[learn], y[learn])
    odds: PerItem = model.decision_function(F)
    return odds


def _use(word: str, text: str) -> Use:
    found = find_occurrence(word, text)
    if found is None:
        raise DataError(f"{word!r} is not found in {text[:80]!r}; give its place, (text, start, stop)")
    return text, *found


def _official(data: str | Path, gold: str | Path) -> list[tuple[str, Use, Use, int]]:
    """Word, two uses and label of each line of the two files."""
    rows, golds = (Path(path).read_text(encoding="utf-8").splitlines() for path in (data, gold))
    if len(rows) != len(golds) or not rows:
        raise ShapeError(f"{Path(data).name} has {len(rows)} lines and {Path(gold).name} {len(golds)}; each wants one")
    pairs = []
    for number, (row, answer) in enumerate(zip(rows, golds, strict=True), start=1):
        where = f"{Path(data).name}, line {number}"
        word, *fields = row.split("\t")
        places = fields[1].split("-") if len(fields) == 4 else []
        if len(places) != 2 or not all(place.isdecimal() for place in places):
            raise DataError(
                f"{where}: wanted word TAB part of speech TAB i-j TAB sentence TAB sentence, got {row[:50]!r}"
            )
        if answer.strip() not in ("T", "F"):
            raise DataError(f"{Path(gold).name}, line {number}: wanted T or F, got {answer[:20]!r}")
        first, second = (_at(int(place), text, where) for place, text in zip(places, fields[2:], strict=True))
        pairs.append((word, first, second, int(answer.strip() == "T")))
    return pairs


def _at(place: int, text: str, where: str) -> Use:
    runs = text.split()
    if place >= len(runs):
        raise DataError(f"{where}: the sentence has {len(runs)} words, and place {place} is not among them")
    start = 0
    for run in runs[:place]:
        start = text.index(run, start) + len(run)
    start = text.index(runs[place], start)
    return text, start, start + len(runs[place])
