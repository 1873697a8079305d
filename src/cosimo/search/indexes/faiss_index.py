"""What the indexes over FAISS share: their searches, removals and files, around `Neighbours`; each builds its own."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from cosimo.compare import resolve
from cosimo.contracts import Similarity
from cosimo.search.indexes.approximate import Effort, Neighbours, plain
from cosimo.search.indexes.container import Reader, Writer, reading, same_scale, writing
from cosimo.search.indexes.top import check_k
from cosimo.types import Embeddings, Hits, Rows


@dataclass(eq=False)
class FaissIndex(ABC):
    """What the indexes over FAISS share; a child builds the index, names its settings, says how hard it looks."""

    saved_as: ClassVar[str]
    settings: ClassVar[tuple[str, ...]]

    similarity: str | Similarity = "cosine"
    _found: Neighbours | None = field(default=None, init=False, repr=False)

    @abstractmethod
    def _effort(self, found: Neighbours) -> Effort:
        """How hard a search among `found` is."""

    def _filled(self) -> Neighbours | None:
        """What can be searched; None where nothing was added yet."""
        return self._found

    @property
    def scale(self) -> str:
        """The scale of the similarity."""
        return resolve(self.similarity).scale

    def __len__(self) -> int:
        return 0 if self._found is None else len(self._found)

    def remove(self, ids: Rows) -> int:
        """Hide ids from now on; how many were there."""
        before, found = len(self), self._filled()
        if found is not None:
            self._found = found.removed(ids)
        return before - len(self)

    def search(
        self, Q: Embeddings, k: int | None = None, *, min_score: float | None = None, allowed: Rows | None = None
    ) -> Hits:
        """About the k best of each query among `allowed` ids (all when None), ties by id; always k where k exist.

        k
            None gives everything that reaches `min_score`, exactly.

        Raises
        ------
        DataError
            k < 1; NaN in a query; an index that has to be fitted is not.
        ShapeError
            Queries of other dimensions than the vectors.
        """
        found = self._filled()
        if found is None:
            check_k(k)
            return Hits.empty(len(plain(Q, name="queries")), self.scale)
        return found.search(Q, k, self._effort(found), min_score=min_score, allowed=allowed)

    def pays(self, k: int, count: int) -> bool:
        """Whether a search for k among `count` allowed ids takes the short cut; otherwise it looks at each of them."""
        found = self._filled()
        return found is not None and found.pays(k, count, self._effort(found))

    def save(self, path: str) -> None:
        """Write everything to one file."""
        with writing(path, self.header) as file:
            self.write(file)

    @classmethod
    def load(cls, path: str, *, similarity: str | Similarity | None = None) -> Self:
        """The index in a file; `similarity` is needed where the one it was built with has no name.

        Raises
        ------
        StoreError
            The file is not there, is damaged, or holds something else.
        DataError
            The index was built with another similarity.
        """
        with reading(path, cls.saved_as) as file:
            return cls.read(file, similarity=similarity)

    @property
    def header(self) -> dict[str, Any]:
        """What `read` has to know first."""
        settings = {name: getattr(self, name) for name in self.settings}
        return {"kind": self.saved_as, "scale": self.scale, "settings": settings, "empty": self._found is None}

    def write(self, file: Writer) -> None:
        """Write everything but the header; nothing may follow."""
        if self._found is not None:
            self._found.write(file)

    @classmethod
    def read(cls, file: Reader, *, similarity: str | Similarity | None = None) -> Self:
        """What `write` wrote."""
        index = cls(same_scale(similarity, file.header["scale"]), **file.header["settings"])
        if not file.header["empty"]:
            index._found = Neighbours.read(file, index.similarity)
        return index

    @property
    def _removed_share(self) -> float:
        rows = 0 if self._found is None else len(self._found.ids)
        return 1 - len(self) / rows if rows else 0.0
