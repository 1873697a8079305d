import numpy as np
import pytest
from scipy.stats import binom
from sklearn.exceptions import NotFittedError

from cosimo.decide import RecallThreshold
from cosimo.decide.fitting.states import load_decider, save_decider
from cosimo.errors import DataError, NotEnoughLabels, Refused, ScaleMismatch, ShapeError

EXAMPLES = [RecallThreshold(0.8), RecallThreshold(0.8, look=None)]


@pytest.mark.parametrize(("n", "target"), [(59, 0.95), (100, 0.95), (100, 0.8), (387, 0.9)])
def test_oracle_loop(n, target):
    """The highest score below which so few matches lie that a recall below target would be a rare sight."""
    S = np.random.default_rng(n).normal(size=n)
    certified = [t for t in S if binom.cdf((t > S).sum(), n, 1 - target) <= 0.05]
    assert RecallThreshold(target, look=None).fit(S).threshold_ == max(certified)


@pytest.mark.parametrize("values", [3, 20, None])
def test_recall_fails_in_few_draws_of_labels(values):
    """2,000 draws of 100 matches; `values` distinct scores, of which a cut can only take whole blocks."""
    rng = np.random.default_rng(0)
    population = rng.normal(size=4000) if values is None else rng.integers(values, size=4000) / values
    cuts = [RecallThreshold(0.9, look=None).fit(rng.choice(population, 100)).threshold_ for _ in range(2000)]
    recall = np.array([(t <= population).mean() for t in cuts])
    assert (recall < 0.9).sum() <= binom.isf(1e-4, 2000, 0.05)
    assert values is not None or recall.mean() < 0.96


def test_looks_spend():
    S = np.random.default_rng(1).normal(size=400)
    first, second, only = (RecallThreshold(0.9, look=look).fit(S) for look in (1, 2, None))
    assert second.threshold_ < first.threshold_ < only.threshold_
    assert (first.guarantee.look, first.guarantee.delta) == (1, 0.05)


def test_a_match_that_was_never_retrieved_is_lost():
    S = np.random.default_rng(2).normal(size=195)
    y = np.ones(195)
    found = RecallThreshold(0.9).fit(np.append(S, [-np.inf] * 5), np.append(y, np.ones(5))).threshold_
    assert found < RecallThreshold(0.9).fit(S).threshold_
    assert found == RecallThreshold(0.9).fit(np.append(S, [-9.0] * 5)).threshold_


@pytest.mark.parametrize(("missed", "reachable"), [(8, True), (30, False)])
@pytest.mark.parametrize("clusters", [None, np.arange(200) // 2])
def test_more_matches_missed_than_may_be(missed, reachable, clusters):
    S = np.append(np.ones(200 - missed), [-np.inf] * missed)
    with pytest.raises(NotEnoughLabels, match=f"{missed} of the matches were never retrieved") as refused:
        RecallThreshold(0.95).fit(S, clusters=clusters)
    assert refused.value.reachable == reachable


@pytest.mark.parametrize(("look", "minimum"), [(None, 59), (1, 72), (2, 93)])
def test_too_few_matches_refused(look, minimum):
    minimum = {None: 59, 1: 72, 2: int(np.ceil(np.log(0.05 / 6) / np.log(0.95)))}[look]
    assert RecallThreshold(look=look).fit(np.arange(minimum)).threshold_ == 0
    with pytest.raises(NotEnoughLabels, match=f"at least {minimum}") as refused:
        RecallThreshold(look=look).fit(np.arange(minimum - 1))
    assert (refused.value.minimum, refused.value.estimate, refused.value.reachable) == (minimum, 1, True)


def test_clusters_count_as_one():
    """A cluster of 300 matches says no more than one; 77 clusters are too few for 0.95, 78 are enough."""
    S = np.random.default_rng(3).normal(size=77 + 299)
    with pytest.raises(NotEnoughLabels) as refused:
        RecallThreshold(look=None).fit(S, clusters=[0] * 300 + list(range(1, 77)))
    assert refused.value.minimum == 78
    rule = RecallThreshold(look=None).fit(S, clusters=[0] * 299 + list(range(1, 78)))
    assert rule.threshold_ == S.min()
    assert (rule.guarantee.unit, rule.guarantee.n_units) == ("cluster", 78)
    assert "a random cluster has at least" in str(rule.guarantee)


def drawn_unequally(rng, n):
    """n matches with weights; those drawn 9 times as rarely have lower scores. Recall at t is known."""
    rare = rng.uniform(size=n) < 0.5 / 5
    return rng.normal(size=n) - 1.0 * rare, np.where(rare, 9.0, 1.0)


def test_weights_undo_how_matches_were_drawn():
    """In the population half of the matches are the rare kind, whose scores are lower by one."""
    from scipy.stats import norm

    rng = np.random.default_rng(4)
    ours, blind = [], []
    for _ in range(100):
        S, w = drawn_unequally(rng, 400)
        ours.append(RecallThreshold(0.8, look=None).fit(S, weights=w).threshold_)
        blind.append(RecallThreshold(0.8, look=None).fit(S).threshold_)
    recall = {name: norm.sf(t) / 2 + norm.sf(np.array(t) + 1) / 2 for name, t in (("ours", ours), ("blind", blind))}
    assert (recall["ours"] < 0.8).sum() <= binom.isf(1e-4, 100, 0.05)
    assert recall["ours"].mean() < 0.95
    assert (recall["blind"] < 0.8).mean() > 0.9


def test_weights_within_a_cluster_refused():
    with pytest.raises(DataError, match="weights differ within a cluster"):
        RecallThreshold().fit(np.arange(200.0), clusters=np.arange(200) // 2, weights=np.arange(200) + 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predict_accepts_from_the_cut_on(dtype):
    S = np.random.default_rng(5).normal(size=100).astype(dtype)
    rule = RecallThreshold(0.9).fit(S)
    t = dtype(rule.threshold_)
    assert t in S
    scores = np.array([t, np.nextafter(t, dtype(-9)), np.nan, np.inf, -np.inf], dtype)
    np.testing.assert_array_equal(rule.predict(scores), [1, -1, 0, 1, -1])
    np.testing.assert_array_equal(rule.predict(scores, veto=np.array([1, 1, 0, 0, 0], bool)), [0, 0, 0, 1, -1])


def test_probability_needs_both_classes():
    rng = np.random.default_rng(6)
    S, y = np.concatenate([rng.normal(1, size=100), rng.normal(-1, size=100), [-np.inf]]), np.arange(201) % 201 < 100
    y[200] = True
    rule = RecallThreshold(0.9).fit(S, y)
    p = rule.probability([-2.0, 0.0, 2.0])
    assert 0 < p[0] < p[1] < p[2] < 1
    assert rule.threshold_ == RecallThreshold(0.9).fit(S[y]).threshold_
    with pytest.raises(Refused, match="one class only"):
        RecallThreshold(0.9).fit(S[y]).probability([0.0])


def test_guarantee_counts_what_it_says():
    rng = np.random.default_rng(7)
    S, y = rng.normal(size=500), np.arange(500) < 200
    made = RecallThreshold(0.9).fit(S, y)
    accepted = made.threshold_ <= S
    said = made.guarantee
    assert (said.n_units, said.n_accepted, said.errors) == (200, accepted.sum(), (accepted & ~y).sum())
    assert str(said).startswith("Guarantee: with probability at least 95 % over the draw of the 200 labelled pairs, at")
    assert "at least 0.9 of the true matches are accepted" in str(said)


def test_saved_and_read_back():
    rng = np.random.default_rng(8)
    S, y = rng.normal(size=300).astype(np.float32), rng.uniform(size=300) < 0.6
    rule = RecallThreshold(0.8).fit(S, y, context={"scale": "cosine"})
    again = load_decider(*save_decider(rule))
    np.testing.assert_array_equal(again.predict(S), rule.predict(S))
    np.testing.assert_array_equal(again.probability(S), rule.probability(S))
    assert again.guarantee == rule.guarantee
    with pytest.raises(ScaleMismatch):
        again.predict(S, context={"scale": "dot"})


def test_before_fit():
    rule = RecallThreshold()
    assert rule.guarantee is None
    assert rule.needs == frozenset()
    for use in (rule.predict, rule.probability):
        with pytest.raises(NotFittedError, match="RecallThreshold is not fitted"):
            use([0.5])
    with pytest.raises(NotFittedError):
        rule.state()


@pytest.mark.parametrize(
    ("rule", "scores", "arguments", "error", "message"),
    [
        (RecallThreshold(0), [1.0], {}, DataError, "target must lie strictly between 0 and 1"),
        (RecallThreshold(1), [1.0], {}, DataError, "target must lie strictly between 0 and 1"),
        (RecallThreshold(confidence=1), [1.0], {}, DataError, "confidence must lie"),
        (RecallThreshold(look=0), [1.0], {}, DataError, "look is 1 for the first"),
        (RecallThreshold(), [np.nan], {}, DataError, "NaN or infinite"),
        (RecallThreshold(), [np.inf], {}, DataError, "NaN or infinite"),
        (RecallThreshold(), [1.0], {"y": [0]}, Refused, "none of the 1 labels is 1"),
        (RecallThreshold(), [1.0], {"y": [2]}, DataError, "labels must be 1"),
        (RecallThreshold(), [1.0], {"y": [1, 1]}, ShapeError, "labels must have shape"),
        (RecallThreshold(), [1.0], {"by": ["a"]}, DataError, "wrap it: PerGroup"),
        (RecallThreshold(), [1.0], {"unlabelled": [0.5]}, DataError, "no use for unlabelled"),
    ],
)
def test_bad_input(rule, scores, arguments, error, message):
    with pytest.raises(error, match=message):
        rule.fit(scores, **arguments)
