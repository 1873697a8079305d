r"""One file for one index: a digest, a line of JSON, then arrays and whatever the index's own library writes.

    cosimo-index\n | SHA-256 of all that follows | {"kind": ..., ...}\n | .npy | .npy | ...

The digest is checked before anything is interpreted: FAISS reads most corrupted files without complaint. A file is
written beside its name and moved there when it is complete. Whoever knows by other means that a file is whole may have
it mapped instead: then it is there at once, and of its bytes only those are read that a search asks for.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from cosimo.compare import resolve
from cosimo.contracts import Similarity
from cosimo.errors import DataError, StoreError
from cosimo.files.atomic import publishing

MAGIC = b"cosimo-index\n"
START = len(MAGIC) + hashlib.sha256().digest_size
CHUNK = 1 << 20


@final
class Writer:
    """Bytes and arrays into a file, hashed as they go."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        """Write bytes; how many."""
        self.digest.update(data)
        return self.file.write(data)

    def array(self, X: NDArray[Any]) -> None:
        """Write one array in the .npy format, from memory or from another file, without a copy."""
        shape = {"descr": X.dtype.str, "fortran_order": False, "shape": X.shape}
        np.lib.format.write_array_header_2_0(self, shape)
        for start in range(0, len(X), 4096):
            self.write(np.ascontiguousarray(X[start : start + 4096]).tobytes())


@final
class Reader:
    """What a `Writer` wrote, in the same order.

    mapped
        Whether the rest of the file is to be mapped where it can be.
    """

    def __init__(self, file: BinaryIO, header: Mapping[str, Any], *, mapped: bool) -> None:
        self.file = file
        self.header = header
        self.mapped = mapped

    def array(self) -> NDArray[Any]:
        """The next array."""
        X: NDArray[Any] = np.lib.format.read_array(self.file, allow_pickle=False)
        return X

    def rest(self) -> NDArray[np.uint8]:
        """The bytes that follow, mapped."""
        return np.memmap(self.file, np.uint8, mode="r", offset=self.file.tell())


@contextmanager
def writing(path: str, header: Mapping[str, Any]) -> Iterator[Writer]:
    """A writer whose file appears at `path` once it is complete."""
    try:
        with publishing(Path(path)) as part, part.open("wb") as file:
            file.write(MAGIC + bytes(START - len(MAGIC)))
            writer = Writer(file)
            writer.write(json.dumps(header).encode() + b"\n")
            yield writer
            file.seek(len(MAGIC))
            file.write(writer.digest.digest())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def reading(path: str, kind: str, *, mapped: bool = False) -> Iterator[Reader]:
    """A reader of a file of this kind, whose digest has been checked.

    mapped
        The caller knows that the file is whole: its digest is not checked, and large parts are mapped.

    Raises
    ------
    StoreError
        The file is not there, is damaged, or holds something else.
    """
    try:
        with Path(path).open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise StoreError(f"{path} is no index written by cosimo")
            stored, actual = file.read(START - len(MAGIC)), hashlib.sha256()
            while not mapped and (chunk := file.read(CHUNK)):
                actual.update(chunk)
            if not mapped and stored != actual.digest():
                raise StoreError(f"{path} is damaged: its content does not match its SHA-256; build the index again")
            file.seek(START)
            header = json.loads(file.readline())
            if header["kind"] != kind:
                raise StoreError(f"{path} holds an index of kind {header['kind']}, wanted {kind}")
            yield Reader(file, header, mapped=mapped)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def same_scale(similarity: str | Similarity | None, scale: str) -> str | Similarity:
    """The similarity to load an index with, refused when the index was built on another scale."""
    if similarity is None:
        return scale
    if resolve(similarity).scale != scale:
        raise DataError(f'the index was built with "{scale}" and cannot be used with "{resolve(similarity).scale}"')
    return similarity
