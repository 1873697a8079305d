"""What a module does, as a digest: its syntax tree without what cannot change a result.

Docstrings, comments, layout, imports and the words of errors are left out, so that moving a file or wording it better
leaves its digest as it is; a constant, an operator or an argument changes it.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cosimo._lazy import read_stub


def digest(source: str) -> str:
    """SHA-256 of the syntax tree of a module's text.

    >>> digest("x = 1") == digest("import math; x = 1  # one") != digest("x = 2")
    True
    """
    tree = _Bare().visit(ast.parse(source))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


@cache
def _of_file(path: Path, stamp: tuple[int, int]) -> str:
    return digest(path.read_text(encoding="utf-8"))


def of_file(path: Path) -> str:
    """The digest of a file, computed once as long as the file stays as it is."""
    stat = path.stat()
    return _of_file(path, (stat.st_mtime_ns, stat.st_size))


def closure(path: Path, package: Path) -> set[Path]:
    """A module and every module of its room that it imports, directly or through others of the room."""
    found, waiting = set[Path](), [path]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += _imported(here, package)
    return found


def _imported(path: Path, package: Path) -> Iterator[Path]:
    room = path.relative_to(package).parts[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"cosimo.{room}"):
            for alias in node.names:
                yield from _files(node.module or "", alias.name, package)


def _files(module: str, name: str, package: Path) -> Iterator[Path]:
    """Where `from module import name` gets it from: the module, a module of that name in it, or what its stub says."""
    base = package.joinpath(*module.split(".")[1:])
    stub = base / "__init__.pyi"
    homes = read_stub(stub) if stub.exists() else {}
    if base.with_suffix(".py").exists():
        yield base.with_suffix(".py")
    elif (base / f"{name}.py").exists():
        yield base / f"{name}.py"
    elif homes.get(name, module) != module:
        yield package.joinpath(*homes[name].split(".")[1:]).with_suffix(".py")


class _Bare(ast.NodeTransformer):
    """Takes docstrings, imports and the words of errors out of a tree."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [statement for statement in body if not _is_text(statement)]
        return node

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            return ast.Raise(exc=node.exc.func, cause=None)
        return node


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, of a module, a class, a function or an attribute."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
