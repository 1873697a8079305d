"""What commands write: tables on a terminal, tab-separated lines in a pipe, JSON lines when asked.

Results go to stdout and everything else (notes, progress, warnings) to stderr, so that a pipe holds data only.
"""

import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from cosimo.files.atomic import replacing

CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], " ")
"""Characters that would break a line or steer a terminal; texts of strangers may hold them."""
SHORTEST = 12
"""What is left of a text where a terminal is narrow."""
GAP = 2
"""Blanks between two columns."""


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
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    texts: int = 1,
    cut: bool = False,
) -> None:
    """A rich table on a terminal; tab-separated lines without header in a pipe, where nothing is ever cut.

    On a terminal ids, scores and decisions are always whole. Columns that do not fit come in another table below, under
    the first column once more.

    columns
        The header; none where all names are empty or there are no names.
    texts
        How many of the last columns hold texts, which give way where the terminal is narrow.
    cut
        End texts in an ellipsis where they are too long, instead of wrapping them.
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

    console = Console()
    names = list(columns) or [""] * max(map(len, cells), default=1)
    widths = [max([cell_len(name), *(cell_len(row[i]) for row in cells)]) for i, name in enumerate(names)]
    if title is not None:
        console.print(Text(_cell(title)), style="italic")
    for block in _blocks(widths, texts, console.width):
        shown = Table(box=SIMPLE_HEAD, show_header=any(names), show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
        for i, width in block.items():
            shown.add_column(names[i], width=width, no_wrap=cut, overflow="ellipsis" if cut else "fold")
        for row in cells:
            shown.add_row(*(Text(row[i]) for i in block))
        console.print(shown)


def _blocks(widths: Sequence[int], texts: int, room: int) -> Iterator[dict[int, int]]:
    """Which columns stand beside each other, each with its width."""
    firm = len(widths) - texts
    least = [width if i < firm else min(width, SHORTEST) for i, width in enumerate(widths)]
    block: dict[int, int] = {}
    for i, width in enumerate(least):
        if i and sum(block.values()) + width + GAP * len(block) > room:
            yield _widened(block, widths, room)
            block = {} if i == 1 else {0: least[0]}
        block[i] = min(width, room)
    yield _widened(block, widths, room)


def _widened(block: Mapping[int, int], widths: Sequence[int], room: int) -> dict[int, int]:
    """The columns with what room is left, as much for each text as it can use."""
    shares = dict(block)
    left = room - sum(shares.values()) - GAP * (len(shares) - 1)
    while left > 0 and (short := [i for i in shares if shares[i] < widths[i]]):
        narrowest = min(short, key=shares.__getitem__)
        shares[narrowest] += 1
        left -= 1
    return shares


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
