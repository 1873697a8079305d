"""The command line: one file a command, and only the file of the chosen command is imported."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from cosimo import __version__
from cosimo.serve.cli.command import function

COMMANDS = (
    "fetch",
    "info",
    "methods",
    "build",
    "add",
    "delete",
    "get",
    "export",
    "search",
    "similar",
    "label",
    "calibrate",
    "duplicates",
    "match",
    "evaluate",
    "doctor",
)
"""The commands in the order of `--help`; the class `Search` in the module `search` is the command `search`."""


def application(words: Sequence[str] = ()) -> typer.Typer:
    """The command line for these words: all commands, or only the one they choose, which starts sooner."""
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    chosen = words[0] if words and words[0] in COMMANDS else None
    for name in (chosen,) if chosen else COMMANDS:
        command = getattr(import_module(f"cosimo.serve.cli.{name}"), name.capitalize())
        epilog = "\n  ".join(("\b\nFor example:", *command.examples))
        app.command(name, epilog=epilog)(function(command))
    return app


def main() -> None:
    """Run the command that the process was started with."""
    for stream in (sys.stdout, sys.stderr):
        # What goes through a pipe is UTF-8 on every system; a file name that is not is shown escaped.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    words = sys.argv[1:]
    application(words)(words, prog_name="cosimo")


def _show_version(shown: bool) -> None:
    if shown:
        typer.echo(f"cosimo {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Embedding similarity you can act on.

    A first search: cosimo fetch minilm, then cosimo build papers.jsonl --text title,abstract --id id --into
    papers.cosimo, then cosimo search papers.cosimo "a question".

    Exit codes: 0 done, 1 it cannot be done (one sentence says why), 2 wrong usage, 3 refused because the result would
    not mean what it says. COSIMO_DEBUG=1 shows tracebacks.
    """
