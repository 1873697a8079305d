"""What every method keeps, whatever its contract."""

import inspect
import random
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from contracts.collect import arguments, cases, examples, modules, where
from contracts.samples import arrays
from cosimo.types import Query

# The sentences may be longer than an example reads; that this is told is its own test.
pytestmark = pytest.mark.filterwarnings("ignore::cosimo.encode.TruncationWarning")

SHAPES_OR_FORMULA = re.compile(r"\$|->|\(n[,)]|\b\w+(\(.*?\))? = ")
NAMED = re.compile(r"\b[QKX]\b|queries|keys|vectors|tokens|mean|var", re.IGNORECASE)


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    """Equal to the byte."""
    return len(a) == len(b) and all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def parts(inputs: tuple) -> list[np.ndarray]:
    """Every array inside the inputs."""
    return [array for given in inputs for array in arrays(getattr(given, "X", given))]


def floats(inputs: tuple) -> list[np.ndarray]:
    """The arrays inside the inputs that could hold a NaN; those of a query are for the search below a stage."""
    given = tuple(one for one in inputs if not isinstance(one, Query))
    return [array for array in parts(given) if array.dtype.kind == "f"]


def random_states() -> list[str]:
    """The global generators a method must leave alone; torch's only when somebody loaded it."""
    _, keys, *position = np.random.get_state()  # noqa: NPY002
    torch = sys.modules.get("torch")
    return [
        str(random.getstate()),
        f"{keys.tobytes()}{position}",
        *([str(torch.get_rng_state().tolist())] if torch else []),
    ]


def test_stores_its_arguments_and_nothing_else(example):
    given = arguments(example.value)
    made = type(example.value)(**given)
    assert all(getattr(made, name) is value for name, value in given.items())
    learned = [name for name in vars(made) if name.endswith("_") and not name.startswith("_")]
    assert not learned


def test_repr_names_it(example):
    assert type(example.value).__name__ in repr(example.value)


def test_inputs_unchanged(example):
    inputs = example.inputs(4)
    example.answer(*inputs)
    assert same(parts(inputs), parts(example.inputs(4)))


def test_read_only_inputs_answered(example):
    inputs = example.inputs(4)
    for array in parts(inputs):
        array.flags.writeable = False
    assert same(example.answer(*inputs), example.answer(*example.inputs(4)))


def test_same_bytes_again(example):
    inputs = example.inputs(4)
    assert same(example.answer(*inputs), example.answer(*inputs))


@where(lambda example: example.kind.seed_shows and "seed" in arguments(example.value))
def test_other_seed_differs(example):
    given = arguments(example.value)
    other = type(example.value)(**(given | {"seed": given["seed"] + 1}))
    inputs = example.inputs(4)
    assert not same(example.kind.answer(other, *inputs), example.answer(*inputs))


def test_global_random_state_untouched(example):
    before = random_states()
    example.answer(*example.inputs(4))
    assert all(state == old for state, old in zip(random_states(), before, strict=False))


@where(lambda example: example.kind.keeps_floats and floats(example.inputs(4)))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_type_kept(example, dtype):
    inputs = example.inputs(4, dtype)
    assert example.answer(*inputs)[0].dtype == dtype


def test_one_row_answered(example):
    assert example.answer(*example.inputs(1))[0].shape == (1, *example.answer(*example.inputs(4))[0].shape[1:])


def test_no_row_gives_the_right_empty_shape(example):
    many, none = example.answer(*example.inputs(4))[0], example.answer(*example.inputs(0))[0]
    assert none.shape == (0, *many.shape[1:])
    assert none.dtype == many.dtype


@where(lambda example: example.kind.name != "decider" and floats(example.inputs(4)))  # a decider asks about those
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
def test_nan_and_infinity_refused_by_name(example, bad):
    """In each input in turn: one bad number among good ones."""
    for i in range(len(floats(example.inputs(4)))):
        inputs = example.inputs(4)
        floats(inputs)[i][-1, 0] = bad
        with pytest.raises(ValueError, match=r"(?i)nan|infinity") as refusal:
            example.answer(*inputs)
        assert NAMED.search(str(refusal.value))


def test_documentation_has_formula_or_shapes(example):
    owner = type(example.value)
    told = [
        inspect.getmodule(owner),
        owner,
        *(value for name, value in vars(owner).items() if not name.startswith("_")),
    ]
    assert SHAPES_OR_FORMULA.search("\n".join(inspect.getdoc(value) or "" for value in told))


def test_has_a_runnable_example(example):
    assert ">>>" in inspect.getsource(inspect.getmodule(type(example.value)))


def test_public_methods_documented(example):
    owner = type(example.value)
    bare = [
        name
        for name, member in vars(owner).items()
        if not name.startswith("_") and (callable(member) or isinstance(member, property | classmethod | staticmethod))
        if not inspect.getdoc(getattr(owner, name))
    ]
    assert inspect.getdoc(owner)
    assert not bare


def test_every_example_keeps_a_contract():
    known = {id(example.value) for example in examples()}
    known |= {id(value) for value in cases()}
    stray = [repr(value) for module in modules() for value in module.EXAMPLES if id(value) not in known]
    assert not stray, f"no contract with checks fits: {stray}"


def test_every_expected_failure_names_a_check():
    files = Path(__file__).parent.glob("test_*.py")
    checks = {name for file in files for name in re.findall(r"^def test_(\w+)", file.read_text(encoding="utf-8"), re.M)}
    named = {name for module in modules() for name in getattr(module, "XFAIL", {})}
    assert named <= checks
