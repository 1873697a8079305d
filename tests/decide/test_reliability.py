import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from cosimo._extras import need
from cosimo.decide import Reliability, reliability
from cosimo.errors import DataError, MissingExtra, Refused


def pairs(n: int = 500, seed: int = 0, power: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 200, n) / 200
    return p, rng.random(n) < p**power


class TestCurve:
    def test_equals_scikit_learn(self):
        p, y = pairs()
        w = np.random.default_rng(1).uniform(1, 3, 500)
        curve = reliability(p, y, weights=w, resamples=39)
        theirs = IsotonicRegression().fit(p, y, sample_weight=w)
        np.testing.assert_allclose(np.interp(p, curve.probability, curve.observed), theirs.predict(p), atol=1e-12)

    def test_band_equals_a_naive_bootstrap(self):
        p, y = pairs(120)
        clusters = np.arange(120) // 4
        names = [f"{cluster:02d}" for cluster in clusters]  # clusters are numbered in the order of their names
        curve = reliability(p, y, clusters=names, resamples=39, seed=5)
        rng, again = np.random.default_rng(5), []
        for _ in range(39):
            rows = np.concatenate([np.flatnonzero(clusters == u) for u in rng.integers(30, size=30)])
            refit = IsotonicRegression(out_of_bounds="clip").fit(p[rows], y[rows])
            again.append(refit.predict(curve.probability))
        again = np.sort(again, axis=0)
        np.testing.assert_allclose(curve.low, again[0], atol=1e-12)
        np.testing.assert_allclose(curve.high, again[-1], atol=1e-12)
        assert (curve.unit, curve.n_units) == ("cluster", 30)

    def test_band_holds_most_of_a_smooth_truth(self):
        p, y = pairs(3000)
        curve = reliability(p, y, resamples=199)
        inner = (curve.probability > 0.1) & (curve.probability < 0.9)
        truth = curve.probability[inner] ** 2
        assert np.mean((curve.low[inner] <= truth) & (truth <= curve.high[inner])) > 0.8
        assert (curve.high - curve.low)[inner].mean() < 0.2

    def test_clusters_widen_it(self):
        p, y = pairs(60)
        copies, clusters = (np.repeat(p, 10), np.repeat(y, 10)), np.repeat(np.arange(60), 10).tolist()
        whole, blind = reliability(*copies, clusters=clusters, resamples=99), reliability(*copies, resamples=99)
        assert (whole.high - whole.low).mean() > 2 * (blind.high - blind.low).mean()


class TestParts:
    @pytest.mark.parametrize("power", [0.5, 1, 2])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_add_up_to_the_brier_score(self, power, weighted):
        p, y = pairs(power=power)
        w = np.random.default_rng(2).uniform(1, 3, 500) if weighted else None
        curve = reliability(p, y, weights=w, resamples=39)
        assert curve.brier == pytest.approx(brier_score_loss(y, p, sample_weight=w))
        assert curve.miscalibration - curve.discrimination + curve.uncertainty == pytest.approx(curve.brier)
        assert min(curve.miscalibration, curve.discrimination, curve.uncertainty) > 0

    def test_of_one_probability_for_all(self):
        """0.5 for a share of 0.3: all that is wrong is the level, and nothing is told apart."""
        curve = reliability(np.full(100, 0.5), np.arange(100) < 30, resamples=39)
        assert curve.miscalibration == pytest.approx(0.2**2)
        assert curve.discrimination == pytest.approx(0)
        assert curve.uncertainty == pytest.approx(0.3 * 0.7)
        np.testing.assert_allclose((curve.probability, curve.observed), [[0.5], [0.3]])

    def test_of_probabilities_that_are_right_and_sure(self):
        y = np.arange(100) < 30
        curve = reliability(y.astype(float), y, resamples=39)
        assert (curve.miscalibration, curve.discrimination) == (0, pytest.approx(curve.uncertainty))

    def test_weights_count_as_copies(self):
        p, y = pairs(200)
        w = np.random.default_rng(3).integers(1, 4, 200)
        once, copied = (
            reliability(p, y, weights=w, resamples=39),
            reliability(np.repeat(p, w), np.repeat(y, w), resamples=39),
        )
        for part in ("brier", "miscalibration", "discrimination", "uncertainty"):
            assert getattr(once, part) == pytest.approx(getattr(copied, part))

    def test_wrong_order_is_miscalibration(self):
        p, y = pairs()
        assert reliability(1 - p, y, resamples=39).miscalibration > 5 * reliability(p, y, resamples=39).miscalibration


def test_same_seed_same_band():
    first, again, other = (reliability(*pairs(100), resamples=39, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.low, again.low)
    assert (first.low != other.low).any()


def test_plot_shows_curve_band_and_diagonal():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    curve = reliability(*pairs(), resamples=39)
    ax = curve.plot()
    drawn = [line.get_xydata() for line in ax.lines]
    np.testing.assert_array_equal(drawn[0], [[0, 0], [1, 1]])
    np.testing.assert_array_equal(drawn[1], np.column_stack([curve.probability, curve.observed]))
    corners = ax.collections[0].get_paths()[0].vertices
    assert {*curve.low, *curve.high} <= set(corners[:, 1])
    assert f"MCB {curve.miscalibration:.4f}" in ax.get_title()
    ax.figure.canvas.draw()
    assert curve.plot(ax) is ax
    pyplot.close(ax.figure)


def test_plot_without_matplotlib_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(MissingExtra, match=r"cosimo\[plots\]"):
        reliability(*pairs(50), resamples=39).plot()
    assert need("json", extra="plots")


def test_result_is_frozen():
    with pytest.raises(AttributeError):
        reliability(*pairs(50), resamples=39).brier = 0
    assert Reliability.__dataclass_params__.frozen


@pytest.mark.parametrize(
    ("error", "told", "p", "y", "given"),
    [
        (DataError, "lie outside 0 to 1", [1.5] * 30, [0, 1] * 15, {}),
        (DataError, "labels must be 1", [0.5] * 30, [0, 3] * 15, {}),
        (Refused, "all 30 labels are 1", [0.5] * 30, [1] * 30, {}),
        (Refused, "2 independent pairs", [0.5, 0.6], [0, 1], {}),
        (DataError, "level must lie", [0.5] * 30, [0, 1] * 15, {"level": 0}),
        (
            DataError,
            "10 resamples are too few for level 0.95; ask for 39 or more",
            [0.5] * 30,
            [0, 1] * 15,
            {"resamples": 10},
        ),
    ],
)
def test_bad_input_refused(error, told, p, y, given):
    with pytest.raises(error, match=told):
        reliability(p, y, **given)
