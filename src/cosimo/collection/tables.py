"""Collections and hits as tables, for notebooks and everything that reads Arrow.

The other way is `Collection.add`, which takes a DataFrame or an Arrow table as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from cosimo._extras import need
from cosimo.collection.collection import Collection
from cosimo.collection.exporting import items_with_vectors
from cosimo.errors import DataError, ShapeError
from cosimo.files.readers import BLOCK
from cosimo.files.vector_writers import fixed_lists
from cosimo.types import Hit, Hits, Item

if TYPE_CHECKING:
    import pandas
    import pyarrow


def to_arrow(collection: Collection, *, where: str | None = None, vectors: bool = False) -> "pyarrow.Table":
    """The items of a collection, a row each: the column `id`, then the payload's columns.

    where
        A filter over declared fields.
    vectors
        Add the column `vector`, a list of d float32 numbers; an item comes once a vector.

    Raises
    ------
    DataError
        A column that holds values of several kinds, or is called `vector` already.
    MissingExtra
        Without pyarrow.
    """
    if not vectors:
        items = collection.scan(where=where)
        return _table(map(_row, block) for block in iter(lambda: list(islice(items, BLOCK)), []))
    pairs = list(items_with_vectors(collection, where=where))
    table = _table(map(_row, block) for block, _ in pairs)
    if "vector" in table.column_names:
        raise DataError('the items have a column "vector" already; take the vectors alone with export_vectors')
    X = np.concatenate([np.empty((0, collection.passport.dim), np.float32), *(X for _, X in pairs)])
    return table.append_column("vector", fixed_lists(X))


def to_pandas(collection: Collection, *, where: str | None = None, vectors: bool = False) -> "pandas.DataFrame":
    """`to_arrow` as a DataFrame; whole numbers and truth values stay such where some are missing."""
    return _frame(to_arrow(collection, where=where, vectors=vectors))


def hits_to_arrow(hits: Hits, *, queries: Sequence[Any] | None = None) -> "pyarrow.Table":
    """The answers to n queries, a row each: `query`, `rank`, `id` and `score`, then the payload's other columns.

    queries
        What stands in the column `query`, one each, such as the texts or ids; their numbers from 0 when None.

    Raises
    ------
    ShapeError
        Not one entry a query.

    >>> from cosimo.types import Hits
    >>> hits = Hits(np.array([[4, 2], [2, -1]]), np.array([[0.5, -0.25], [0.75, -np.inf]]), "cosine")
    >>> hits_to_arrow(hits, queries=["q1", "q2"]).to_pylist()[1]
    {'query': 'q1', 'rank': 2, 'id': '2', 'score': -0.25}
    """
    names = range(len(hits)) if queries is None else queries
    if len(names) != len(hits):
        raise ShapeError(f"queries want one entry a query, got {len(names)} for the hits of {len(hits)} queries")
    return _table(
        (_answer(name, rank, hit) for rank, hit in enumerate(found, 1)) for name, found in zip(names, hits, strict=True)
    )


def hits_to_pandas(hits: Hits, *, queries: Sequence[Any] | None = None) -> "pandas.DataFrame":
    """`hits_to_arrow` as a DataFrame."""
    return _frame(hits_to_arrow(hits, queries=queries))


def _row(item: Item) -> dict[str, Any]:
    return {"id": item.id, **item.payload} | {"id": item.id}


def _answer(query: Any, rank: int, hit: Hit) -> dict[str, Any]:
    found = {"query": query, "rank": rank, "id": hit.id, "score": hit.score}
    return found | dict(hit.payload) | found  # the same names in a payload do not count


def _table(blocks: Iterable[Iterable[Mapping[str, Any]]]) -> "pyarrow.Table":
    """Rows of values as one table; a column's type holds all its values."""
    arrow = need("pyarrow", extra="tables")
    first = arrow.schema([("id", arrow.string())]).empty_table()
    try:
        tables = [arrow.Table.from_pylist(_even(list(block))) for block in blocks]
        return arrow.concat_tables([*tables, first], promote_options="permissive")
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        raise DataError(f"a column holds values of several kinds, which a table cannot: {error}") from error


def _even(rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for row in rows for name in row)  # pyarrow asks only the first row for its columns
    return [{name: row.get(name) for name in names} for row in rows]


def _frame(table: "pyarrow.Table") -> "pandas.DataFrame":
    arrow, frames = need("pyarrow", extra="tables"), need("pandas", extra="tables")
    kinds = {arrow.int64(): frames.Int64Dtype(), arrow.bool_(): frames.BooleanDtype()}
    frame: pandas.DataFrame = table.to_pandas(types_mapper=kinds.get)
    return frame
