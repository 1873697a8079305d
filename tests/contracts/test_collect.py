"""Examples go to the contract they keep, told by what they have and not by what they are called."""

from dataclasses import dataclass

import pytest

from contracts.collect import arguments, clone, kinds


class Stageless:
    """Called like nothing else."""

    def __call__(self, batch, step): ...


class Passing:
    """A stage by the names of its arguments."""

    def __call__(self, query, search): ...


class Doubling:
    """A refiner by its methods."""

    def fit(self, X, y=None): ...

    def transform(self, X): ...


@dataclass
class Settings:
    """Two arguments, one of them mutable."""

    sizes: list
    name: str = "x"

    def save(self): ...


@pytest.mark.parametrize(("value", "names"), [(Stageless(), []), (Passing(), ["stage"]), (Doubling(), ["refiner"])])
def test_kinds_are_told_apart(value, names):
    assert [kind.name for kind in kinds() if kind.holds(value)] == names


def test_every_kind_has_its_name_once():
    names = [kind.name for kind in kinds()]
    assert len(names) == len(set(names)) >= 6


def test_a_clone_shares_nothing_that_can_change():
    made = clone(given := Settings([1, 2]))
    assert arguments(made) == arguments(given) == {"sizes": [1, 2], "name": "x"}
    assert made.sizes is not given.sizes
