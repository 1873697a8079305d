"""Arguments that several commands share: how they are written, and what they mean."""

from pathlib import Path
from typing import Annotated

import typer

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
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
SpaceName = Annotated[
    str, typer.Option("--space", metavar="NAME|PATH", help="A fetched model, a model folder, or a saved space.")
]
SPACE = "minilm"
"""The space used when none is named."""

TYPES: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool}


def columns(text: str) -> list[str]:
    """`title,abstract` as a list of column names."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("--text wants the name of a column, such as --text title,abstract")
    return names


def declared(fields: list[str] | None) -> dict[str, type]:
    """`year:int` and its like as names and types."""
    types = {}
    for field in fields or ():
        name, _, kind = field.rpartition(":")
        if not name or kind not in TYPES:
            raise typer.BadParameter(f"--field {field!r}: wanted NAME:TYPE with a type of {', '.join(TYPES)}")
        types[name] = TYPES[kind]
    return types
