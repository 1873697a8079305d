"""What every refiner that learns does with what it is given, in the words scikit-learn's own tests expect."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from cosimo.types import Vectors

# Half precision and integers become the first, as everywhere else.
FLOATS = (np.float32, np.float64)


def fit_rows(estimator: Any, X: Vectors, *, at_least: int = 1) -> Vectors:
    """X (n, d) checked for `fit`, which from now on means vectors of d dimensions.

    at_least
        Rows it takes to learn something.

    Raises
    ------
    ValueError
        X is empty, not (n, d), or holds NaN or infinity.
    """
    rows: Vectors = validate_data(estimator, X, dtype=FLOATS, ensure_min_samples=at_least)
    return rows


def new_rows(estimator: Any, X: Vectors) -> Vectors:
    """X (n, d) checked for `transform`.

    Raises
    ------
    NotFittedError
        The estimator has something to learn and has not.
    ValueError
        X has other dimensions than were fitted, is not (n, d), or holds NaN or infinity.
    """
    check_is_fitted(estimator)
    rows: Vectors = validate_data(estimator, X, dtype=FLOATS, reset=False, ensure_min_samples=0)
    return rows
