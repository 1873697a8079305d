"""Deals every method's `EXAMPLES` to the checks of the contract it keeps.

A method's test file `tests/<room>/test_<name>.py` declares `EXAMPLES = [instance, ...]`, and `XFAIL = {check: reason}`
where it must; a row that is a function declares `case(function, *arguments)`. A check file
`tests/contracts/test_<contract>.py` declares `KIND`; its tests take an argument of the kind's name. That is the whole
registry: neither side lists the other.
"""

import ast
import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from contracts.samples import SENTENCES

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Kind:
    """One contract: its protocol, and how the checks that hold for every contract get something out of it.

    name
        The argument of the checks.
    inputs
        `inputs(example, n, dtype)` gives the arguments of `answer`, n rows of them; equal calls give equal inputs.
    answer
        `answer(value, *inputs)` uses the value once and gives the arrays that came out, the main one first.
    keeps_floats
        Whether float32 in means float32 out, and float64 float64.
    seed_shows
        Whether another seed gives another answer; neighbours that are found stay the same.
    """

    name: str
    protocol: type
    inputs: Callable[..., tuple[Any, ...]]
    answer: Callable[..., list[np.ndarray]]
    keeps_floats: bool = False
    seed_shows: bool = True

    def holds(self, value: object) -> bool:
        """Whether `value` keeps the protocol; callables are told apart by the names of their arguments."""
        wanted = call_names(self.protocol)
        return isinstance(value, self.protocol) and (not wanted or call_names(type(value)) == wanted)


@dataclass(frozen=True)
class Example:
    """One instance from a test file, with what that file says about it."""

    value: Any
    kind: Kind
    id: str
    xfail: Mapping[str, str]
    items: Sequence[Any]

    def fresh(self) -> Any:
        """Another instance made from equal arguments."""
        return clone(self.value)

    def inputs(self, n: int, dtype: type = np.float32) -> tuple[Any, ...]:
        """What the kind feeds it, n rows of it."""
        return self.kind.inputs(self, n, dtype)

    def answer(self, *inputs: Any) -> list[np.ndarray]:
        """What a fresh instance makes of the inputs."""
        return self.kind.answer(self.fresh(), *inputs)


@dataclass(frozen=True)
class Case:
    """A function and what it is called with, for a row that is no class."""

    function: Callable[..., Any]
    given: tuple[Any, ...]
    named: Mapping[str, Any]

    def __call__(self) -> Any:
        """What comes out."""
        return self.function(*self.given, **self.named)

    def __repr__(self) -> str:
        return getattr(self.function, "__qualname__", repr(self.function))


def case(function: Callable[..., Any], *given: Any, **named: Any) -> Case:
    """An example of a function: the call that the checks make."""
    return Case(function, given, named)


def home(example: object) -> str:
    """The module that an example shows."""
    return example.function.__module__ if isinstance(example, Case) else type(example).__module__


def where(condition: Callable[[Example], bool]) -> Callable[[Callable], Callable]:
    """Run a check only on the examples that meet a condition on their tags or abilities."""

    def mark(check: Callable) -> Callable:
        check.where = condition
        return check

    return mark


def call_names(owner: type) -> set[str]:
    """Names of the arguments of `__call__`, empty for what is not called."""
    call = next((vars(cls)["__call__"] for cls in owner.__mro__ if "__call__" in vars(cls)), None)
    return set(inspect.signature(call).parameters) - {"self"} if call else set()


def arguments(value: object) -> dict[str, Any]:
    """The constructor's arguments, read back from the attributes of the same names.

    Where a method has the name, as `Space.similarity`, the argument is left at its default.
    """
    stored = {name: getattr(value, name) for name in inspect.signature(type(value)).parameters}
    return {name: argument for name, argument in stored.items() if not inspect.ismethod(argument)}


def clone(value: Any) -> Any:
    """A new instance made from copies of the same constructor arguments, so that examples never learn."""
    return type(value)(**copy.deepcopy(arguments(value)))


@cache
def load(path: Path) -> ModuleType:
    """A test file as a module of its own, so that declarations are read and no test is collected twice."""
    spec = spec_from_file_location(f"declared_{path.parent.name}_{path.stem}", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def declaring(name: str, pattern: str) -> list[ModuleType]:
    """The test files under `tests/` that match `pattern` and assign `name` at their top level."""
    return [load(path) for path in sorted(TESTS.glob(pattern)) if name in assigned(path)]


def assigned(path: Path) -> set[str]:
    """The names a file assigns at its top level, read without running it."""
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    targets = [target for node in statements if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@cache
def kinds() -> tuple[Kind, ...]:
    """Every contract that has checks."""
    return tuple(module.KIND for module in declaring("KIND", "contracts/test_*.py"))


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every test file that declares examples."""
    return tuple(declaring("EXAMPLES", "*/**/test_*.py"))


@cache
def examples() -> tuple[Example, ...]:
    """Every example, once for each contract it keeps."""
    return tuple(
        Example(
            value,
            kind,
            f"{type(value).__name__}-{i}",
            getattr(module, "XFAIL", {}),
            getattr(module, "ITEMS", SENTENCES),
        )
        for module in modules()
        for i, value in enumerate(module.EXAMPLES)
        if not isinstance(value, Case)
        for kind in kinds()
        if kind.holds(value)
    )


@cache
def cases() -> tuple[Case, ...]:
    """Every example that is a call."""
    return tuple(value for module in modules() for value in module.EXAMPLES if isinstance(value, Case))
