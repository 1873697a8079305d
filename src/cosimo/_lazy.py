"""Lazy public names: a package's `.pyi` stub is the one list of what it exports (PEP 562)."""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    """A package whose public name wins over the submodule of the same name, as in `cosimo.encode.fastrp`."""

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds a loaded submodule to its parent, here.
        public = isinstance(value, ModuleType) and name in self.__all__ and value.__name__ == f"{self.__name__}.{name}"
        super().__setattr__(name, getattr(value, name, value) if public else value)


def read_stub(stub: Path) -> dict[str, str]:
    """Map each public name of a stub to the module that holds it.

    Only `from module import Name as Name` counts; everything else in the stub is ignored.
    """
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    return {
        alias.asname: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if alias.asname
    }


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` for a package whose stub lies beside `file`."""
    homes = read_stub(Path(file).with_suffix(".pyi"))
    sys.modules[package].__class__ = _Package

    def __getattr__(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(homes[name]), name)

    names = sorted(homes)
    return __getattr__, lambda: names, names
