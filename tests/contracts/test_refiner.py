"""What every refiner keeps, beside scikit-learn's own suite, which runs in each refiner's test file."""

import numpy as np
import pytest

from contracts.collect import Example, Kind, where
from contracts.samples import vectors
from cosimo.contracts import Refiner
from cosimo.refine import load_state, save_state, state_digest


def learns(refiner: Refiner) -> bool:
    """Whether `fit` must come first, for it or for one of its parts."""
    tags = getattr(refiner, "__sklearn_tags__", None)
    return bool(tags and tags().requires_fit) or any(map(learns, getattr(refiner, "refiners", ())))


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    """What to learn from, where it learns, and what to transform."""
    return (*((vectors(60, dtype, seed=1),) if learns(example.value) else ()), vectors(n, dtype))


def _answer(value: Refiner, *X: np.ndarray) -> list[np.ndarray]:
    return [(value.fit(X[0]) if len(X) > 1 else value).transform(X[-1])]


KIND = Kind("refiner", Refiner, inputs=_inputs, answer=_answer, keeps_floats=True)


def fitted(refiner: Example, dtype: type = np.float32):
    return refiner.fresh().fit(vectors(60, dtype, seed=1))


def test_fit_returns_itself(refiner):
    value = refiner.fresh()
    assert value.fit(vectors(60)) is value


def test_one_row_as_in_many(refiner):
    value, X = fitted(refiner), vectors(20)
    np.testing.assert_allclose(value.transform(X)[:1], value.transform(X[:1]), rtol=1e-4, atol=1e-6)


def test_transform_never_learns(refiner):
    value, X = fitted(refiner), vectors(20)
    before = value.transform(X)
    value.transform(1000 * vectors(20, seed=2))
    np.testing.assert_array_equal(value.transform(X), before)


def test_refit_forgets(refiner):
    value, X = refiner.fresh().fit(100 * vectors(60, seed=3)), vectors(20)
    np.testing.assert_array_equal(value.fit(vectors(60, seed=1)).transform(X), fitted(refiner).transform(X))


@where(lambda refiner: learns(refiner.value))
def test_fit_on_nothing_refused(refiner):
    with pytest.raises(ValueError, match="0 sample"):
        refiner.fresh().fit(vectors(0))


@where(lambda refiner: learns(refiner.value))
def test_unfitted_refused(refiner):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        refiner.fresh().transform(vectors(3))


@where(lambda refiner: hasattr(refiner.value, "affine"))
def test_affine_is_the_transform(refiner):
    value, X = fitted(refiner, np.float64), vectors(20, np.float64)
    W, b = value.affine()
    np.testing.assert_allclose(X @ W + b, value.transform(X), rtol=1e-6, atol=1e-9)


def test_no_rows_transformed(refiner):
    some, none = fitted(refiner).transform(vectors(3)), fitted(refiner).transform(vectors(0))
    assert none.shape == (0, some.shape[1])


def savable(refiner: Example) -> bool:
    return any(hasattr(refiner.value, name) for name in ("affine", "state", "refiners"))


@where(savable)
def test_stored_and_loaded_is_equal(refiner):
    value, X = fitted(refiner), vectors(20)
    again = load_state(*save_state(value))
    np.testing.assert_allclose(again.transform(X), value.transform(X), rtol=1e-6, atol=1e-6)
    assert again.transform(X).dtype == X.dtype
    assert state_digest(again) == state_digest(value)
