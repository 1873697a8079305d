"""What a command is: a frozen dataclass whose fields are its arguments and whose `run` does the work.

Errors become exit codes here and nowhere else:

    0    done
    1    CosimoError, the system's own error, or an argument that is not UTF-8: one sentence on stderr
    2    wrong usage, reported by typer
    3    Refused: it could be computed, and would not mean what it says
    130  interrupted
    141  whoever read the output has left (128 + SIGPIPE, as the shell counts)

Any other exception is a bug and keeps its traceback.
"""

import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol, TextIO

import typer

from cosimo.errors import CosimoError, Refused


class Command(Protocol):
    """A dataclass of arguments that can be run."""

    examples: ClassVar[tuple[str, ...]]

    def run(self) -> None:
        """Do it, and write the result."""


def function(command: type[Command]) -> Callable[..., None]:
    """The command as typer expects it: a function with one annotated parameter a field."""

    def _invoke(**values: Any) -> None:
        with guarded():
            command(**values).run()

    _invoke.__signature__ = inspect.signature(command)  # type: ignore[attr-defined]
    _invoke.__annotations__ = dict(command.__annotations__)
    _invoke.__doc__ = command.__doc__
    return _invoke


@contextmanager
def guarded() -> Iterator[None]:
    """Turn errors into one sentence and an exit code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning
            yield
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more when it ends, and would complain about the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except (CosimoError, OSError, UnicodeError) as error:
        if os.environ.get("COSIMO_DEBUG"):
            raise
        typer.echo(f"error: {_sentence(error)}", err=True)
        raise typer.Exit(3 if isinstance(error, Refused) else 1) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename is not None else error.strerror
    return str(error)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    typer.echo(f"warning: {message}", err=True)
