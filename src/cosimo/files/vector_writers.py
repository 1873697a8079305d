"""One writer a file format for vectors: from blocks of ids and vectors to an open binary file.

There is at least one block: the first says, even when it is empty, of which type and dimensions the vectors are, and
whether they have ids.
"""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from cosimo._extras import need
from cosimo.errors import DataError
from cosimo.types import Vectors

if TYPE_CHECKING:
    import pyarrow

Blocks: TypeAlias = Iterator[tuple[list[str] | None, Vectors]]
LONGEST = 50_000_000
"""Characters of ids in the metadata of a safetensors file, whose readers stop at 100 MB."""


def fixed_lists(X: Vectors) -> "pyarrow.Array":
    """An array (n, d) as an Arrow column of n lists of d numbers.

    >>> fixed_lists(np.array([[1.0, -2.0]])).to_pylist()
    [[1.0, -2.0]]
    """
    arrow = need("pyarrow", extra="tables")
    kind = arrow.list_(arrow.from_numpy_dtype(X.dtype), X.shape[1])
    return arrow.FixedSizeListArray.from_arrays(arrow.array(X.ravel()), type=kind)


def _npy(blocks: Blocks, file: BinaryIO) -> int:
    """The header comes twice, as only the end knows how many rows there are; numpy leaves room for the number."""
    n = 0
    for _, X in blocks:
        if not file.tell():
            header = {"descr": np.lib.format.dtype_to_descr(X.dtype), "fortran_order": False}
            np.lib.format.write_array_header_1_0(file, header | {"shape": (0, X.shape[1])})
        file.write(np.ascontiguousarray(X).data)
        n += len(X)
    file.seek(0)
    np.lib.format.write_array_header_1_0(file, header | {"shape": (n, X.shape[1])})
    return n


def _npz(blocks: Blocks, file: BinaryIO) -> int:
    ids, X = _gathered(blocks)
    if ids is None:
        np.savez(file, vectors=X)
        return len(X)
    names = np.array(ids, np.str_)
    if names.tolist() != ids:
        raise DataError("a .npz file cannot hold an id that ends in a NUL character; use .parquet")
    np.savez(file, vectors=X, ids=names)
    return len(X)


def _safetensors(blocks: Blocks, file: BinaryIO) -> int:
    from safetensors.numpy import save

    ids, X = _gathered(blocks)
    metadata = None if ids is None else {"ids": json.dumps(ids)}
    if metadata and len(metadata["ids"]) > LONGEST:
        raise DataError(f"the ids of {len(X):,} vectors are too long for a .safetensors file; use .parquet")
    file.write(save({"vectors": X}, metadata))
    return len(X)


def _parquet(blocks: Blocks, file: BinaryIO) -> int:
    tables = need("pyarrow.parquet", extra="tables")
    made = (_columns(ids, X) for ids, X in blocks)
    first = next(made)
    n = len(first)
    with tables.ParquetWriter(file, first.schema) as writer:
        writer.write_table(first)
        for table in made:
            writer.write_table(table)
            n += len(table)
    return n


def _columns(ids: list[str] | None, X: Vectors) -> "pyarrow.Table":
    arrow = need("pyarrow", extra="tables")
    named = {} if ids is None else {"id": arrow.array(ids, arrow.string())}
    return arrow.table({**named, "vector": fixed_lists(X)})


WRITERS: dict[str, Callable[[Blocks, BinaryIO], int]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".parquet": _parquet,
}


def _gathered(blocks: Blocks) -> tuple[list[str] | None, Vectors]:
    pairs = list(blocks)
    ids = None if pairs[0][0] is None else [name for names, _ in pairs for name in names or ()]
    return ids, np.concatenate([X for _, X in pairs])
