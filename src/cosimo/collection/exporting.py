"""Vectors of a collection in files that others read, with the ids of their items."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from cosimo.collection.collection import Collection
from cosimo.files.vectors import write_blocks
from cosimo.types import Item, Vectors


def export_vectors(collection: Collection, path: str | Path, *, where: str | None = None) -> int:
    """Write the vectors of a collection's items with their ids, in the order of `scan`; how many there were.

    where
        A filter over declared fields. Into a `.npy` file go the vectors alone.

    Raises
    ------
    DataError
        An unknown extension.
    """
    none: list[Item] = []
    first = none, np.empty((0, collection.passport.dim), np.float32)
    blocks = chain([first], items_with_vectors(collection, where=where))
    return write_blocks((([item.id for item in items], X) for items, X in blocks), path)


def items_with_vectors(collection: Collection, *, where: str | None = None) -> Iterator[tuple[list[Item], Vectors]]:
    """Blocks of items and their vectors (b, d) in row order; an item of several vectors comes once a vector.

    Both are read at the same time; what somebody adds or deletes meanwhile is left out.
    """
    items = collection.scan(where=where)
    item = next(items, None)
    for rows, X in collection.vectors():
        found, places = [], []
        for place, row in enumerate(rows.tolist()):
            while item is not None and item.row < row:
                item = next(items, None)
            if item is not None and item.row == row:
                found.append(item)
                places.append(place)
        if found:
            yield found, X[places]
