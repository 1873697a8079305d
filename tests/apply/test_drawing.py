"""Pairs to label: drawn as often as is said, so that weighted labels tell the share of matches of all candidates."""

import numpy as np
import pytest

from cosimo.apply.jobs.drawing import draw_across, draw_among
from cosimo.decide import PrecisionThreshold
from cosimo.errors import Refused

A = np.array([0, 0, 0, 1, 1, 2, 5, 5, 6, 8])
B = np.array([1, 2, 3, 2, 3, 3, 6, 7, 7, 9])
DRAWS = 20_000


def frequency(draw):
    counts = np.zeros(len(A))
    for seed in range(DRAWS):
        counts[draw(seed)] += 1
    return counts / DRAWS


def test_chances_among_are_what_they_are():
    _, chances = draw_among(A, B)
    np.testing.assert_allclose(frequency(lambda seed: draw_among(A, B, seed=seed)[0]), chances, atol=0.02)


def test_chances_across_are_all_alike():
    np.testing.assert_allclose(frequency(lambda seed: draw_across(A, B, seed=seed)), 1 / 3, atol=0.02)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_drawn_shares_nothing(seed):
    rng = np.random.default_rng(seed)
    keys = np.unique(rng.integers(0, 30, 200) * 60 + rng.integers(30, 60, 200))
    order = rng.permutation(len(keys))
    a, b = keys[order] // 60, keys[order] % 60
    places, _ = draw_among(a, b, seed=seed)
    items = np.concatenate([a[places], b[places]])
    assert len(np.unique(items)) == len(items) > 0
    places = draw_across(a, b, seed=seed)
    assert len(np.unique(a[places])) == len(places) > 0


def test_nothing_to_draw():
    none = np.empty(0, np.int64)
    assert len(draw_across(none, none)) == len(draw_among(none, none)[0]) == 0


def crowds(rng, n):
    """Pairs that stand alone and are mostly right, and crowds of items whose pairs mostly are not."""
    a, b, size, start = [], [], [], 0
    while start < n:
        items = 2 if rng.random() < 0.8 else int(rng.integers(3, 7))
        i, j = np.triu_indices(items, 1)
        a, b, size = [*a, start + i], [*b, start + j], [*size, np.full(len(i), items)]
        start += items
    return np.concatenate(a), np.concatenate(b), np.concatenate(size)


@pytest.mark.slow
def test_weighted_labels_do_not_certify_what_is_false():
    """Precision of all candidates .005 below the target at every cut: at most 5 % of draws may get a certificate."""
    target, runs, rng = 0.7, 20, np.random.default_rng(0)
    alone = np.mean(crowds(rng, 60_000)[2] == 2)
    crowded = (target - 0.005 - alone * 0.97) / (1 - alone)
    certified = {"weighted": 0, "counted alike": 0}
    for _ in range(runs):
        a, b, size = crowds(rng, 800)
        y, scores = rng.random(len(a)) < np.where(size == 2, 0.97, crowded), rng.random(len(a))
        places, chances = draw_among(a, b, seed=rng)
        for name, weights in (("weighted", 1 / chances[places]), ("counted alike", None)):
            try:
                PrecisionThreshold(target, look=None).fit(scores[places], y[places], weights=weights)
                certified[name] += 1
            except Refused:
                pass
    bound = 6  # binom.isf(1e-4, 20, 0.05)
    assert certified["weighted"] <= bound < certified["counted alike"]
