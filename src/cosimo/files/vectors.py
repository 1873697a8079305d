"""Vectors in files that others read: `.npy`, `.npz`, `.safetensors` and `.parquet`. Nothing is ever unpickled.

    .npy            the array (n, d) alone; ids have no place in it
    .npz            the arrays `vectors` and `ids`
    .safetensors    the tensor `vectors`; ids as a JSON list in the metadata, under `ids`
    .parquet        the columns `vector` (a list of d numbers) and `id`

`.npy` and `.parquet` are written block by block; the other two are put together in memory first. An array in a `.npy`
file is mapped, not read, so that it may be larger than memory.
"""

from collections.abc import Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from cosimo._arrays import as_vectors
from cosimo.errors import DataError, ShapeError
from cosimo.files.atomic import replacing
from cosimo.files.vector_readers import READERS
from cosimo.files.vector_writers import WRITERS, Blocks
from cosimo.types import Vectors


def save_vectors(X: ArrayLike, path: str | Path, *, ids: Sequence[str] | None = None) -> None:
    """Write an array (n, d), and its n ids where there are any; the extension of `path` chooses the format.

    Raises
    ------
    DataError
        An unknown extension, NaN or infinity, or ids for a `.npy` file.
    ShapeError
        Not one id a vector.
    """
    array = as_vectors(X)
    names = None if ids is None else list(map(str, ids))
    if names is not None and Path(path).suffix.lower() == ".npy":
        raise DataError("a .npy file holds an array and no ids; use .npz, .safetensors or .parquet")
    if names is not None and len(names) != len(array):
        raise ShapeError(f"wanted one id a vector, got {len(names)} ids and {len(array)} vectors")
    write_blocks(iter([(names, array)]), path)


def write_blocks(blocks: Blocks, path: str | Path) -> int:
    """Write blocks of ids and their vectors; how many vectors there were."""
    write = WRITERS[_format(Path(path))]
    with replacing(Path(path)) as file:
        return write(blocks, file)


def load_vectors(path: str | Path, *, name: str | None = None) -> tuple[Vectors, list[str] | None]:
    """Vectors (n, d) and, where the file has them, their n ids; float16 and whole numbers become float32.

    name
        The array, tensor or column to take from a file written by others; when None, the one named `vectors` or
        `vector`, or else the only one. Ids are those named `ids` or `id`.

    Raises
    ------
    DataError
        No such file, format or array; pickled objects; a damaged file; NaN or infinity, by row.
    ShapeError
        Vectors of different lengths, or an array that is not (n, d).
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f'there is no file "{file}"')
    found, ids = READERS[_format(file)](file, name)
    X = as_vectors(found, name=f"the array in {file.name}")
    if ids is not None and len(ids) != len(X):
        raise DataError(f"{file.name} holds {len(X)} vectors and {len(ids)} ids; wanted one id a vector")
    return X, ids


def _format(path: Path) -> str:
    if path.suffix.lower() not in WRITERS:
        raise DataError(f'"{path}" is no file of vectors; wanted one that ends in {", ".join(WRITERS)}')
    return path.suffix.lower()
