"""The shape of the code base, held by counting: sizes, arrows between rooms, and what every public name must have."""

import ast
import dataclasses
import importlib
import inspect
import re
import subprocess
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from contracts.collect import Case, home, modules
from cosimo import catalogue
from cosimo._lazy import read_stub
from mutants import mutants

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "cosimo"
FILES = sorted(SRC.rglob("*.py"))
STUBS = sorted(SRC.rglob("*.pyi"))

MAX_FUNCTION, AIM_FUNCTION, MAX_PARAMETERS = 80, 40, 8

TOO_LONG: tuple[str, ...] = ()
"""Functions longer than the aim, as `file:function`. This tuple may only shrink."""

APART: tuple[str, ...] = (
    *("Audit", "Collection", "ScoreMonitor", "VectorMonitor"),  # change with what they see
    "MtebEncoder",  # keeps the contract of another library
    *("Negate", "SwapEntity", "SwapNumber"),  # parts of xsim-plus-plus, tried in its test
)
"""Public classes that do something and keep no contract of ours."""

VERBS = {"__call__", "add", "encode", "fit", "predict", "run", "search", "transform"}
"""What a value does not do."""

PRIVATE = re.compile(r"/(?:work|root|home)/[\w.-]+|pypi\.org|pythonhosted|artifactory|devpi|(?:extra-)?index-url")
"""Paths of one machine, and package registries: neither belongs into what others install."""

BASE = {"contracts", "types", "errors", "guarantee", "passport", "statistics", "catalogue", "__init__", "py"}
"""What everything may import; modules that begin with `_` belong to it."""

ROOMS = {"encode", "learn", "refine", "compare", "search", "decide"}
JOBS = {"measure", "explain", "apply", "recipes", "guidance", "doctor"}
LAYERS: tuple[set[str], ...] = (
    {"base"},
    {"files", "guard", "report"},
    ROOMS,
    {"rules"},
    {"space"},
    {"collection"},
    {"interchange"} | JOBS,
    {"serve"},
)
"""Top-level names, from the bottom up: each may import what lies below it, and this list is closed."""

BESIDE = {"search": {"compare"}, "learn": {"encode", "compare"}, **dict.fromkeys(JOBS, JOBS)}
"""What a name may import of its own layer. `decide` imports no other room."""


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def short(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def functions(file: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    docstring = function.body[0] if ast.get_docstring(function, clean=False) is not None else None
    return function.end_lineno - function.lineno + 1 - (docstring.end_lineno - docstring.lineno + 1 if docstring else 0)


def imported(file: Path) -> set[str]:
    """Dotted names under cosimo that a file imports anywhere, inside functions and type-checking blocks too."""
    found = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "cosimo":
            found |= {f"cosimo.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return {name for name in found if name.split(".")[0] == "cosimo"}


def aliases(file: Path) -> set[tuple[str, str]]:
    """(module, name) of everything a file imports from a module of ours."""
    return {
        (node.module, alias.name)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cosimo")
        for alias in node.names
    }


def part_of(name: str) -> str:
    """The part that a file or package directly under cosimo belongs to."""
    if name == "__main__":
        return "serve"
    return "base" if name in BASE or name.startswith("_") else name


def may_import(part: str) -> set[str]:
    """What a part may import, itself included."""
    level = next(i for i, layer in enumerate(LAYERS) if part in layer)
    return {part} | set().union(*LAYERS[:level]) | BESIDE.get(part, set())


def public() -> list[tuple[str, str, object]]:
    """(package, name, object) of every public name of the package and its rooms."""
    found = []
    for stub in STUBS:
        package = ".".join(stub.parent.relative_to(SRC.parent).parts)
        found += [(package, name, getattr(importlib.import_module(package), name)) for name in read_stub(stub)]
    return found


def public_classes() -> set[type]:
    return {value for _, _, value in public() if inspect.isclass(value)}


def is_value(cls: type) -> bool:
    """Whether instances only hold what they were made of: a frozen dataclass that does nothing."""
    frozen = dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen
    return frozen and VERBS.isdisjoint(name for base in cls.__mro__ for name in vars(base))


def shown_by(example: object) -> type:
    """The class that an example shows."""
    return type(getattr(example.function, "__self__", None)) if isinstance(example, Case) else type(example)


def where_tested(module: str) -> str:
    """The test file of a module, under `tests`."""
    _, *folders, name = module.split(".")
    return f"{folders[0] if folders else 'assembly' if name == 'space' else part_of(name)}/test_{name}.py"


@pytest.mark.parametrize("file", FILES, ids=short)
class TestFile:
    def test_says_what_it_is_for(self, file):
        assert ast.get_docstring(tree(file))

    def test_name_says_something(self, file):
        assert file.stem.strip("_") not in {"utils", "util", "helpers", "common", "misc"}

    def test_functions_are_short(self, file):
        lengths = {f"{short(file)}:{function.name}": length(function) for function in functions(file)}
        assert [name for name, lines in lengths.items() if lines > MAX_FUNCTION] == []
        assert [name for name, lines in lengths.items() if lines > AIM_FUNCTION and name not in TOO_LONG] == []

    def test_parameters_are_few(self, file):
        for function in functions(file):
            args = function.args
            named = [
                arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs) if arg.arg not in ("self", "cls")
            ]
            assert len(named) <= MAX_PARAMETERS, function.name

    def test_no_print_no_assert_no_future(self, file):
        for node in ast.walk(tree(file)):
            assert not isinstance(node, ast.Assert), f"assert in line {node.lineno}"
            assert not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id == "print"), f"print in line {node.lineno}"

    def test_imports_follow_the_arrows(self, file):
        here = part_of(file.relative_to(SRC).with_suffix("").parts[0])
        parts = {part_of(name.split(".")[1]) for name in imported(file) if "." in name}
        assert parts <= may_import(here)


def test_top_level_names_are_a_closed_list():
    """A new part is a decision about the house: it gets a layer, and a line in docs/architecture.md."""
    names = {part_of(path.stem) for path in SRC.iterdir() if not path.name.startswith("__py")}
    assert names <= set().union(*LAYERS)


def test_no_circles_between_files():
    names = {".".join(("cosimo", *file.relative_to(SRC).with_suffix("").parts)): file for file in FILES}
    arrows = {}
    for name, file in names.items():
        wanted = {part for pair in aliases(file) for part in (pair[0], ".".join(pair))}
        arrows[name] = wanted & set(names) - {name}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_nothing_names_a_machine_or_a_registry():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name) != Path(__file__)]
    texts = {short(file): file.read_text(encoding="utf-8", errors="ignore") for file in files if file.is_file()}
    assert {name: PRIVATE.findall(text) for name, text in texts.items() if PRIVATE.search(text)} == {}


def test_mutants_still_apply():
    """Every line that `make mutants` breaks is there, once, and so are the tests that must notice."""
    for mutant in mutants():
        assert mutant.fits(), mutant.name
        assert all((ROOT / test.split("::")[0]).is_file() for test in mutant.tests), mutant.name


def test_exceptions_only_shrink():
    long = {f"{short(file)}:{f.name}" for file in FILES for f in functions(file) if length(f) > AIM_FUNCTION}
    assert set(TOO_LONG) <= long, "a function got shorter: take it off the tuple"


@pytest.mark.parametrize("stub", STUBS, ids=short)
class TestStub:
    def test_every_name_resolves_to_its_module(self, stub):
        package = importlib.import_module(".".join(stub.parent.relative_to(SRC.parent).parts))
        for name, module in read_stub(stub).items():
            value = getattr(package, name)
            assert inspect.ismodule(value) or value is getattr(importlib.import_module(module), name)
            assert inspect.ismodule(value) or not hasattr(value, "__module__") or value.__module__ == module

    def test_all_equals_the_stub(self, stub):
        package = importlib.import_module(".".join(stub.parent.relative_to(SRC.parent).parts))
        assert package.__all__ == sorted(read_stub(stub))

    def test_one_sorted_name_a_line(self, stub):
        imports = [node for node in tree(stub).body if isinstance(node, ast.ImportFrom)]
        assert all(len(node.names) == 1 and node.names[0].name == node.names[0].asname for node in imports)
        keys = [(node.module, node.names[0].name) for node in imports]
        assert keys == sorted(keys)


def test_every_public_class_has_an_example():
    shown = {shown_by(value) for module in modules() for value in module.EXAMPLES}
    methods = {cls for cls in public_classes() if not (issubclass(cls, Exception) or is_value(cls))} - shown
    bare = sorted({cls.__name__ for cls in methods} - set(APART))
    assert not bare, f"no EXAMPLES in any test file for {bare}"


def test_classes_apart_are_still_there():
    assert set(APART) <= {cls.__name__ for cls in public_classes() if not is_value(cls)}


def test_examples_are_shown_in_the_test_file_of_their_module():
    for module in modules():
        path = Path(module.__file__).relative_to(ROOT / "tests").as_posix()
        assert {where_tested(home(value)) for value in module.EXAMPLES} <= {path}


@pytest.mark.parametrize("row", [row for row in catalogue.rows() if catalogue.module(row)], ids=lambda row: row.name)
def test_a_row_that_works_has_examples_and_an_oracle(row):
    """The checks of its contract run on the examples; a loop, a closed form or a library of record says it is right."""
    stems = [name.rpartition("/")[2] for name in row.files]
    files = [file for stem in stems for file in (ROOT / "tests").rglob(f"test_{stem}.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert re.search(r"^EXAMPLES = ", text, re.MULTILINE)
    assert re.search(r"def test_\w*oracle|class Test\w*Oracle", text)


def test_every_public_function_is_tested():
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    called = [name for _, name, value in public() if inspect.isfunction(value)]
    assert [name for name in called if not re.search(rf"\b{name}\(", tests)] == []


def test_no_public_signature_takes_anything():
    """No `**kwargs`: a misspelt argument must be an error."""
    classes = {cls for cls in public_classes() if not issubclass(cls, Exception)}
    members = [value for _, _, value in public() if inspect.isfunction(value)] + list(classes)
    members += [member for cls in classes for name, member in vars(cls).items() if inspect.isfunction(member)]
    for member in members:
        kinds = {parameter.kind for parameter in inspect.signature(member).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, member


def test_abstract_or_final():
    """No class of ours inherits from one that itself inherits from ours; errors are the one tree."""
    for cls in public_classes():
        ours = [base for base in cls.__mro__[1:] if base.__module__.startswith("cosimo.")]
        assert len(ours) <= 1 or issubclass(cls, Exception), cls
