import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, _SigmoidCalibration
from sklearn.frozen import FrozenEstimator

from cosimo.decide import BetaCalibration, Isotonic, Platt, VennAbers, load_decider, save_decider
from cosimo.decide.calibrators.logistic import monotone_logistic, smoothed_targets
from cosimo.decide.calibrators.platt import fitted_probability
from cosimo.decide.fitting.labelled import labelled
from cosimo.errors import DataError, Refused, ScaleMismatch, ShapeError

EXAMPLES = [Platt(), Platt(cut=0.9)]
CALIBRATORS = [Platt(), Isotonic(), BetaCalibration(bounds=(-8, 8)), VennAbers()]


def logistic(n: int, seed: int = 0, slope: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    s = rng.normal(size=n)
    return s, rng.random(n) < expit(slope * s - 0.5)


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its one feature."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return X[:, 0]

    def predict(self, X):
        return (X[:, 0] > 0).astype(int)


class TestCurve:
    @pytest.mark.parametrize("n", [5, 40, 1000])
    @pytest.mark.parametrize("unit", [1e-4, 1.0, 1e5])
    def test_equals_scikit_learn(self, n, unit):
        s, y = logistic(n, seed=n)
        w = np.random.default_rng(1).choice([1.0, 2.0, 5.0], n)
        ours = Platt().fit(unit * s, y, weights=w).probability(unit * s)
        theirs = _SigmoidCalibration().fit(s, y, w / w.mean()).predict(s)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)  # theirs stops earlier

    def test_equals_a_calibrated_classifier(self):
        s, y = logistic(300)
        given = FrozenEstimator(Given().fit(s[:, None], y.astype(int)))
        theirs = CalibratedClassifierCV(given, method="sigmoid").fit(s[:, None], y.astype(int))
        np.testing.assert_allclose(Platt().fit(s, y).probability(s), theirs.predict_proba(s[:, None])[:, 1], atol=1e-5)

    def test_two_scores_in_closed_form(self):
        """With two scores the curve goes through the mean target of each."""
        s, y = np.array([-1.0, -1, -1, 3, 3, 3]), np.array([0, 0, 1, 1, 0, 1])
        t = smoothed_targets(y > 0, np.ones(6))
        slope = (logit(t[3:].mean()) - logit(t[:3].mean())) / 4
        np.testing.assert_allclose(Platt().fit(s, y).coefficients_, [slope, logit(t[:3].mean()) + slope])

    def test_weights_count_as_copies_up_to_a_factor(self):
        s, y = logistic(60)
        w = np.random.default_rng(2).integers(1, 4, 60)
        once = Platt().fit(s, y, weights=w).coefficients_
        np.testing.assert_allclose(Platt().fit(s, y, weights=1000 * w).coefficients_, once)
        unsmoothed = monotone_logistic(s[:, None], np.where(y, 0.9, 0.1), w.astype(float))
        copies = monotone_logistic(np.repeat(s, w)[:, None], np.where(np.repeat(y, w), 0.9, 0.1), np.ones(w.sum()))
        np.testing.assert_allclose(unsmoothed, copies)

    def test_weights_undo_labels_drawn_one_to_one(self):
        """Base rate 5 %, labels half and half: without weights the probabilities are those of the sample."""
        rng = np.random.default_rng(3)
        y = rng.random(100_000) < 0.05
        s = rng.normal(size=len(y)) + 2 * y
        drawn = np.concatenate([np.flatnonzero(y)[:2000], np.flatnonzero(~y)[:2000]])
        w = np.where(y[drawn], y.sum() / 2000, (~y).sum() / 2000)
        weighted = Platt().fit(s[drawn], y[drawn], weights=w).probability(s).mean()
        blind = Platt().fit(s[drawn], y[drawn]).probability(s).mean()
        assert weighted == pytest.approx(y.mean(), rel=0.1)
        assert blind > 4 * y.mean()

    def test_scores_that_fall_get_one_probability(self):
        s, y = logistic(200)
        fitted = Platt().fit(-s, y)
        assert fitted.coefficients_[0] == 0
        expected = smoothed_targets(y, np.ones(200)).mean()
        np.testing.assert_allclose(fitted.probability([-np.inf, -3, 0, 3, np.inf]), expected)

    def test_labels_that_can_be_separated_leave_it_finite(self):
        s = np.arange(-10.0, 10)
        P = Platt().fit(s, s > 0).probability(s)
        assert ((P > 0) & (P < 1)).all()
        assert P.mean() == pytest.approx(smoothed_targets(s > 0, np.ones(20)).mean())


def test_constrained_minimum_equals_a_general_solver():
    rng = np.random.default_rng(4)
    at_zero = 0
    for _ in range(30):
        F, t, w = rng.normal(size=(50, 2)), rng.uniform(0.02, 0.98, 50), rng.uniform(0.5, 2, 50)

        def loss(c, F=F, t=t, w=w):
            z = F @ c[:2] + c[2]
            return w @ (np.logaddexp(0, z) - t * z)

        ours = monotone_logistic(F, t, w)
        theirs = minimize(loss, [1, 1, 0], bounds=[(0, None), (0, None), (None, None)], options={"ftol": 1e-14})
        np.testing.assert_allclose(ours, theirs.x, atol=1e-4)
        assert loss(ours) <= theirs.fun + 1e-9
        at_zero += (ours[:2] == 0).sum()
    assert 10 < at_zero < 50


class TestFittedProbability:
    def test_is_platt_unless_told_otherwise(self):
        s, y = logistic(50)
        np.testing.assert_array_equal(
            fitted_probability(None, labelled(s, y)).probability(s), Platt().fit(s, y).probability(s)
        )
        assert isinstance(fitted_probability(Isotonic(), labelled(s, y)), Isotonic)

    @pytest.mark.parametrize("wants", ["positive", "negative"])
    def test_none_where_one_class_is_known(self, wants):
        assert fitted_probability(None, labelled([0.1, 0.2], None, wants=wants)) is None

    def test_leaves_the_given_one_alone(self):
        given = Platt(cut=0.7)
        assert fitted_probability(given, labelled(*logistic(50))).cut == 0.7
        assert given.guarantee is None

    def test_what_is_never_found_is_left_out(self):
        s, y = logistic(50)
        labels = labelled([*s, -np.inf, -np.inf], [*y, True, True], wants="positive")
        np.testing.assert_array_equal(fitted_probability(None, labels).coefficients_, Platt().fit(s, y).coefficients_)
        assert fitted_probability(None, labelled([-np.inf, 0.2], [1, 0], wants="positive")) is None

    def test_keeps_weights_clusters_and_scale(self):
        s, y = logistic(50)
        w, clusters = np.linspace(1, 2, 50), [i // 2 for i in range(50)]
        fitted = fitted_probability(None, labelled(s, y, weights=w, clusters=clusters, context={"scale": "cosine"}))
        np.testing.assert_array_equal(fitted.coefficients_, Platt().fit(s, y, weights=w).coefficients_)
        assert fitted.guarantee.n_units == 25
        with pytest.raises(ScaleMismatch, match="bm25"):
            fitted.probability(s, context={"scale": "bm25"})


@pytest.mark.parametrize("calibrator", CALIBRATORS, ids=lambda c: type(c).__name__)
class TestEveryCalibrator:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_keeps_floats_and_rises_to_the_last_bit(self, calibrator, dtype):
        s, y = logistic(400)
        fitted = calibrator.fit(s.astype(dtype), y)
        P = fitted.probability(np.linspace(-8, 8, 20_001).astype(dtype))
        assert P.dtype == dtype
        assert (np.diff(P) >= 0).all()

    def test_accepts_where_the_probability_reaches_the_cut(self, calibrator):
        fitted = calibrator.fit(*logistic(400))
        S = np.linspace(-3, 3, 500, dtype=np.float32)
        np.testing.assert_array_equal(fitted.predict(S), (fitted.probability(S) >= fitted.cut).astype(np.int8))

    def test_ends_of_the_line_and_no_number(self, calibrator):
        P = calibrator.fit(*logistic(400)).probability([-np.inf, np.inf, np.nan])
        assert 0 <= P[0] < 0.1
        assert 0.9 < P[1] <= 1
        assert np.isnan(P[2])

    def test_no_scores(self, calibrator):
        assert calibrator.fit(*logistic(400)).probability(np.empty(0, np.float32)).shape == (0,)

    def test_promises_nothing(self, calibrator):
        s, y = logistic(400)
        told = calibrator.fit(s, y).guarantee
        accepted = calibrator.probability(s) >= calibrator.cut
        assert (told.kind, told.n_units, told.n_accepted) == ("estimate", 400, accepted.sum())
        assert told.errors == (accepted & ~y).sum()
        assert str(told).startswith("Estimate from 400 labelled pairs, no promise")

    def test_stored_and_loaded_to_the_byte(self, calibrator):
        s, y = logistic(400)
        fitted = calibrator.fit(
            s, y, context={"scale": "cosine"} if not isinstance(calibrator, BetaCalibration) else None
        )
        again = load_decider(*save_decider(fitted))
        np.testing.assert_array_equal(again.probability(s), fitted.probability(s))
        assert (again.cut, again.guarantee, again.scale_) == (fitted.cut, fitted.guarantee, fitted.scale_)

    def test_damaged_state_refused(self, calibrator):
        saved, arrays = save_decider(calibrator.fit(*logistic(400)))
        with pytest.raises(DataError, match="not a decider"):
            load_decider(saved, {})
        with pytest.raises(DataError, match="not a decider"):
            load_decider({**saved, "arguments": {**saved["arguments"], "cut": 2}}, arrays)

    def test_unfitted_refused(self, calibrator):
        from sklearn.exceptions import NotFittedError

        for use in (lambda c: c.probability([0.1]), lambda c: c.predict([0.1]), lambda c: c.state()):
            with pytest.raises(NotFittedError, match="not fitted"):
                use(type(calibrator)())

    @pytest.mark.parametrize(
        ("error", "told", "scores", "y", "given"),
        [
            (Refused, "all 2 labels are 1", [0.1, 0.2], [1, 1], {}),
            (Refused, "all 2 scores equal", [0.1, 0.1], [0, 1], {}),
            (DataError, "give y", [0.1, 0.2], None, {}),
            (DataError, "labels must be 1", [0.1, 0.2], [0, 2], {}),
            (DataError, "NaN", [np.nan, 0.2], [0, 1], {}),
            (DataError, "-inf: what is never found", [-np.inf, 0.2], [0, 1], {}),
            (DataError, "must be numbers", ["a", "b"], [0, 1], {}),
            (ShapeError, "labels must have shape", [0.1, 0.2], [0, 1, 1], {}),
            (DataError, "weights must be positive", [0.1, 0.2], [0, 1], {"weights": [1, 0]}),
            (DataError, "PerGroup", [0.1, 0.2], [0, 1], {"by": ["a", "b"]}),
            (DataError, "leave unlabelled out", [0.1, 0.2], [0, 1], {"unlabelled": [0.3]}),
        ],
    )
    def test_bad_labels_refused(self, calibrator, error, told, scores, y, given):
        with pytest.raises(error, match=told):
            calibrator.fit(scores, y, **given)

    @pytest.mark.parametrize("cut", [0, 1, -0.1, 50])
    def test_cut_outside_refused(self, calibrator, cut):
        with pytest.raises(DataError, match="cut must lie strictly between"):
            type(calibrator)(cut=cut).fit([0.1, 0.2], [0, 1])


def test_clusters_are_counted():
    s, y = logistic(400)
    clusters = np.arange(400) // 4
    told = Platt().fit(s, y, clusters=clusters.tolist()).guarantee
    accepted = Platt().fit(s, y).probability(s) >= 0.5
    assert (told.unit, told.n_units) == ("cluster", 100)
    assert told.n_accepted == len(set(clusters[accepted]))
    assert told.errors == len(set(clusters[accepted & ~y]))


def test_serving_loads_neither_scipy_nor_scikit_learn(tmp_path):
    saved = [save_decider(calibrator.fit(*logistic(60))) for calibrator in CALIBRATORS]
    np.save(tmp_path / "saved.npy", np.array(saved, dtype=object), allow_pickle=True)
    code = (
        "import sys, numpy as np; from cosimo.decide import load_decider\n"
        f"for saved, arrays in np.load({str(tmp_path / 'saved.npy')!r}, allow_pickle=True):\n"
        "    load_decider(saved, arrays).predict(np.array([0.1, 0.9]))\n"
        "sys.exit(' '.join(m for m in ('scipy', 'sklearn', 'pandas', 'torch') if m in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.strip() == ""
