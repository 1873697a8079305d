r"""Spearman's correlation within each list, averaged over lists: how well scores order what belongs together.

    rho_i = corr(ranks of s_i, ranks of y_i)

Symbols: y_i -> `truth[i]`, s_i -> `pred[i]`, the m_i graded members of list i and their scores.
Pitfalls: one correlation over all lists, in which easy lists lie above hard ones; lists whose members all have
one score left out of the mean, which is a gift to whoever scores them alike (they count 0 here).
Reference: Fabbri et al. 2021, SummEval: Re-evaluating Summarization Evaluation, https://arxiv.org/abs/2007.12626
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from cosimo.contracts import MetricTags
from cosimo.errors import DataError, ShapeError
from cosimo.measure.metrics.correlations import Spearman
from cosimo.types import PerItem


@final
class ListwiseSpearman:
    """Correlation of ranks within each list.

    >>> ListwiseSpearman()([[1, 2, 3], [5, 4]], [[0.1, 0.2, 0.4], [-0.3, 0.3]])
    array([ 1., -1.])
    """

    tags = MetricTags(bounds=(-1.0, 1.0), chance=0.0, takes="lists")

    def __repr__(self) -> str:
        return "ListwiseSpearman()"

    def __call__(self, truth: Sequence[ArrayLike], pred: Sequence[ArrayLike]) -> PerItem:
        """(n,) one correlation a list, 0 where all its scores are equal.

        Raises
        ------
        ShapeError
            Lists that do not belong together.
        DataError
            A list whose truth is constant: leave it out.
        """
        if len(truth) != len(pred):
            raise ShapeError(f"truth and pred must hold as many lists, got {len(truth)} and {len(pred)}")
        found = np.zeros(len(truth))
        for i, (gold, scores) in enumerate(zip(truth, pred, strict=True)):
            try:
                found[i] = Spearman()(gold, scores)
            except DataError as error:
                raise DataError(f"list {i}: {error}") from error
        return found
