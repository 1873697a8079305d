"""Exact search: every key is looked at, block by block, and nothing is missed.

Pitfalls: equal vectors that do not tie, because a matrix product rounds them differently in different places;
ties cut off at k in arbitrary order; scores of a query that change with the batch it is in. Here all three are exact:
a product over a block only picks candidates, with its error bound, and each candidate is scored by itself.

Large batches are screened by eight-bit codes first (see `eight_bit`), which the index makes when it first needs them
and keeps in memory, a quarter of the size of the keys.
"""

from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from cosimo.compare import Cosine, Dot, resolve
from cosimo.contracts import Similarity
from cosimo.search.indexes.container import reading, same_scale, writing
from cosimo.search.indexes.eight_bit import EightBitKeys
from cosimo.search.indexes.rows import checked, embeddings_from, join, new_ids, parts, take, vectors
from cosimo.search.indexes.scan import BLOCK, scan
from cosimo.search.indexes.screens import ProductScreen, Visible, screen_for
from cosimo.search.indexes.top import Running, check_k, stacked
from cosimo.types import Codes, Embeddings, Hits, Rows, Scores

QUERIES = 512
"""Queries answered at once: with a block of keys this bounds the memory."""
BATCH = 64
"""Queries from which codes pay."""
CODED = 1 << 29
"""Elements of keys up to which codes are kept in memory."""


@final
@dataclass(eq=False)
class ExactIndex:
    """Index that compares each query with every key.

    similarity
        By name or as an object. Cosine and dot product of vectors run on matrix products; any other similarity, on
        any kind of embedding, through its own matrix.

    Scores are those of `similarity.pairs` to the precision of the keys.

    >>> index = ExactIndex()
    >>> index.add(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]), ids=np.array([10, 11, 12]))
    >>> hits = index.search(np.array([[4.0, 3.0]]), k=3)
    >>> hits.rows, hits.scores
    (array([[10, 11, 12]]), array([[ 0.8,  0.6, -0.8]]))
    """

    similarity: str | Similarity = "cosine"
    _ids: Rows = field(default_factory=lambda: np.empty(0, np.int64), init=False, repr=False)
    _pieces: list[Embeddings] = field(default_factory=list, init=False, repr=False)
    _codes: dict[int, EightBitKeys] = field(default_factory=dict, init=False, repr=False)
    _longest: float | None = field(default=None, init=False, repr=False)

    @classmethod
    def over(
        cls, X: Embeddings, ids: Rows, *, similarity: str | Similarity = "cosine", prepared: bool = False
    ) -> "ExactIndex":
        """An index over embeddings that are already there, such as a memory-mapped file.

        prepared
            X is already in the form in which the index keeps keys (rows of length 1 for cosine, as they are for
            everything else) and holds no NaN: nothing is checked and nothing copied.
        """
        index = cls(similarity)
        if not prepared:
            index.add(X, ids)
        elif len(X):
            index._ids = np.asarray(ids, np.int64)
            index._pieces = [np.asarray(X) if isinstance(X, np.ndarray) else X]
        return index

    @property
    def scale(self) -> str:
        """The scale of the similarity."""
        return resolve(self.similarity).scale

    def __len__(self) -> int:
        return len(self._ids)

    def fit(self, X: Embeddings) -> "ExactIndex":
        """Nothing to learn."""
        return self

    def add(self, X: Embeddings, ids: Rows) -> None:
        """Add embeddings of n keys under n new ids.

        Raises
        ------
        DataError
            NaN, an id that is negative, repeated or already there.
        ShapeError
            Other dimensions than the keys before.
        """
        first = self._pieces[0] if self._pieces else None
        X = checked(X, like=first)
        ids = new_ids(ids, len(X), self._ids)
        if not len(X):
            return
        similarity = resolve(self.similarity)
        if isinstance(similarity, Cosine):
            X = similarity.to_mips(vectors(X), side="key")
        elif isinstance(X, np.ndarray):
            X = X.copy()
        if isinstance(X, np.ndarray) and isinstance(first, np.ndarray):
            X = X.astype(first.dtype, copy=False)
        self._codes.pop(len(self) // BLOCK * BLOCK, None)
        self._longest = None
        self._pieces.append(X)
        self._ids = np.concatenate([self._ids, ids])

    def remove(self, ids: Rows) -> int:
        """Forget ids; how many were there."""
        gone = np.isin(self._ids, ids)
        count = int(gone.sum())
        if count:
            self._pieces = [take(self._keys(), np.flatnonzero(~gone))]
            self._ids = self._ids[~gone]
            self._codes.clear()
        return count

    def search(
        self, Q: Embeddings, k: int | None = None, *, min_score: float | None = None, allowed: Rows | None = None
    ) -> Hits:
        """The k best keys of each query, ties by id.

        k
            None returns everything that reaches `min_score`.
        allowed
            Sorted ids to choose from; all when None.

        Answers are padded to the longest, which is shorter than k when there are fewer keys.

        Raises
        ------
        DataError
            k < 1, or NaN in a query.
        ShapeError
            Queries of other dimensions than the keys.
        """
        check_k(k)
        keys = self._keys() if self._pieces else None
        Q = checked(Q, like=keys, name="queries")
        if keys is None or not len(Q):
            return Hits.empty(len(Q), self.scale)
        chosen = None if allowed is None else np.isin(self._ids, allowed)
        answers = [
            self._answer(take(Q, slice(start, start + QUERIES)), k, min_score, chosen)
            for start in range(0, len(Q), QUERIES)
        ]
        return Hits(*stacked(answers), self.scale)

    def update(self) -> None:
        """Nothing to repair."""

    def stats(self) -> dict[str, float]:
        """Keys, and bytes of eight-bit codes kept."""
        return {"size": len(self), "codes_bytes": sum(block.codes.nbytes for block in self._codes.values())}

    def save(self, path: str) -> None:
        """Write everything to one file."""
        keys = self._keys() if self._pieces else None
        header: dict[str, Any] = {"kind": "exact", "scale": self.scale}
        if isinstance(keys, Codes):
            header |= {"n_bits": keys.n_bits, "scheme": keys.scheme}
        with writing(path, header | {"type": type(keys).__name__}) as file:
            for array in (self._ids, *([] if keys is None else parts(keys))):
                file.array(array)

    @classmethod
    def load(cls, path: str, *, similarity: str | Similarity | None = None) -> "ExactIndex":
        """The index in a file.

        similarity
            The one it was built with, where that has no name of its own; the named one otherwise.

        Raises
        ------
        StoreError
            The file is not there, is damaged, or holds something else.
        DataError
            The index was built with another similarity.
        """
        with reading(path, "exact") as file:
            index = cls(same_scale(similarity, file.header["scale"]))
            index._ids = file.array()
            if len(index):
                index._pieces = [embeddings_from(file.header, file.array)]
        return index

    def _keys(self) -> Embeddings:
        if len(self._pieces) > 1:
            self._pieces = [join(self._pieces)]
        return self._pieces[0]

    def _bound(self, keys: Embeddings) -> float:
        """Length of the longest key, where products need it."""
        if self._longest is None:
            lengths = np.linalg.norm(vectors(keys), axis=1) if self.scale == Dot.scale else np.ones(1)
            self._longest = float(lengths.max())
        return self._longest

    def _answer(self, Q: Embeddings, k: int | None, floor: float | None, chosen: Visible) -> tuple[Rows, Scores]:
        keys = self._keys()
        screen = screen_for(Q, keys, resolve(self.similarity), longest=self._bound(keys))
        best = Running(len(Q), k, floor=floor, dtype=screen.dtype)
        coded = isinstance(screen, ProductScreen) and len(Q) >= BATCH and vectors(keys).size <= CODED
        scan(screen, keys, self._ids, best, chosen=chosen, codes=self._codes if coded else None)
        return best.result()
