"""HNSW: a graph of near neighbours in layers, walked from the sparse top layer down to the query.

Each vector is linked to about M near ones; a search keeps a list of the efSearch best seen so far and stops when none
of them leads to a better one. Its cost grows with the logarithm of the size, and it may miss a neighbour.

Symbols: M -> `neighbours`, efConstruction -> `build_effort`, efSearch -> `search_effort`.

Pitfalls: filters (see `approximate`); removal, which leaves gaps in the graph, so rows are only hidden, and
`update` builds anew once a fifth is; building on several threads, which gives another graph each time; dot products, by
which queries unlike the vectors find less (recall 0.85 in our test of unequal lengths, where `IvfIndex` finds all; the
added coordinate that helps lists makes the graph far worse, 0.19). `Collection.index` measures it.

Reference: Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs
(2018), https://arxiv.org/abs/1603.09320
"""

from dataclasses import dataclass, field
from math import ceil
from typing import Any, final

import numpy as np

from cosimo.compare import resolve
from cosimo.errors import DataError
from cosimo.search.indexes.approximate import Neighbours, formed, library, measure_of, on_threads
from cosimo.search.indexes.faiss_index import FaissIndex
from cosimo.types import Embeddings, Rows


@final
@dataclass(frozen=True)
class HnswEffort:
    """A walk with a list of `search_effort` candidates, each with `neighbours` links in either direction."""

    search_effort: int
    neighbours: int

    def rows(self, size: int) -> float:
        """Rows compared: every link of every candidate."""
        return 2 * self.search_effort * self.neighbours

    def parameters(self, wanted: int, size: int, share: float) -> Any:
        """A list that is no shorter than the answer."""
        return library().SearchParametersHNSW(efSearch=max(ceil(self.search_effort / share), wanted))


@final
@dataclass(eq=False)
class HnswIndex(FaissIndex):
    """Approximate index for hundreds of thousands of vectors and more, ready as soon as vectors are added.

    similarity
        Cosine, dot or euclidean, by name or as an object.
    neighbours
        Links of each vector: more find more and take more memory.
    build_effort, search_effort
        Candidates kept while adding and while searching: more find more and take longer.
    threads
        That link vectors into the graph. More than one builds faster, and another graph each time.
    seed
        Decides the layers of the graph.

    Vectors are kept in float32; scores are those of `similarity.pairs`. A small index, and a search for everything
    above `min_score`, are answered exactly.

    >>> index = HnswIndex(seed=1)
    >>> index.add(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]), ids=np.array([10, 11, 12]))
    >>> index.search(np.array([[4.0, 3.0]]), k=2, allowed=np.array([11, 12]))[0][1].score
    -0.8
    """

    saved_as = "hnsw"
    settings = ("neighbours", "build_effort", "search_effort", "threads", "seed")

    neighbours: int = field(default=32, kw_only=True)
    build_effort: int = field(default=200, kw_only=True)
    search_effort: int = field(default=128, kw_only=True)
    threads: int = field(default=1, kw_only=True)
    seed: int = field(default=0, kw_only=True)

    def fit(self, X: Embeddings) -> "HnswIndex":
        """Nothing to learn before adding."""
        return self

    def add(self, X: Embeddings, ids: Rows, *, prepared: bool = False) -> None:
        """Link vectors (n, d) into the graph under n new ids.

        prepared
            X has rows of length 1 already, where the similarity is cosine; they are kept to the bit.

        Raises
        ------
        DataError
            NaN, an id that is negative, repeated or already there, or a similarity that FAISS has not.
        ShapeError
            Other dimensions than the vectors before.
        """
        X = formed(X, self.similarity, dim=None if self._found is None else self._found.dim, prepared=prepared)
        # `or` would ask for the length, which is 0 when everything is removed.
        found = self._empty(X.shape[1]) if self._found is None else self._found
        with on_threads(self.threads):
            self._found = found.added(X, ids)

    def update(self) -> None:
        """Build the graph again once a fifth of it is removed."""
        if self._found is not None and self._found.worn:
            X, ids = self._found.live()
            with on_threads(self.threads):
                self._found = self._empty(X.shape[1]).added(X, ids)

    def stats(self) -> dict[str, float]:
        """Vectors, and the share of the graph that is removed."""
        return {"size": len(self), "removed_share": self._removed_share}

    def _effort(self, found: Neighbours) -> HnswEffort:
        return HnswEffort(self.search_effort, self.neighbours)

    def _empty(self, dim: int) -> Neighbours:
        faiss = library()
        if min(self.neighbours - 1, self.build_effort, self.search_effort, self.threads) < 1:
            raise DataError(f"neighbours must be at least 2, efforts and threads at least 1, got {self}")
        graph = faiss.IndexHNSWFlat(dim, self.neighbours, measure_of(self.similarity))
        graph.hnsw.efConstruction = self.build_effort
        graph.hnsw.rng = faiss.RandomGenerator(self.seed)
        return Neighbours(graph, resolve(self.similarity), np.empty(0, np.int64))
