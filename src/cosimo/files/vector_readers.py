"""One reader a file format for vectors: from a path to an array and the ids beside it. Pickled objects are refused."""

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cosimo._extras import need
from cosimo.errors import DataError, ShapeError

Found: TypeAlias = tuple[NDArray[Any], list[str] | None]
UNREADABLE = (ValueError, OSError, EOFError, MemoryError, OverflowError)
"""What numpy raises for a file that is no array; the sizes in its header may be anything."""
IDS, USUAL = ("ids", "id"), ("vectors", "vector")


def _npy(path: Path, name: str | None) -> Found:
    if name is not None:
        raise DataError(f"{path.name} holds one array without a name; leave out name={name!r}")
    try:
        return np.lib.format.open_memmap(path, mode="r"), None
    except UNREADABLE as error:
        raise _broken(path, error) from error


def _npz(path: Path, name: str | None) -> Found:
    try:
        with zipfile.ZipFile(path) as archive:
            there = [member.removesuffix(".npy") for member in archive.namelist()]
            chosen = _chosen(path, [key for key in there if key not in IDS], name)
            named = next((key for key in IDS if key in there), None)
            ids = None if named is None else _texts(_array(archive, named).tolist(), path)
            return _array(archive, chosen), ids
    except (*UNREADABLE, zipfile.BadZipFile) as error:
        raise _broken(path, error) from error


def _array(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    with archive.open(f"{key}.npy") as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array


def _safetensors(path: Path, name: str | None) -> Found:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            array = file.get_tensor(_chosen(path, list(file.keys()), name))
        return array, _texts(json.loads(metadata["ids"]), path) if "ids" in metadata else None
    except (SafetensorError, OSError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise _broken(path, error) from error


def _parquet(path: Path, name: str | None) -> Found:
    arrow, tables = need("pyarrow", extra="tables"), need("pyarrow.parquet", extra="tables")
    try:
        schema = tables.read_schema(path)
        column = _chosen(path, [field.name for field in schema if _is_list(field.type)], name)
        named = next((key for key in IDS if key in schema.names), None)
        table = tables.read_table(path, columns=[column, *([named] if named else [])])
        return _rows(table[column], path, column), None if named is None else _texts(table[named].to_pylist(), path)
    except (arrow.ArrowException, OSError) as error:
        raise _broken(path, error) from error


def _is_list(kind: Any) -> bool:
    types = need("pyarrow.types", extra="tables")
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _rows(column: Any, path: Path, name: str) -> NDArray[Any]:
    """A column of lists of numbers as an array (n, d)."""
    compute = need("pyarrow.compute", extra="tables")
    lengths = compute.list_value_length(column)
    if column.null_count:
        row = compute.index(compute.is_null(column), True).as_py()
        raise DataError(f"{path.name}: row {row} has no vector in column {name!r}")
    different = compute.unique(lengths).to_pylist()
    if len(different) > 1:
        raise ShapeError(f"{path.name}: vectors in column {name!r} have {different[0]} and {different[1]} dimensions")
    d = different[0] if different else getattr(column.type, "list_size", 0)
    X: NDArray[Any] = compute.list_flatten(column).to_numpy()
    return X.reshape(len(column), d)


READERS: dict[str, Callable[[Path, str | None], Found]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".parquet": _parquet,
}


def _chosen(path: Path, names: Sequence[str], name: str | None) -> str:
    usual = [key for key in (USUAL if name is None else (name,)) if key in names]
    if not usual and (name is not None or len(names) != 1):
        there = ", ".join(map(repr, names)) or "none at all"
        missing = "no vectors" if name is None else f"no vectors named {name!r}"
        hint = "; choose one with name=" if names else ""
        raise DataError(f"{path.name} has {missing}; the arrays in it are {there}{hint}")
    return usual[0] if usual else names[0]


def _texts(values: Any, path: Path) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, (str, int)) for value in values):
        raise DataError(f"{path.name}: ids must be texts or whole numbers")
    return list(map(str, values))


def _broken(path: Path, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error
    if any(said in str(error) for said in ("Object arrays", "Python objects")):
        return DataError(f"{path.name} holds pickled Python objects, which are never loaded; save it as float32")
    return DataError(f"{path.name} cannot be read as {path.suffix}: {error}")
