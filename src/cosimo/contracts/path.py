"""The line from items to scores, and what is made of scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cosimo.guarantee import Guarantee
    from cosimo.passport import Passport
    from cosimo.types import PerItem, Role, Scores, Vectors


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
class Refiner(Protocol):
    """scikit-learn's fit / transform on vectors. Affine ones also give `affine() -> (W (d, k), b (k,))`.

    `state() -> (json, arrays)` and the classmethod `from_state` make it savable; one without cannot join a Space.
    """

    def fit(self, X: "Vectors", y: Any = None) -> "Refiner":
        """Learn from vectors (n, d)."""

    def transform(self, X: "Vectors") -> "Vectors":
        """(n, k), row by row: a row's result never depends on its neighbours."""


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
