"""Arguments that several commands share: how they are written, and what they mean."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

import cosimo

CollectionPath = Annotated[Path, typer.Argument(metavar="COLLECTION", help="A collection, such as papers.cosimo.")]
RecordsPath = Annotated[
    str, typer.Argument(metavar="FILE", help="CSV, TSV, JSONL, JSON, TXT or Parquet; - for standard input.")
]
Format = Annotated[
    str | None, typer.Option(metavar="FORMAT", help="csv, tsv, jsonl, json, txt or parquet; by extension if not given.")
]
TextColumns = Annotated[
    str, typer.Option("--text", metavar="COLUMNS", help="Columns to encode, such as title,abstract.")
]
IdColumn = Annotated[
    str | None, typer.Option("--id", metavar="COLUMN", help="Column of the id; items are numbered if not given.")
]
Where = Annotated[
    str | None,
    typer.Option(metavar="FILTER", help="Only items that pass, such as 'year >= 2020 and venue == \"ACL\"'."),
]
Full = Annotated[bool, typer.Option("--full", help="Show whole texts on a terminal, however long.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Encode everything anew, and keep no vectors for later.")]
SpaceName = Annotated[
    str, typer.Option("--space", metavar="NAME|PATH", help="A fetched model, a model folder, or a saved space.")
]


class Arithmetic(Enum):
    """Of a transformer."""

    FP32 = "fp32"
    INT8 = "int8"


Precision = Annotated[
    Arithmetic | None,
    typer.Option(help="Numeric precision of a transformer; int8 is faster and nearly as good.  [default: fp32]"),
]
SPACE = "minilm"
"""The space used when none is named."""

TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}


def loaded(space: str, precision: Arithmetic | None) -> "cosimo.Space":
    """The space of that name."""
    return cosimo.Space.load(space, precision=None if precision is None else precision.value)


def columns(text: str) -> list[str]:
    """`title,abstract` as a list of column names."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("--text needs the name of a column, such as --text title,abstract")
    return names


def declared(fields: list[str] | None) -> dict[str, type]:
    """`year:int` and its like as names and types."""
    types = {}
    for field in fields or ():
        name, _, kind = field.rpartition(":")
        if not name or kind not in TYPES:
            raise typer.BadParameter(f"--field {field!r}: expected NAME:TYPE with a type of {', '.join(TYPES)}")
        types[name] = TYPES[kind]
    return types
