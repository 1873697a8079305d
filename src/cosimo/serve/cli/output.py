"""What commands write: tables on a terminal, tab-separated lines in a pipe, JSON lines when asked.

Results go to stdout and everything else (notes, progress, warnings) to stderr, so that a pipe holds data only.
"""

import errno
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from cosimo.files.atomic import replacing

CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], " ")
"""Characters that would break a line or steer a terminal; texts of strangers may hold them."""
WIDEST = 40
"""Width of a terminal that a column before the last may claim."""


def interactive() -> bool:
    """Whether results are read on a terminal."""
    return sys.stdout.isatty()


def watched() -> bool:
    """Whether somebody can see a progress bar."""
    return sys.stderr.isatty()


def note(message: str) -> None:
    """Tell the person, not the pipe."""
    typer.echo(message, err=True)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None, cut: bool = False
) -> None:
    """A rich table on a terminal; tab-separated lines without header in a pipe, where nothing is ever cut.

    columns
        The header; none where all names are empty.
    cut
        End the last column with an ellipsis where it is too long, instead of wrapping it.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not interactive():
        for row in cells:
            typer.echo("\t".join(row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        title=None if title is None else Text(_cell(title)),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_header=any(columns),
    )
    for place, column in enumerate(columns[:-1]):
        widest = max((cell_len(row[place]) for row in cells), default=0)
        shown.add_column(column, no_wrap=True, min_width=min(widest, WIDEST))
    shown.add_column(columns[-1], no_wrap=cut, overflow="ellipsis" if cut else "fold")
    for row in cells:
        shown.add_row(*map(Text, row))
    Console().print(shown)


def facts(values: Mapping[str, Any], *, as_json: bool = False) -> None:
    """One name and value a line, or one JSON object."""
    if as_json:
        json_line(values)
    else:
        table(("", ""), [(name, _flat(value)) for name, value in values.items()])


def json_line(value: Mapping[str, Any]) -> None:
    """One JSON object on one line, other scripts as they are."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def require_writable(path: Path) -> None:
    """Refuse a file that cannot be written, before the work is done for which there would be no place."""
    folder = path.absolute().parent
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def write_page(path: Path, page: str) -> None:
    """Write a page, whole or not at all, and say so."""
    with replacing(path) as file:
        file.write(page.encode())
    note(f"{path}: written")


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items()) or "none"
    return str(value)


def _cell(value: object) -> str:
    text = f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)
    return text.translate(CONTROLS)
