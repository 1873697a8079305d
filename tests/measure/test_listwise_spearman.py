"""Correlations within lists: scipy's, list by list, and what is no list to be correlated."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from cosimo.errors import DataError, ShapeError
from cosimo.measure import ListwiseSpearman

EXAMPLES = [ListwiseSpearman()]


def test_oracle_scipy():
    rng = np.random.default_rng(0)
    truth = [rng.integers(5, size=m) + np.arange(m) % 2 * 5 for m in (3, 8, 5)]
    pred = [rng.normal(size=len(gold)).round(1) for gold in truth]
    wanted = [spearmanr(gold, scores).statistic for gold, scores in zip(truth, pred, strict=True)]
    np.testing.assert_allclose(ListwiseSpearman()(truth, pred), wanted)


def test_equal_scores_count_nothing():
    assert ListwiseSpearman()([[1, 2, 3]], [[0.5, 0.5, 0.5]]).tolist() == [0.0]


def test_what_cannot_be_correlated():
    with pytest.raises(ShapeError, match="as many lists, got 1 and 2"):
        ListwiseSpearman()([[1, 2]], [[1, 2], [3, 4]])
    with pytest.raises(DataError, match="list 1: truth is 2 for all 2 items"):
        ListwiseSpearman()([[1, 2], [2, 2]], [[1, 2], [3, 4]])
