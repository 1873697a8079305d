"""The contracts every part of cosimo keeps. Protocols only: nothing heavy is imported here.

A method has one obvious contract; one that fits none is a question to the design, not a flag on another's function.
Shapes: `X (n, d)` vectors, `Q (n, d)` queries, `K (m, d)` keys, `S (n, m)` scores, `R (n, m)` target relation,
`W (n, m)` weights, `y (n,)` labels. `E` stands for any embedding: vectors, tokens, Gaussians, codes or raw items.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from cosimo.passport import Passport
    from cosimo.types import (
        Attribution,
        Embeddings,
        Guarantee,
        Hits,
        Item,
        PerItem,
        Query,
        Report,
        Role,
        Rows,
        Scores,
        Vectors,
    )

Search = Callable[["Query"], "Hits"]


@runtime_checkable
class Encoder(Protocol):
    """Items to vectors. A token encoder also has `encode_tokens`, a trainable one `module() -> nn.Module`."""

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""

    @property
    def passport(self) -> "Passport":
        """What the vectors depend on: weights, tokeniser, pooling, prompts, precision, and probe vectors."""

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: "Role | None" = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> "Vectors":
        """(n, d) float32, one row an item, in the order given.

        role
            Which side of an asymmetric search the items are on; picks the prompt.
        given
            One condition an item (an instruction, a category), for encoders that take one.
        """


@dataclass(frozen=True)
class SimilarityTags:
    """What is true of a similarity by its definition; the contract tests choose their checks by it.

    symmetric
        `S(Q, K) == S(K, Q).T`.
    bounded
        Lowest and highest possible score, `None` where there is none.
    self_best
        No key scores higher against an item than the item itself.
    takes
        The kind of embedding it compares.
    """

    symmetric: bool = True
    bounded: tuple[float | None, float | None] = (None, None)
    self_best: bool = True
    takes: Literal["vectors", "tokens", "gaussians", "codes", "items"] = "vectors"


@runtime_checkable
class Similarity(Protocol):
    """Two sides to scores; bigger is closer, always. numpy in, numpy out; a trainable one takes and gives tensors.

    Optional: `fit(Q, K)` for similarities that freeze neighbour statistics; `to_mips(E, *, side) -> (n, D)` when an
    inner product of transformed sides ranks the same; `explain(q, k) -> Attribution`.
    """

    @property
    def scale(self) -> str:
        """The name scores carry; a decider fitted on one scale refuses another."""

    @property
    def tags(self) -> SimilarityTags:
        """What holds by definition."""

    def __call__(self, Q: Any, K: Any) -> "Scores":
        """(n, m) scores of every query against every key."""

    def pairs(self, Q: Any, K: Any) -> "PerItem":
        """(n,) score of row i against row i; a learned pair head may return (n, c) class scores."""


@runtime_checkable
class Objective(Protocol):
    """How wrong scores are, before any reduction. Torch tensors in and out."""

    def __call__(self, S: "torch.Tensor", R: "torch.Tensor", W: "torch.Tensor | None" = None) -> "torch.Tensor":
        """(n,) one loss a row, or (1,) for a global loss; NaN in R is ignored."""


@runtime_checkable
class Penalty(Protocol):
    """A loss that is no relation between scores: token losses, uniformity, variance."""

    def __call__(self, batch: Any, step: int) -> "torch.Tensor":
        """A scalar tensor."""


@runtime_checkable
class Sampler(Protocol):
    """Chooses what counts by turning known cells of R into NaN, never the other way."""

    def __call__(self, S: "torch.Tensor", R: "torch.Tensor") -> "torch.Tensor":
        """R (n, m) with fewer known cells."""


@runtime_checkable
class Refiner(Protocol):
    """scikit-learn's fit / transform on vectors. Affine ones also give `affine() -> (W (d, k), b (k,))`.

    `state() -> (json, arrays)` and the classmethod `from_state` make it savable; one without cannot join a Space.
    """

    def fit(self, X: "Vectors", y: Any = None) -> "Refiner":
        """Learn from vectors (n, d)."""

    def transform(self, X: "Vectors") -> "Vectors":
        """(n, k), row by row: a row's result never depends on its neighbours."""


@runtime_checkable
class Index(Protocol):
    """Finds the best keys of a query. Ids are non-negative int64 numbers chosen by the caller."""

    @property
    def scale(self) -> str:
        """The scale of the scores it returns."""

    def fit(self, X: "Embeddings") -> "Index":
        """Learn what it must before adding (centroids, codebooks); often nothing."""

    def add(self, X: "Embeddings", ids: "Rows") -> None:
        """Add n embeddings under n new ids."""

    def remove(self, ids: "Rows") -> int:
        """Forget ids; the number that was there."""

    def search(
        self,
        Q: "Embeddings",
        k: int | None = None,
        *,
        min_score: float | None = None,
        allowed: "Rows | None" = None,
    ) -> "Hits":
        """The k best of each query among `allowed` ids, ties by id; all above `min_score` when k is None."""

    def update(self) -> None:
        """Repair after many changes; often nothing."""

    def stats(self) -> Mapping[str, float]:
        """Size and health, in numbers."""

    def save(self, path: str) -> None:
        """Write everything to one file."""

    def __len__(self) -> int: ...


@runtime_checkable
class Store(Protocol):
    """The durable side of a collection. Rows are numbered once and never reused."""

    @property
    def generation(self) -> int:
        """Rises with every committed change."""

    def add(self, items: Iterable["Item"], vectors: Mapping[str, "Embeddings"], *, on_conflict: str) -> "Rows":
        """Commit items with their vectors by kind, all or nothing; the new rows."""

    def delete(self, ids: Sequence[str] | None = None, *, where: str | None = None) -> int:
        """Forget items by id or by filter; how many there were."""

    def get(self, ids: Sequence[str]) -> list["Item | None"]:
        """The items under these ids, in order, `None` where there is none."""

    def search(self, text: str, k: int, *, where: str | None = None) -> "Hits":
        """Lexical search, BM25."""

    def count(self, where: str | None = None) -> int:
        """Live items that pass the filter."""

    def scan(self, *, where: str | None = None, after: int = -1) -> Iterator["Item"]:
        """Live items in row order."""


@runtime_checkable
class Stage(Protocol):
    """Middleware around a search: rewrite the query, over-fetch, search several times, fuse, rerank, filter.

    Optional `fit(collection)`, which may read `collection.vectors()`; stale once the collection's generation moves.
    """

    def __call__(self, query: "Query", search: Search) -> "Hits":
        """Answer `query`, usually by calling `search` with a changed one."""


@runtime_checkable
class Decider(Protocol):
    """Scores to decisions with a stated guarantee. Refuses scores of another scale than it was fitted on."""

    @property
    def needs(self) -> frozenset[str]:
        """Keys of `context` it cannot do without, such as `query`."""

    @property
    def guarantee(self) -> "Guarantee | None":
        """What is promised, None before `fit`."""

    def fit(
        self,
        scores: "PerItem",
        y: "PerItem | None" = None,
        *,
        clusters: Sequence[Any] | None = None,
        by: Sequence[Any] | None = None,
        weights: "PerItem | None" = None,
        unlabelled: "PerItem | None" = None,
        context: Mapping[str, Any] | None = None,
    ) -> "Decider":
        """Learn from labelled scores.

        clusters
            Labels that depend on each other share one.
        by
            Group of each item, when the promise is for every group.
        weights
            1 / inclusion probability.
        unlabelled
            Scores without labels, which may fix the grid of cuts.
        """

    def predict(
        self,
        scores: "PerItem",
        *,
        context: Mapping[str, Any] | None = None,
        veto: "NDArray[Any] | None" = None,
    ) -> "NDArray[Any]":
        """(n,) int8: +1 accept, 0 ask, -1 reject; vetoed pairs are asked."""

    def probability(self, scores: "PerItem", *, context: Mapping[str, Any] | None = None) -> "PerItem":
        """(n,) calibrated probability of a match."""


@dataclass(frozen=True)
class MetricTags:
    """Range, direction and chance level of a metric."""

    bounds: tuple[float, float]
    higher_is_better: bool = True
    chance: float | None = None


@runtime_checkable
class ItemMetric(Protocol):
    """A metric that is a mean over items."""

    tags: MetricTags

    def __call__(self, truth: Any, pred: Any) -> "PerItem":
        """(n,) one value an item."""


@runtime_checkable
class SetMetric(Protocol):
    """A metric of the whole set. Optional `influence(truth, pred) -> (n,)`."""

    tags: MetricTags

    def __call__(self, truth: Any, pred: Any, weights: "PerItem | None" = None) -> float:
        """One number."""


@runtime_checkable
class Diagnostic(Protocol):
    """Looks at a space in one pass."""

    def update(self, X: "Vectors") -> None:
        """Take in the next block of vectors."""

    def result(self) -> "Report":
        """What was seen."""


@runtime_checkable
class Task(Protocol):
    """A measured job on labelled data."""

    def run(self, system: Any, *, seed: int = 0) -> "Report":
        """Run `system` (a Space or a Collection) and report with intervals."""


@runtime_checkable
class Explainer(Protocol):
    """Says why a score is what it is."""

    def explain(self, system: Any, items: tuple[Any, Any]) -> "Attribution":
        """Weights of the units of a pair that add up to its score."""


@runtime_checkable
class LLM(Protocol):
    """A language model, as far as methods here need one."""

    def generate(self, prompts: Sequence[str], *, n: int = 1, seed: int = 0) -> list[list[str]]:
        """N continuations of each prompt."""

    def loglik(self, texts: Sequence[str]) -> "PerItem":
        """(n,) log-likelihood of each text in nats."""

    def hidden(self, texts: Sequence[str], *, layers: Sequence[int] | None = None) -> Any:
        """Token states of each text."""
