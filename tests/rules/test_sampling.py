import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosimo.errors import DataError
from cosimo.rules.sampling import draw_hits, node_disjoint


def scores(queries=200, k=5, empty=0):
    S = np.sort(np.random.default_rng(0).uniform(size=(queries, k)), axis=1)[:, ::-1].astype(np.float32)
    if empty:
        S[:, -empty:] = -np.inf
    return S


def test_one_hit_a_query_while_there_are_enough():
    draw = draw_hits(scores(), 150)
    assert (len(draw), len(set(draw.queries.tolist())), draw.per_query) == (150, 150, 1)


def test_as_many_of_each_query_otherwise():
    draw = draw_hits(scores(queries=20), 60)
    assert (len(draw), draw.per_query) == (60, 3)
    assert np.bincount(draw.queries).tolist() == [3] * 20
    assert len({*zip(draw.queries.tolist(), draw.places.tolist(), strict=True)}) == 60


def test_places_without_a_hit_are_never_drawn():
    S = scores(empty=2)
    draw = draw_hits(S, 100)
    assert np.isfinite(S[draw.queries, draw.places]).all()


@pytest.mark.parametrize("design", ["random", "strata"])
def test_every_candidate_is_drawn_as_often_as_is_said(design):
    """The stated inclusion probabilities are the shares of 4,000 draws, and weighted counts give the pool's size."""
    S = scores(queries=30, k=4)
    S[::3, 2:] = -np.inf
    counted, promised, sizes = np.zeros(S.shape), np.zeros(S.shape), []
    for seed in range(4000):
        draw = draw_hits(S, 12, design=design, seed=seed)
        counted[draw.queries, draw.places] += 1
        promised[draw.queries, draw.places] += 1 / draw.probability
        sizes.append((1 / draw.probability).sum())
    there = np.isfinite(S)
    assert (counted[~there] == 0).all()
    estimated = promised[there] / 4000  # 1 for each candidate, if its probability is true
    np.testing.assert_allclose(estimated.mean(), 1, atol=0.02)
    np.testing.assert_allclose(estimated, 1, atol=0.25)
    np.testing.assert_allclose(np.mean(sizes), there.sum(), rtol=0.02)


def test_strata_give_high_scores_as_many_labels_as_low_ones():
    S = np.random.default_rng(1).beta(1, 6, size=(5000, 1)).astype(np.float32)
    drawn, plain = (draw_hits(S, 500, design=design) for design in ("strata", "random"))
    high = [int((S[draw.queries, draw.places] > 0.5).sum()) for draw in (drawn, plain)]
    assert high[0] > 5 * high[1]


def test_the_seed_decides():
    first, again, other = (draw_hits(scores(), 50, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.queries, again.queries)
    assert first.queries.tolist() != other.queries.tolist()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(5, 14)), min_size=1, max_size=60))
def test_node_disjoint_pairs_share_no_item_and_leave_none_out(pairs):
    left, right = zip(*pairs, strict=True)
    chosen = node_disjoint(left, right)
    items = [item for i in chosen for item in {left[i], right[i]}]
    assert len(items) == len(set(items))
    for a, b in pairs:  # maximal: every other pair shares an item with a chosen one
        assert a in items or b in items


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n": 0}, "n must be at least 1"),
        ({"n": 5, "design": "nearest"}, "random or strata"),
        ({"n": 500, "design": "strata"}, "at least 500 queries, got 200"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, words):
    with pytest.raises(DataError, match=words):
        draw_hits(scores(), **arguments)


def test_nothing_to_label_is_refused():
    with pytest.raises(DataError, match="nothing to label"):
        draw_hits(np.full((3, 2), -np.inf), 2)


def test_sides_of_unequal_length_are_refused():
    with pytest.raises(DataError, match="got 1 and 2"):
        node_disjoint(["a"], ["b", "c"])
