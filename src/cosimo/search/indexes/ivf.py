r"""IVF: vectors in lists by their nearest centroid, and a search that reads only the lists near the query.

Symbols: nlist -> `lists`, nprobe -> `probes`.

For dot products a vector $x$ is given one more coordinate, $\sqrt{L^2 - \lVert x \rVert^2}$, and a query a zero: the
products stay, all lengths become the longest, $L$, and the nearest centroid holds the largest products. Without it
every list is near for its long vectors only (recall 0.81 instead of 1.00 in our test of very unequal lengths).

Pitfalls: a query near the border of its cell has neighbours in lists that were not read, so one probe finds
little; filters (see `approximate`); centroids learned on other data than what is added.

Reference: Video Google: A Text Retrieval Approach to Object Matching in Videos (2003) for the idea of inverted lists
of vectors; Speeding Up the Xbox Recommender System Using a Euclidean Transformation for Inner-Product Spaces (2014),
https://doi.org/10.1145/2645710.2645741 for dot products; The Faiss library (2024), https://arxiv.org/abs/2401.08281
"""

from dataclasses import dataclass, field, replace
from math import ceil, isqrt
from typing import Any, final

import numpy as np

from cosimo.compare import Dot, resolve
from cosimo.errors import DataError
from cosimo.search.indexes.approximate import Neighbours, formed, library, lifted, measure_of
from cosimo.search.indexes.faiss_index import FaissIndex
from cosimo.types import Embeddings, Rows

PER_LIST = 39
"""Vectors a centroid needs to be learned well, by FAISS's own rule."""


@final
@dataclass(frozen=True)
class IvfEffort:
    """Reading `probes` of `lists` lists."""

    probes: int
    lists: int

    def rows(self, size: int) -> float:
        """Rows compared: as many as the lists read hold."""
        return size * self.probes / self.lists

    def parameters(self, wanted: int, size: int, share: float) -> Any:
        """No fewer lists than hold twice the answer."""
        probes = max(ceil(self.probes / share), ceil(2 * wanted * self.lists / size))
        return library().SearchParametersIVF(nprobe=min(probes, self.lists))


@final
@dataclass(eq=False)
class IvfIndex(FaissIndex):
    """Approximate index that builds much faster than a graph; learns its lists from a sample first.

    similarity
        Cosine, dot or euclidean, by name or as an object.
    lists
        How many; None takes four times the root of the sample's size, and no more than the sample can teach.
    probes
        Lists that a search reads; None takes an eighth of them, and no fewer than 16.
    seed
        Decides the centroids that learning starts from.

    Vectors are kept in float32; scores are those of `similarity.pairs`. A search for everything above `min_score` is
    answered exactly.

    >>> X = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])
    >>> index = IvfIndex(lists=2).fit(X)
    >>> index.add(X, ids=np.array([10, 11, 12]))
    >>> index.search(np.array([[4.0, 3.0]]), k=3)[0][2].score
    -0.8
    """

    saved_as = "ivf"
    settings = ("lists", "probes", "seed")

    lists: int | None = field(default=None, kw_only=True)
    probes: int | None = field(default=None, kw_only=True)
    seed: int = field(default=0, kw_only=True)

    def fit(self, X: Embeddings) -> "IvfIndex":
        """Learn the lists from vectors (n, d), and forget what was added.

        Raises
        ------
        DataError
            No vectors, fewer than `lists`, NaN, or a similarity that FAISS has not.
        """
        faiss = library()
        X = formed(X, self.similarity)
        lists = self.lists or max(1, min(4 * isqrt(len(X)), len(X) // PER_LIST))
        if lists < 1 or len(X) < lists:
            raise DataError(f"{lists} lists need at least as many vectors to learn from, got {len(X)}")
        metric, similarity, length = measure_of(self.similarity), resolve(self.similarity), 0.0
        if isinstance(similarity, Dot):
            length = float(np.linalg.norm(X, axis=1).max())
            X = lifted(X, length) if length else X
        coarse = faiss.IndexFlat(X.shape[1], metric)
        index = faiss.IndexIVFFlat(coarse, X.shape[1], lists, metric)
        index.cp.seed, index.cp.min_points_per_centroid = self.seed, 1
        index.train(X)
        index.set_direct_map_type(faiss.DirectMap.Array)
        self._found = Neighbours(index, similarity, np.empty(0, np.int64), length)
        return self

    def add(self, X: Embeddings, ids: Rows, *, prepared: bool = False) -> None:
        """Put vectors (n, d) into their lists under n new ids.

        prepared
            X has rows of length 1 already, where the similarity is cosine; they are kept to the bit.

        Raises
        ------
        DataError
            The index is not fitted; NaN; an id that is negative, repeated or already there.
        ShapeError
            Other dimensions than the vectors learned from.
        """
        found = self._filled()
        self._found = found.added(formed(X, self.similarity, dim=found.dim, prepared=prepared), ids)

    def update(self) -> None:
        """Fill the lists again once a fifth is removed; the centroids stay."""
        if self._found is not None and self._found.worn:
            X, ids = self._found.live()
            self._found.index.reset()
            self._found = replace(self._found, ids=ids[:0]).added(X, ids)

    def stats(self) -> dict[str, float]:
        """Vectors, lists, and the share of vectors that is removed."""
        lists = 0 if self._found is None else self._found.index.nlist
        return {"size": len(self), "lists": lists, "removed_share": self._removed_share}

    def _effort(self, found: Neighbours) -> IvfEffort:
        lists = int(found.index.nlist)
        return IvfEffort(self.probes or min(max(16, lists // 8), lists), lists)

    def _filled(self) -> Neighbours:
        if self._found is None:
            raise DataError("IvfIndex is not fitted; call fit(X) with vectors like those to come, then add them")
        return self._found
