"""Value types that travel between rooms, and the names of array shapes.

Shapes are written in names, once, here: `n` queries or items, `m` keys, `d` dimensions, `k` hits a query.
All value types are frozen; arrays inside them are not copied.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosimo.errors import ShapeError

Floats: TypeAlias = NDArray[np.floating[Any]]
Vectors: TypeAlias = Floats
"""(n, d) one vector a row, float32 unless the caller brought float64."""
Scores: TypeAlias = Floats
"""(n, m) one row a query, one column a key; bigger is closer."""
PerItem: TypeAlias = Floats
"""(n,) one number an item or a pair."""
Relation: TypeAlias = Floats
"""(n, m) the target: a relation in [0, 1] or a teacher's scores; NaN means unknown."""
Rows: TypeAlias = NDArray[np.int64]
"""(n,) or (n, k) row numbers; -1 pads."""

Role = Literal["query", "document"]
Payload: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Tokens:
    """Ragged token vectors: item i owns `values[offsets[i]:offsets[i + 1]]`.

    values
        (N, d) all token vectors, one after the other.
    offsets
        (n + 1,) int64, from 0 to N, never decreasing.
    """

    values: Vectors
    offsets: Rows

    def __post_init__(self) -> None:
        starts = self.offsets
        if self.values.ndim != 2 or starts.ndim != 1 or not starts.size:
            raise ShapeError(f"Tokens want values (N, d) and offsets (n + 1,), got {self.values.shape}, {starts.shape}")
        if starts[0] != 0 or starts[-1] != len(self.values) or (np.diff(starts) < 0).any():
            raise ShapeError(f"offsets must rise from 0 to {len(self.values)}, got {starts[0]} to {starts[-1]}")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> Vectors:
        if not -len(self) <= i < len(self):
            raise IndexError(f"item {i} of {len(self)}")
        i %= len(self)
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    def __iter__(self) -> Iterator[Vectors]:
        return (self[i] for i in range(len(self)))

    @property
    def lengths(self) -> Rows:
        """(n,) tokens an item has."""
        return np.diff(self.offsets)

    @classmethod
    def stack(cls, items: "list[Vectors]", *, dim: int | None = None) -> "Tokens":
        """Put a list of (t_i, d) arrays together; `dim` gives d when the list is empty."""
        offsets = np.cumsum([0, *map(len, items)], dtype=np.int64)
        values = np.concatenate(items) if items else np.empty((0, dim or 0), dtype=np.float32)
        return cls(values, offsets)

    def padded(self) -> tuple[Vectors, NDArray[np.bool_]]:
        """(n, t, d) vectors with zeros behind each item's end, and the mask (n, t), True where real."""
        mask = np.arange(max(self.lengths, default=0)) < self.lengths[:, None]
        T = np.zeros((*mask.shape, self.values.shape[1]), dtype=self.values.dtype)
        T[mask] = self.values
        return T, mask


@dataclass(frozen=True, eq=False)
class Gaussians:
    """One Gaussian with diagonal covariance an item: `mean` (n, d) and `var` (n, d), var > 0."""

    mean: Vectors
    var: Vectors

    def __post_init__(self) -> None:
        if self.mean.shape != self.var.shape or self.mean.ndim != 2:
            raise ShapeError(f"Gaussians want equal (n, d) shapes, got mean {self.mean.shape}, var {self.var.shape}")

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True, eq=False)
class Codes:
    """Packed binary or quantised codes: `bits` (n, bytes) uint8, of which the first `n_bits` bits count."""

    bits: NDArray[np.uint8]
    n_bits: int
    scheme: str = "sign"

    def __post_init__(self) -> None:
        if self.bits.ndim != 2 or self.bits.dtype != np.uint8 or self.n_bits > 8 * self.bits.shape[1]:
            raise ShapeError(f"Codes want uint8 (n, bytes) holding {self.n_bits} bits, got {self.bits.shape}")

    def __len__(self) -> int:
        return len(self.bits)


Embeddings: TypeAlias = Vectors | Tokens | Gaussians | Codes


@dataclass(frozen=True)
class Item:
    """One stored thing: its row number, the user's id, its text, and its other columns."""

    row: int
    id: str
    text: str | None = None
    payload: Payload = field(default_factory=dict)


@dataclass(frozen=True)
class Hit:
    """One answer to one query. `hit["title"]` reads the payload; `text` is the best passage.

    `decision` (+1 accept, 0 ask, -1 reject) and `probability` come from a rule, and are None without one.
    """

    id: str
    score: float
    payload: Payload = field(default_factory=dict)
    text: str | None = None
    row: int = -1
    decision: int | None = None
    probability: float | None = None

    def __getitem__(self, column: str) -> Any:
        return self.payload[column]


@dataclass(frozen=True, eq=False)
class Hits:
    """The k best rows of n queries, best first.

    rows
        (n, k) int64 row numbers; -1 pads a query with fewer answers and is never shown.
    scores
        (n, k) on the named `scale`; -inf where padded.
    scale
        What the scores measure, such as `cosine` or `rrf(cosine, bm25)`. A decider refuses another scale.
    probability, decision
        (n, k) from a decider: a calibrated probability, and +1 accept, 0 ask, -1 reject.
    matched
        (n,) whether the query has any match, from a decider.
    items, spans
        From a collection: what is stored under the rows, and (n, k, 2) the best passages' places in texts it splits.
    """

    rows: Rows
    scores: Scores
    scale: str
    probability: Floats | None = None
    decision: NDArray[np.int8] | None = None
    matched: NDArray[np.bool_] | None = None
    items: Mapping[int, Item] = field(default_factory=dict, repr=False)
    spans: Rows | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.rows.shape != self.scores.shape or self.rows.ndim != 2:
            raise ShapeError(f"Hits want equal (n, k) shapes, got rows {self.rows.shape}, scores {self.scores.shape}")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, query: int) -> list[Hit]:
        return [self._hit(query, place) for place, row in enumerate(self.rows[query]) if row >= 0]

    def __iter__(self) -> Iterator[list[Hit]]:
        return (self[i] for i in range(len(self)))

    def _hit(self, query: int, place: int) -> Hit:
        row = int(self.rows[query, place])
        item = self.items.get(row) or Item(row, str(row))
        text = item.text
        if text is not None and self.spans is not None:
            text = text[slice(*self.spans[query, place])].strip()
        decision = None if self.decision is None else int(self.decision[query, place])
        probability = None if self.probability is None else float(self.probability[query, place])
        return Hit(item.id, float(self.scores[query, place]), item.payload, text, row, decision, probability)

    @classmethod
    def empty(cls, n: int, scale: str) -> "Hits":
        """No answer to any of n queries."""
        return cls(np.empty((n, 0), np.int64), np.empty((n, 0), np.float32), scale)

    def with_items(self, items: Mapping[int, Item], spans: Rows | None = None) -> "Hits":
        """The same answers, with what is stored under their rows and the places of the best passages."""
        return replace(self, items=items, spans=spans)


@dataclass(frozen=True, eq=False)
class Query:
    """What a search stage receives and may change before it passes it on.

    items
        The raw queries, `None` when only vectors were given.
    X
        (n, d) their vectors, `None` until somebody needs them: the innermost search encodes then.
    k, where, min_score
        Hits wanted a query, filter expression, lowest score worth returning.
    by
        Which search answers: nearest `vector`, or `text` (lexical, BM25).
    """

    items: tuple[Any, ...] | None
    X: Embeddings | None = None
    k: int = 10
    where: str | None = None
    min_score: float | None = None
    by: Literal["vector", "text"] = "vector"

    def __len__(self) -> int:
        given = self.items if self.items is not None else self.X
        return 0 if given is None else len(given)


@dataclass(frozen=True)
class Interval:
    """An interval and how it came about; `scope` states what it does not cover."""

    low: float
    high: float
    level: float
    method: str
    unit: str
    n_units: int
    kind: Literal["confident", "average", "estimate"]
    scope: str


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number with its interval, and the values (n,) it averages where there are such."""

    value: float
    interval: Interval | None = None
    per_item: PerItem | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """The outcome of a task or diagnostic: named estimates and all that is needed to reproduce them.

    metrics
        The first is the one to quote.
    n, items
        How many items (pairs, queries) there were, and a digest of them.
    seed, passport, settings
        What else the numbers depend on.
    answers
        Truth and prediction, (n, ...) each, of the metrics that are no mean over items: to compare two systems by.
    clusters
        (n,) or (n, 2) names; items that share one depend on each other.
    """

    metrics: Mapping[str, Estimate]
    n: int
    items: str
    seed: int
    passport: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    answers: Mapping[str, tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=dict, repr=False)
    clusters: NDArray[Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Attribution:
    """Why a score is what it is: `base + weights.sum() == score` up to `faithfulness`.

    weights
        (a, b) one weight for each unit of the first item and each unit of the second.
    """

    units_a: tuple[str, ...]
    units_b: tuple[str, ...]
    weights: Scores
    base: float
    score: float
    faithfulness: float
