"""What every row keeps that is a function, and the report that it gives."""

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from contracts.collect import Case, cases
from contracts.test_all import SHAPES_OR_FORMULA, random_states
from cosimo import catalogue
from cosimo.types import Estimate, Interval, Report

pytestmark = pytest.mark.filterwarnings("ignore::cosimo.encode.TruncationWarning")

STEMS = {name.rpartition("/")[2] for row in catalogue.rows() for name in row.files}
"""Files that implement a paper."""

each = pytest.mark.parametrize("case", cases(), ids=repr)


def leaves(value: Any) -> Iterator[object]:
    """Everything inside a value that can be compared: bytes of arrays, numbers and texts, in order."""
    match value:
        case np.ndarray():
            yield value.dtype.str, value.shape, value.tobytes()
        case Mapping():
            for key, inner in value.items():
                yield key
                yield from leaves(inner)
        case str() | bytes() | int() | float() | None | np.generic():
            yield repr(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in dataclasses.fields(value):
                yield from leaves(getattr(value, field.name))
        case _ if isinstance(value, (list, tuple, range, set, frozenset)):
            for inner in value:
                yield from leaves(inner)
        case _:
            yield type(value).__name__


def estimates(value: Any) -> Iterator[Estimate]:
    """Every estimate inside what came out."""
    if isinstance(value, Estimate):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from estimates(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from estimates(inner)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from estimates(getattr(value, field.name))


@each
def test_equal_calls_give_equal_bytes_and_leave_everything_as_it_was(case: Case):
    before, states = list(leaves((case.given, case.named))), random_states()
    first, second = (list(leaves(case())) for _ in range(2))
    assert first == second
    assert len(first) > 0
    assert list(leaves((case.given, case.named))) == before
    assert random_states() == states


@each
def test_its_file_says_what_it_is_what_goes_wrong_and_where_it_is_from(case: Case):
    told = inspect.getdoc(sys.modules[case.function.__module__])
    assert re.search(r"^Pitfalls: ", told, re.MULTILINE)
    if case.function.__module__.rpartition(".")[2] in STEMS:
        assert re.search(r"^Reference: ", told, re.MULTILINE)
    assert SHAPES_OR_FORMULA.search(told) or SHAPES_OR_FORMULA.search(inspect.getdoc(case.function) or "")


@each
def test_it_says_what_it_does(case: Case):
    assert len((inspect.getdoc(case.function) or "").split()) >= 4


@each
def test_randomness_comes_from_a_seed(case: Case):
    parameters = inspect.signature(case.function).parameters
    assert not {"rng", "random_state", "generator"} & set(parameters)
    if "seed" in parameters:
        assert parameters["seed"].default == 0


@each
def test_intervals_hold_their_values(case: Case):
    for found in estimates(case()):
        if isinstance(found.interval, Interval) and np.isfinite(found.value):
            assert found.interval.low - 1e-9 <= found.value <= found.interval.high + 1e-9
            assert 0 < found.interval.level < 1
            assert found.interval.n_units > 0


@each
def test_a_report_has_numbers_and_says_of_how_many_items(case: Case):
    made = case()
    if not isinstance(made, Report):
        pytest.skip("it gives no Report")
    assert made.metrics
    assert made.n > 0
    assert all(isinstance(found, Estimate) for found in made.metrics.values())
