"""Vectors that come in a file beside the records: which vector is whose."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cosimo.errors import DataError
from cosimo.files.records import Records
from cosimo.interchange import load_vectors

if TYPE_CHECKING:
    from cosimo.types import Vectors


def vectors_of(records: Records, path: Path, id: str | None) -> "Vectors":
    """One vector a record: by id where the file names ids, else in the order of the records.

    id
        The records' column of ids.

    Raises
    ------
    DataError
        A record without a vector, a vector without a record, an id that comes twice.
    """
    X, ids = load_vectors(path)
    if ids is None:
        return X
    if id is None:
        raise DataError(f"{path.name} says which id each vector belongs to; name the records' column of ids with --id")
    rows = {name: row for row, name in enumerate(ids)}
    if len(rows) < len(ids):
        raise DataError(f"{path.name} has {len(ids) - len(rows)} ids more than once; expected one vector per id")
    chosen = []
    for record in records:
        name = str(record.values.get(id))
        if name not in rows:
            raise DataError(f"{records.name}, line {record.line}: {path.name} has no vector for the id {name!r}")
        chosen.append(rows[name])
    if len(chosen) < len(rows):
        raise DataError(f"{path.name} holds {len(rows)} vectors for {len(chosen)} records of {records.name}")
    return X[np.array(chosen, np.int64)]
