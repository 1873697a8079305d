"""Optional dependencies: imported where they are used, and named exactly when they are missing."""

import importlib
from types import ModuleType

from cosimo.errors import MissingExtra


def need(module: str, *, extra: str) -> ModuleType:
    """Import `module`, or raise `MissingExtra` with the pip command that brings it.

    >>> need("json", extra="tables").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".")[0] != error.name.split(".")[0]:
            raise
        raise MissingExtra(f'"{error.name}" is not installed; run: pip install "cosimo[{extra}]"') from error
