import json

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import NotFittedError

from contracts.collect import case
from cosimo.decide import CostCurve, ExemplarRouter, cost_curve
from cosimo.errors import DataError, ShapeError


def items(n=200, d=5, seed=0):
    """Items, and models that are each right in a region of their own: the small one where the first number is low."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, {"small": X[:, 0] < 0.3, "large": X[:, 0] > -0.3}


EXAMPLES = [case(ExemplarRouter(5).fit(*items()).route, items(20, seed=1)[0])]


def voted(X, correct, q, k):
    """(models,) votes by a loop over all items."""
    names = list(correct)
    owners = [next((name for name in names if correct[name][i]), None) for i in range(len(X))]
    cosines = [X[i] @ q / np.linalg.norm(X[i]) / np.linalg.norm(q) for i in range(len(X))]
    exemplars = sorted((i for i in range(len(X)) if owners[i]), key=lambda i: -cosines[i])[:k]
    return [sum(owners[i] == name for i in exemplars) / k for name in names]


def test_oracle_votes_by_a_loop():
    X, correct = items()
    correct["third"] = ~correct["small"] & ~correct["large"] | (X[:, 1] > 1)
    correct["large"] &= X[:, 1] < 1
    router = ExemplarRouter(7, per_pool=None).fit(X, correct)
    Q = np.random.default_rng(1).normal(size=(30, 5))
    V = router.votes(Q)
    np.testing.assert_allclose(V, [voted(X, correct, q, 7) for q in Q])
    names = list(correct)
    first = [names[max(range(3), key=lambda j: (row[j], -j))] for row in V.tolist()]
    assert router.route(Q) == first


def test_blocks_do_not_show(monkeypatch):
    X, correct = items()
    Q = np.random.default_rng(2).normal(size=(25, 5))
    router = ExemplarRouter(5).fit(X, correct)
    whole = router.votes(Q)
    monkeypatch.setattr("cosimo.decide.routing.orchestra_router.BLOCK", 4)
    np.testing.assert_array_equal(router.votes(Q), whole)


def test_membership_is_by_who_is_right_and_ties_are_cheap():
    X = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    router = ExemplarRouter(1).fit(X, {"small": [1, 1, 0, 0], "large": [1, 0, 1, 0]})
    assert router.route(X[:3]) == ["small", "small", "large"]
    assert len(router.pools_) == 3  # nobody was right on the last one


@pytest.mark.parametrize(("tie", "chosen"), [("cheap", "small"), ("dear", "large")])
def test_a_tied_vote(tie, chosen):
    X = np.array([[1.0, 0.1], [1.0, -0.1]])
    router = ExemplarRouter(2, tie=tie).fit(
        X,
        {
            "small": [1, 0],
            "large": [0, 1],
        },
    )
    assert router.route([[1.0, 0.0]]) == [chosen]


def test_learns_where_each_model_is_right():
    X, correct = items(400)
    Q, truth = items(400, seed=3)
    routes = np.array(ExemplarRouter().fit(X, correct).route(Q))
    right = np.where(routes == "small", truth["small"], truth["large"])
    assert right.mean() > max(truth["small"].mean(), truth["large"].mean()) + 0.2


def test_pools_are_cut_to_size_at_random():
    X, correct = items(400)
    router = ExemplarRouter(per_pool=30).fit(X, correct)
    assert np.bincount(router.pools_).tolist() == [30, 30]
    assert not np.array_equal(ExemplarRouter(per_pool=30, seed=1).fit(X, correct).exemplars_, router.exemplars_)
    np.testing.assert_array_equal(ExemplarRouter(per_pool=30).fit(X, correct).exemplars_, router.exemplars_)


def test_a_model_is_added_by_extending_the_pools():
    X, correct = items(300)
    router = ExemplarRouter(3, per_pool=None).fit(X, correct)
    before, pools = router.exemplars_.copy(), router.pools_.copy()
    far = np.column_stack([np.zeros((40, 4)), np.full(40, 50.0)]) + np.random.default_rng(4).normal(size=(40, 5))
    router.extend(far, {"small": np.zeros(40), "large": np.zeros(40), "huge": np.ones(40)})
    assert router.names_ == ("small", "large", "huge")
    assert router.route([[0, 0, 0, 0, 9.0]]) == ["huge"]
    for j in range(2):
        np.testing.assert_array_equal(router.exemplars_[router.pools_ == j], before[pools == j])


def test_a_cheaper_model_may_be_added():
    X, correct = items(300)
    router = ExemplarRouter(3).fit(X, correct)
    router.extend(X[:50], {"tiny": np.ones(50), "small": np.ones(50), "large": np.ones(50)})
    assert router.names_ == ("tiny", "small", "large")
    assert set(router.route(X)) == {"tiny", "small", "large"}


def test_saved_and_loaded_through_json():
    X, correct = items()
    router = ExemplarRouter(5, tie="dear").fit(X, correct)
    saved, arrays = router.state()
    again = ExemplarRouter.from_state(json.loads(json.dumps(saved)), arrays)
    Q = items(seed=5)[0]
    assert again.route(Q) == router.route(Q)


def test_float_type_kept_and_inputs_unchanged():
    X, correct = items()
    Q = items(seed=6)[0].astype(np.float32)
    before = X.copy(), Q.copy()
    router = ExemplarRouter().fit(X, correct)
    assert router.votes(Q).dtype == np.float32
    assert router.votes(Q[:0]).shape == (0, 2)
    assert router.route(Q[:0]) == []
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(Q, before[1])


def test_bad_pools_refused():
    X, correct = items()
    with pytest.raises(DataError, match="at least two models, got 1"):
        ExemplarRouter().fit(X, {"small": correct["small"]})
    with pytest.raises(ShapeError, match=r"correct of 'large' must have shape \(200,\), got \(3,\)"):
        ExemplarRouter().fit(X, correct | {"large": [1, 0, 1]})
    with pytest.raises(DataError, match="must be 1 where the model was right"):
        ExemplarRouter().fit(X, correct | {"large": np.full(200, 0.5)})
    with pytest.raises(DataError, match="cheapest model that is right, so nothing would ever be sent"):
        ExemplarRouter().fit(X, correct | {"large": correct["small"]})
    with pytest.raises(DataError, match="300 exemplars cannot vote where there are"):
        ExemplarRouter(300).fit(X, correct)
    with pytest.raises(DataError, match="k and per_pool must be at least 1"):
        ExemplarRouter(0).fit(X, correct)
    with pytest.raises(DataError, match="tie cheap or dear, got 10, 100, 'random'"):
        ExemplarRouter(tie="random").fit(X, correct)


def test_bad_requests_refused():
    X, correct = items()
    with pytest.raises(NotFittedError, match="not fitted"):
        ExemplarRouter().route(X)
    with pytest.raises(NotFittedError, match="not fitted"):
        ExemplarRouter().state()
    router = ExemplarRouter().fit(X, correct)
    with pytest.raises(ShapeError, match="3 dimensions, wanted 5"):
        router.route(np.ones((2, 3)))
    with pytest.raises(DataError, match="NaN"):
        router.route(np.full((1, 5), np.nan))
    with pytest.raises(DataError, match="large is missing"):
        router.extend(X, {"small": correct["small"], "huge": correct["large"]})


def answers(m=300, seed=7):
    """A preference that is worth something, and who was right."""
    rng = np.random.default_rng(seed)
    cheap, dear = rng.random(m) < 0.7, rng.random(m) < 0.85
    return np.round(dear * 1.0 - cheap + rng.normal(size=m), 1), cheap, dear


def test_oracle_cost_curve_by_sending_the_best():
    """Without ties: sort, send the first, count; and scipy's paired t interval."""
    preference, cheap, dear = answers()
    preference = preference + np.random.default_rng(8).random(300) * 1e-3
    curve = cost_curve(preference, cheap, dear, shares=[0.2, 0.5], level=0.9)
    assert isinstance(curve, CostCurve)
    for f, accuracy, gain in zip(curve.shares, curve.accuracy, curve.gain, strict=True):
        sent = np.zeros(300, bool)
        sent[np.argsort(-preference)[: round(f * 300)]] = True
        routed, chance = np.where(sent, dear, cheap).astype(float), (1 - f) * cheap + f * dear
        assert accuracy == pytest.approx(routed.mean())
        theirs = stats.ttest_1samp(routed - chance, 0)
        interval = theirs.confidence_interval(0.9)
        assert gain.value == pytest.approx((routed - chance).mean())
        assert (gain.interval.low, gain.interval.high) == pytest.approx((interval.low, interval.high))
        assert gain.interval.kind == "estimate"
    assert (curve.cheap, curve.dear) == (cheap.mean(), dear.mean())


def test_oracle_ties_at_the_edge_are_sent_in_part():
    """The mean over random orders of the tied."""
    preference, cheap, dear = (values[:40] for values in answers())
    preference = np.round(preference)
    curve = cost_curve(preference, cheap, dear, shares=[0.3])
    rng = np.random.default_rng(9)
    found = []
    for _ in range(20000):
        order = np.lexsort([rng.random(40), -preference])
        sent = np.isin(np.arange(40), order[:12])
        found.append(np.where(sent, dear, cheap).mean())
    assert curve.accuracy[0] == pytest.approx(np.mean(found), abs=0.002)


def test_a_preference_that_says_nothing_gains_nothing():
    _, cheap, dear = answers()
    curve = cost_curve(np.zeros(300), cheap, dear)
    np.testing.assert_allclose([gain.value for gain in curve.gain], 0, atol=1e-12)
    np.testing.assert_allclose(curve.accuracy, cheap.mean() + curve.shares * (dear.mean() - cheap.mean()))


def test_few_items_that_differ_have_no_interval():
    cheap = np.ones(50)
    dear = cheap.copy()
    dear[:4] = 0
    gain = cost_curve(np.arange(50.0), cheap, dear, shares=[0.5]).gain[0]
    assert gain.interval is None
    assert gain.value == pytest.approx(0.04)


def test_bad_curves_refused():
    preference, cheap, dear = answers()
    with pytest.raises(ShapeError, match="'dear' must have shape"):
        cost_curve(preference, cheap, dear[:3])
    with pytest.raises(DataError, match="contains NaN"):
        cost_curve(np.full(300, np.nan), cheap, dear)
    with pytest.raises(DataError, match="a share must lie strictly between"):
        cost_curve(preference, cheap, dear, shares=[1.0])
    with pytest.raises(DataError, match="level must lie strictly between"):
        cost_curve(preference, cheap, dear, level=95)
    with pytest.raises(DataError, match="at least 2 items"):
        cost_curve(preference[:1], cheap[:1], dear[:1])
