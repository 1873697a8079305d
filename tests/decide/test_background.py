"""Backgrounds without labels against naive loops; that they promise nothing; and what they do on real questions."""

import numpy as np
import pytest

from cosimo.decide import NoMatch, length_mismatch, query_log_background, topic_out_background
from cosimo.decide.conformal import background
from cosimo.errors import DataError, Refused, ShapeError


def topical(n_topics=8, each=30, d=16, seed=0, spread=0.25):
    """Items in topics, each topic about a direction of its own."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_topics, d)) / np.sqrt(d)
    return np.repeat(centres, each, axis=0) + rng.normal(0, spread / np.sqrt(d), (n_topics * each, d))


class TestTopicOut:
    def test_is_the_best_cosine_outside_the_topic(self):
        X = topical()
        topic = np.arange(240) // 30
        U = X / np.linalg.norm(X, axis=1, keepdims=True)
        expected = [max(float(U[i] @ U[j]) for j in range(240) if topic[j] != topic[i]) for i in range(240)]
        # topics this clear are found by k-means, so that its labels need no look inside
        np.testing.assert_allclose(topic_out_background(X, topics=8, seed=3).null_scores_, expected, rtol=1e-9)

    def test_blocks_change_nothing(self, monkeypatch):
        whole = topic_out_background(topical(), topics=8).null_scores_
        monkeypatch.setattr(background, "BLOCK", 700)
        np.testing.assert_allclose(topic_out_background(topical(), topics=8).null_scores_, whole, rtol=1e-12)

    def test_samples_items_and_keeps_the_float_type(self):
        rule = topic_out_background(topical().astype(np.float32), topics=8, sample=50)
        assert rule.null_scores_.shape == (50,)
        assert rule.null_scores_.dtype == np.float32

    def test_seed_decides(self):
        a, b, c = (topic_out_background(topical(), topics=8, sample=40, seed=s).null_scores_ for s in (0, 0, 1))
        assert np.array_equal(a, b)
        assert not np.array_equal(a, c)

    def test_global_randomness_untouched(self):
        before = np.random.get_state()[1].tolist()  # noqa: NPY002
        topic_out_background(topical(), topics=8)
        assert np.random.get_state()[1].tolist() == before  # noqa: NPY002

    def test_is_for_cosines(self):
        with pytest.raises(Refused, match="scale"):
            topic_out_background(topical(), topics=8).predict([0.5], context={"scale": "dot"})

    @pytest.mark.parametrize(
        ("wrong", "error", "says"),
        [
            (lambda: topic_out_background(topical(), topics=1), DataError, "2 topics"),
            (lambda: topic_out_background(topical(), sample=0), DataError, "1 sampled"),
            (lambda: topic_out_background(topical(), topics=50), Refused, "ten items a topic"),
            (lambda: topic_out_background(np.full((99, 4), np.nan), topics=2), DataError, "NaN"),
            (lambda: topic_out_background(np.zeros(9)), ShapeError, r"\(n, d\)"),
        ],
    )
    def test_bad_input(self, wrong, error, says):
        with pytest.raises(error, match=says):
            wrong()


def test_a_query_log_is_the_average_rule_on_its_scores():
    scores = np.random.default_rng(0).normal(size=200)
    assert query_log_background(scores, rate=0.1).threshold_ == NoMatch(0.1, kind="average").fit(scores).threshold_


@pytest.mark.parametrize(
    "rule", [query_log_background(np.linspace(0, 1, 99)), topic_out_background(topical(), topics=8)], ids=["log", "out"]
)
def test_is_an_estimate_that_promises_nothing(rule):
    assert rule.guarantee.kind == "estimate"
    assert "guarantee" not in str(rule.guarantee).lower()
    assert rule.guarantee.sampling.startswith("none: ")


class TestLengthMismatch:
    def test_is_that_of_a_naive_count(self):
        rng = np.random.default_rng(0)
        a, b = rng.integers(3, 12, 40), rng.integers(5, 20, 30)
        longer = np.mean([(y > x) + 0.5 * (y == x) for x in a for y in b])
        assert length_mismatch(a, b) == pytest.approx(abs(2 * longer - 1))
        assert length_mismatch(b, a) == pytest.approx(length_mismatch(a, b))

    def test_its_ends(self):
        assert length_mismatch([4] * 5, [4] * 9) == 0
        assert length_mismatch([100], [1, 2]) == 1

    def test_bad_input(self):
        with pytest.raises(DataError, match="both sides"):
            length_mismatch([], [1])
