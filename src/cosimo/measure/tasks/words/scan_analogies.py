r"""Analogies between whole systems: if an atom is like the solar system, what is like the sun?

$$\mathrm{add} = \cos(x_b, \; x_B - x_A + x_a) \qquad
\mathrm{mul} = \frac{s'(b, B) \, s'(b, a)}{s'(b, A) + \varepsilon} \qquad
\mathrm{difference} = \cos(x_B - x_A, \; x_b - x_a)$$

$A, B$ -> `sources`, `targets`: the names of two systems, or a pair that is given as an example; $a, b$ -> a part of the
one and what it is in the other; $s' = (\cos + 1) / 2$. Every $a$ is asked for its $b$

    accuracy, mrr   among the parts of all targets (a cloze), but for the words of the question
    choice          among the parts of its own target
    mapping         by the assignment of all parts of the source to all of the target that has the greatest sum

A language model is asked by a template, and its answer's log-likelihood is divided by its length: `lm_template`.

Pitfalls: A, B and a left among the candidates (the best is then often B); long answers compared with short ones
by the sum over their tokens; an assignment of equal scores that comes out right because the lists are in order (the
targets are shuffled here); parts of one system counted as independent.
Reference: Czinczoll et al. 2022, Scientific and Creative Analogies in Pretrained Language Models,
https://arxiv.org/abs/2211.15268
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, final

import numpy as np

from cosimo._arrays import as_vectors, unit
from cosimo._random import Seed, generator
from cosimo.contracts import LLM
from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.accuracy import Accuracy
from cosimo.measure.tasks.pairing import numbered
from cosimo.measure.tasks.places import Hits, ReciprocalRank, places
from cosimo.measure.tasks.reading import Where, read_columns
from cosimo.measure.tasks.task import Answers, LabelledTask, Metric
from cosimo.space import Space
from cosimo.types import Report, Rows, Scores, Vectors

SMALL = 1e-3

Rule = Literal["add", "mul", "difference"]
Scorer: TypeAlias = Callable[[tuple[str, str], Sequence[str], Sequence[str]], Scores]
"""Scores (n, m): how well each of n parts goes with each of m, if the first of a pair goes with the second."""


def analogy_scores(example: Vectors, asked: Vectors, candidates: Vectors, *, rule: Rule = "add") -> Scores:
    """(n, m) how well each of `candidates` (m, d) answers each of `asked` (n, d), by the example (2, d).

    Lengths of vectors do not count.

    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [1.0, 0.0], [-1.0, 0.0]])
    >>> analogy_scores(X[:2], X[2:3], X[3:], rule="difference")
    array([[0., 1.]])
    """
    A, B = unit(example)
    asks, answers = unit(asked), unit(candidates)
    if rule == "add":
        sums: Scores = unit(asks + (B - A)) @ answers.T
        return sums
    if rule == "mul":
        first, second, third = ((1 + side @ answers.T) / 2 for side in (B, asks, A))
        products: Scores = first * second / (third + SMALL)
        return products
    moved = unit((answers - asks[:, None]).reshape(-1, answers.shape[1]))
    return np.reshape(moved @ unit((B - A)[None])[0], (len(asks), len(answers)))


def lm_template(
    llm: LLM,
    *,
    template: str = "If {source} is like {target}, then {a} is like {b}.",
    length: Callable[[str], float] = len,
) -> Scorer:
    """A scorer that asks a language model how likely an answer is in a sentence, per unit of its length.

    template
        Has {source}, {target} and {a} before {b}; all from {b} on is the answer.
    length
        Of an answer: characters, or better the model's tokens.

    >>> class Short:
    ...     def loglik(self, texts):
    ...         return np.array([-float(len(text)) for text in texts])
    >>> lm_template(Short())(("sun", "nucleus"), ["planet"], ["electron"])
    array([[-1.25]])
    """
    start, field, end = template.partition("{b}")
    if not field or any("{" + name + "}" not in start for name in ("source", "target", "a")):
        raise DataError(f"a template has {{source}}, {{target}} and {{a}}, and {{b}} behind them, got {template!r}")

    def scorer(example: tuple[str, str], asked: Sequence[str], candidates: Sequence[str]) -> Scores:
        starts = [start.format(source=example[0], target=example[1], a=a) for a in asked]
        whole = np.asarray(llm.loglik([f"{text}{b}{end}" for text in starts for b in candidates]), dtype=np.float64)
        before = np.asarray(llm.loglik([text.rstrip() for text in starts]), dtype=np.float64)
        lengths = np.array([max(float(length(b)), 1.0) for b in candidates])
        scores: Scores = (whole.reshape(len(asked), -1) - before[:, None]) / lengths
        return scores

    return scorer


@final
@dataclass(frozen=True, eq=False)
class AnalogyMapping(LabelledTask):
    """Systems that are like each other part by part: is the part that answers another found?

    sources, targets
        (n,) the two systems of each pair of parts, or an example; pairs with the same two are one mapping.
    a, b
        (n,) a part of the source, and what it is in the target.
    rule
        How vectors are compared.

    >>> from cosimo.encode import FunctionEncoder
    >>> vectors = {"solar system": [1, 0, 0, 0], "atom": [1, 0, 0, 1], "sun": [0, 1, 0, 0], "nucleus": [0, 1, 0, 1],
    ...            "planet": [0, -1, 1, 0], "electron": [0, -1, 1, 1]}
    >>> space = FunctionEncoder(lambda texts: [vectors.get(text, [1, 1, 1, 1]) for text in texts])
    >>> task = AnalogyMapping(["solar system"] * 2, ["atom"] * 2, ["sun", "planet"], ["nucleus", "electron"])
    >>> task.run(space).metrics["mapping"].value
    1.0
    """

    sources: Sequence[str]
    targets: Sequence[str]
    a: Sequence[str]
    b: Sequence[str]
    name: str = "analogy mapping"
    family: str = ""
    rule: Rule = "add"
    unit: str = "pair"

    def __post_init__(self) -> None:
        lengths = [len(side) for side in (self.sources, self.targets, self.a, self.b)]
        if len(set(lengths)) > 1:
            raise ShapeError(f"sources, targets, a and b must be equally long, got {lengths}")
        if len(set(self.b)) < 2:
            raise DataError(f"{self.name} has {len(set(self.b))} different answers, wanted two at least")
        if self.rule not in ("add", "mul", "difference"):
            raise DataError(f"rule is 'add', 'mul' or 'difference', got {self.rule!r}")

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        columns: Sequence[str] = ("source", "target", "a", "b"),
        where: Where | None = None,
        name: str = "analogy mapping",
        family: str = "",
        rule: Rule = "add",
    ) -> "AnalogyMapping":
        """The pairs of a file, a table or a list of records.

        columns
            Those of the two systems and of their parts.
        where
            Column -> value, or list of values, of the rows to take.
        """
        found = read_columns(source, dict(zip("stab", columns, strict=True)), where=where)
        return cls(found["s"], found["t"], found["a"], found["b"], name, family, rule)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Accuracy among all targets first."""
        m = len(set(self.b))
        return {"accuracy": Hits(1, m), "mrr": ReciprocalRank(m), "choice": Hits(1, m), "mapping": Accuracy()}

    @property
    def content(self) -> Any:
        """The pairs."""
        return [list(side) for side in (self.sources, self.targets, self.a, self.b)]

    def answer(self, system: Space, *, seed: int, progress: bool) -> Answers:
        """Where each answer stands by the vectors of the system."""
        texts = list(dict.fromkeys([*self.sources, *self.targets, *self.a, *self.b]))
        place = {text: i for i, text in enumerate(texts)}
        X = as_vectors(system.encode(texts, progress=progress)).astype(np.float64)

        def scorer(example: tuple[str, str], asked: Sequence[str], candidates: Sequence[str]) -> Scores:
            given, asks, answers = (X[[place[text] for text in side]] for side in (example, asked, candidates))
            return analogy_scores(given, asks, answers, rule=self.rule)

        return self._answers(scorer, self.rule, seed)

    def evaluate(self, scorer: Scorer, *, name: str, seed: int = 0) -> Report:
        """The report of any scorer, such as `lm_template`.

        name
            What the report calls it, in the place of a passport.

        Raises
        ------
        DataError
            A score is NaN.
        ShapeError
            Not a score for each part and each candidate.
        """
        return self.report(self._answers(scorer, name, seed), passport=name, seed=seed)

    def _answers(self, scorer: Scorer, rule: str, seed: Seed) -> Answers:
        everything = list(dict.fromkeys(self.b))
        column = {text: i for i, text in enumerate(everything)}
        mappings = numbered([f"{s}\x1f{t}" for s, t in zip(self.sources, self.targets, strict=True)])
        n, rng = len(mappings), generator(seed)
        cloze, choice, mapped = np.empty((n, 2), np.int64), np.empty((n, 2), np.int64), np.empty(n, np.int64)
        truth = np.array([column[b] for b in self.b])
        for mapping in range(int(mappings.max()) + 1):
            rows = np.flatnonzero(mappings == mapping).tolist()
            example, asked = (self.sources[rows[0]], self.targets[rows[0]]), [self.a[i] for i in rows]
            S = np.asarray(scorer(example, asked, everything), dtype=np.float64)
            if S.shape != (len(rows), len(everything)):
                raise ShapeError(f"a scorer gives ({len(rows)}, {len(everything)}) scores here, got {S.shape}")
            question = np.array([[text in (*example, a) for text in everything] for a in asked])
            cloze[rows] = places(S, truth[rows], excluded=question)
            own = np.isin(np.arange(len(everything)), truth[rows])
            choice[rows] = places(S, truth[rows], excluded=~own[None] | question)
            mapped[rows] = _assigned(S, truth[rows], rng)
        clusters = mappings if int(mappings.max()) + 1 < n else None
        ones = np.ones(n)
        given = {"accuracy": (ones, cloze), "mrr": (ones, cloze), "choice": (ones, choice), "mapping": (truth, mapped)}
        return Answers(given, n, clusters, {"rule": rule, "candidates": len(everything)})


def _assigned(S: Scores, columns: Rows, rng: np.random.Generator) -> Rows:
    """(n,) the column that each row gets, of those that its rows' answers have, each as often as it is an answer."""
    from scipy.optimize import linear_sum_assignment

    shuffled = rng.permutation(columns)  # of equal sums, the first that is found is no more often right than others
    _, chosen = linear_sum_assignment(S[:, shuffled], maximize=True)
    return cast("Rows", shuffled[chosen])
