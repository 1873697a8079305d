r"""xsim: the share of sentences whose closest candidate in another language is not their translation.

    e_i = 1{pred_i != truth_i},      pred_i the closest of all candidates, as a rule by margin

Symbols: truth, pred -> (n,) numbers, or names, of candidates.
Pitfalls: read as a score, of which more would be better; candidates that are equal counted as errors.
Reference: Artetxe and Schwenk, Margin-based parallel corpus mining with multilingual sentence embeddings, 2019,
https://arxiv.org/abs/1811.01136
"""

from typing import final

import numpy as np
from numpy.typing import ArrayLike

from cosimo.contracts import MetricTags
from cosimo.measure.metrics.columns import as_columns
from cosimo.types import PerItem


@final
class XsimError:
    """Share of items whose closest candidate `pred` (n,) is another than the `truth` (n,); lower is better.

    >>> XsimError()([0, 1, 2], [0, 2, 2])
    array([0., 1., 0.])
    """

    tags = MetricTags(bounds=(0.0, 1.0), higher_is_better=False, takes="classes")

    def __repr__(self) -> str:
        return "XsimError()"

    def __call__(self, truth: ArrayLike, pred: ArrayLike) -> PerItem:
        """(n,) 1 where `pred` is not `truth`, else 0.

        Raises
        ------
        ShapeError
            They are not equally long columns.
        """
        right, given = as_columns(truth, pred)
        return np.asarray(right != given, dtype=np.float64)
