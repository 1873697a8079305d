r"""Shares of right answers: of classes, and of triplets.

    accuracy            1{pred_i = truth_i}
    triplet accuracy    1{s_i of the right one > s_i of the wrong one} + 1/2 1{they tie}

Symbols: s -> `pred` (n, 2).
Pitfalls: ties counted as right, with which a constant encoder has a triplet accuracy of 1, or as wrong; a share
stated without that of the commonest class; Student's interval near 0 or 1, where Wilson's or the exact one holds.
Reference: Wilson, Probable inference, the law of succession, and statistical inference, 1927
"""

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from cosimo.contracts import MetricTags
from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.columns import as_columns
from cosimo.types import PerItem


@final
class Accuracy:
    """Share of items whose answer `pred` (n,) is the `truth` (n,); of answers (n, R) the share of the R that are.

    >>> Accuracy()([2, -1, 0], [2, 1, 0])
    array([1., 0., 1.])
    >>> Accuracy()([2, -1], [[2, 2, 1, 0], [-1, -1, -1, -1]])
    array([0.5, 1. ])
    """

    tags = MetricTags(bounds=(0.0, 1.0), takes="classes")

    def __repr__(self) -> str:
        return "Accuracy()"

    def __call__(self, truth: ArrayLike, pred: ArrayLike) -> PerItem:
        """(n,) 1 where `pred` is `truth`, else 0; shares where there are several answers an item.

        Raises
        ------
        ShapeError
            They are not equally long.
        """
        answers = np.asarray(pred)
        if answers.ndim != 2:
            right, given = as_columns(truth, pred)
            return np.asarray(right == given, dtype=np.float64)
        right, _ = as_columns(truth, answers[:, 0])
        return np.asarray((answers == right[:, None]).mean(axis=1))


@final
class TripletAccuracy:
    """Share of items of which the right one of two candidates scores more, ties half.

    >>> TripletAccuracy()([1, 1, 0], [[0.8, 0.1], [-0.2, -0.2], [0.3, 0.1]])
    array([1. , 0.5, 0. ])
    """

    tags = MetricTags(bounds=(0.0, 1.0), chance=0.5, takes="pairs")

    def __repr__(self) -> str:
        return "TripletAccuracy()"

    def __call__(self, truth: ArrayLike, pred: ArrayLike) -> PerItem:
        """(n,) 1, 1/2 or 0.

        truth
            (n,) 1 where the first candidate is the right one, as where positives come first; 0 where the second is.
        pred
            (n, 2) scores of the two.

        Raises
        ------
        ShapeError, DataError
            Not two scores an item, a score that is NaN, or a truth that is neither 1 nor 0.
        """
        first, scores = np.asarray(truth), np.asarray(pred, dtype=np.float64)
        scores = scores if scores.size else scores.reshape(0, 2)
        if scores.shape != (len(first), 2):
            raise ShapeError(f"pred must have shape (n, 2), scores of both candidates, got {scores.shape}")
        if np.isnan(scores).any():
            raise DataError(f"pred contains NaN (first in row {int(np.argmax(np.isnan(scores).any(axis=1)))})")
        if not np.isin(first, (0, 1)).all():
            raise DataError(
                f"truth is 1 where the first candidate is right, else 0; got {np.unique(first)[:5].tolist()}"
            )
        return np.asarray((1 + np.sign(scores[:, 0] - scores[:, 1]) * (2.0 * first - 1)) / 2)
