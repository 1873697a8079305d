import sys

import numpy as np
import pytest
from scipy import stats

from contracts.collect import case
from cosimo._arrays import unit
from cosimo.decide import RetrievalReport, compare_reports, retrieval_report, select_threshold
from cosimo.errors import DataError, MissingExtra, Refused, ShapeError
from cosimo.statistics import clopper_pearson


def asked(n=60, m=40, d=8, noise=0.6, seed=0):
    """Questions that lie near their one right passage."""
    rng = np.random.default_rng(seed)
    K = rng.normal(size=(m, d))
    gold = rng.integers(m, size=n)
    return K[gold] + noise * rng.normal(size=(n, d)) * 1.5, K, gold


EXAMPLES = [case(retrieval_report, *asked(), n_boot=50)]


@pytest.fixture(scope="module")
def report():
    return retrieval_report(*asked(), n_boot=400)


def test_oracle_accuracy_by_a_loop(report):
    Q, K, gold = asked()
    for k in (1, 3, 5):
        found = [g in sorted(range(len(K)), key=lambda j: -(unit(Q)[i] @ unit(K)[j]))[:k] for i, g in enumerate(gold)]
        np.testing.assert_array_equal(report.metrics[f"accuracy@{k}"].per_item, found)
        assert report.metrics[f"accuracy@{k}"].value == pytest.approx(np.mean(found))


def test_oracle_several_right_passages():
    Q, K, gold = asked()
    lists = [sorted({g, (g + 1) % 40, (g + 2) % 40}) for g in gold]
    ranked = np.argsort(-(unit(Q) @ unit(K).T), axis=1)[:, :3]
    hits = [len(set(row.tolist()) & set(one)) for row, one in zip(ranked, lists, strict=True)]
    recall = retrieval_report(Q, K, lists, k=[3], metric="recall", n_boot=100).metrics["recall@3"]
    accuracy = retrieval_report(Q, K, lists, k=[3], n_boot=100).metrics["accuracy@3"]
    np.testing.assert_allclose(recall.per_item, np.array(hits) / 3)
    np.testing.assert_array_equal(accuracy.per_item, np.array(hits) > 0)


def test_oracle_interval_of_scipy(report):
    estimate = report.metrics["accuracy@3"]
    theirs = stats.bootstrap((estimate.per_item,), np.mean, method="percentile", n_resamples=9999, rng=1)
    ours = retrieval_report(*asked(), n_boot=2000).metrics["accuracy@3"].interval
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=1 / 60)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=1 / 60)
    assert (ours.unit, ours.n_units, ours.kind) == ("question", 60, "estimate")


def test_oracle_resamples_take_whole_questions():
    """A question with many right passages is drawn with all of them: the cut's interval is that of a naive loop."""
    Q, K, gold = asked(seed=1)
    lists = [[g, *((g + 1 + np.arange(9)) % 40)] if i % 6 == 0 else [g] for i, g in enumerate(gold)]
    ours = retrieval_report(Q, K, lists, k=[1], n_boot=1500).metrics["threshold (quantile)"]
    own = [np.sort(unit(K)[one] @ unit(Q)[i]) for i, one in enumerate(lists)]
    rng, drawn = np.random.default_rng(5), []
    for _ in range(1500):
        pairs = np.concatenate([own[i] for i in rng.integers(60, size=60)])
        drawn.append(np.quantile(pairs, 0.05, method="inverted_cdf"))
    assert ours.value == np.quantile(np.concatenate(own), 0.05, method="inverted_cdf")
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (ours.interval.low, ours.interval.high) == pytest.approx((low, high), abs=0.02)


def test_oracle_distributions(report):
    Q, K, gold = asked()
    S = unit(Q) @ unit(K).T
    np.testing.assert_allclose(np.sort(report.correct), np.sort(S[np.arange(60), gold]))
    np.testing.assert_allclose(np.sort(report.top), np.sort(np.sort(S, axis=1)[:, -5:].ravel()))
    assert report.random.shape == (60 * 20,)
    wrong = {round(value, 9) for i in range(60) for value in np.delete(S[i], gold[i])}
    assert {round(value, 9) for value in report.random} <= wrong


def kde(values):
    return stats.gaussian_kde(values, bw_method=lambda kde: kde.n**-0.2 * kde.dataset.std() / kde.dataset.std(ddof=1))


def test_oracle_overlap_by_integration(report):
    x = np.linspace(-1.5, 1.5, 6001)
    clouds = {"correct": report.correct, "top": report.top, "random": report.random}
    for a, b in (("correct", "top"), ("correct", "random"), ("top", "random")):
        shared = np.trapezoid(np.minimum(kde(clouds[a])(x), kde(clouds[b])(x)), x)
        assert report.metrics[f"overlap ({a}, {b})"].value == pytest.approx(shared, abs=0.03)


def test_oracle_crossing_of_two_normals():
    """Of equal spread they cross in the middle; of unequal spread at the root of a quadratic."""
    rng = np.random.default_rng(2)
    correct, random = rng.normal(0.6, 0.1, 40000), rng.normal(0.2, 0.1, 40000)
    assert select_threshold(correct.clip(-1, 1), random, rule="crossing") == pytest.approx(0.4, abs=0.02)
    correct = rng.normal(0.6, 0.05, 40000)
    x = np.linspace(0.2, 0.6, 4001)
    truth = x[np.argmax(stats.norm.pdf(x, 0.6, 0.05) > stats.norm.pdf(x, 0.2, 0.1))]
    assert select_threshold(correct, random, rule="crossing") == pytest.approx(truth, abs=0.02)


def test_the_quantile_cut_is_a_value_that_there_is():
    correct = np.array([0.9, 0.1, 0.5, 0.3, 0.7])
    assert select_threshold(correct, [0.0], q=0.4) == 0.3
    assert select_threshold(correct, [0.0], q=0.41) == 0.5
    assert select_threshold(correct, [0.0], q=0.01) == 0.1


def test_cuts_that_separate_nothing_refused():
    with pytest.raises(Refused, match="no cut separates"):
        select_threshold([0.1, 0.2], [0.3, 0.4], rule="crossing")
    with pytest.raises(DataError, match="quantile or crossing"):
        select_threshold([0.1], [0.0], rule="median")
    with pytest.raises(DataError, match="q must lie strictly"):
        select_threshold([0.1], [0.0], q=0.0)
    with pytest.raises(DataError, match="correct must hold at least one value, all cosines"):
        select_threshold([], [0.0])
    with pytest.raises(DataError, match="random must hold"):
        select_threshold([0.1], [3.0])
    with pytest.raises(DataError, match="random must hold"):
        select_threshold([0.1], [np.nan])


def test_the_share_of_random_pairs_above_each_cut(report):
    for rule in ("quantile", "crossing"):
        cut = report.metrics[f"threshold ({rule})"].value
        assert report.metrics[f"random above ({rule})"].value == pytest.approx((report.random >= cut).mean())


def test_few_errors_get_the_exact_interval():
    Q, K, gold = asked(noise=0.0)
    estimate = retrieval_report(Q, K, gold, n_boot=100).metrics["accuracy@1"]
    assert estimate.value == 1
    assert (estimate.interval.low, estimate.interval.high) == clopper_pearson(60, 60)
    assert estimate.interval.method == "Clopper-Pearson"


def test_equal_scores_do_not_all_win():
    """A constant encoder finds what comes first, not everything."""
    same = np.ones((40, 3))
    accuracy = retrieval_report(np.ones((40, 3)), same, np.arange(40), k=[4], n_boot=100).metrics["accuracy@4"]
    assert accuracy.value == 0.1


def test_every_interval_holds_its_figure_and_none_is_sure(report):
    for name, estimate in report.metrics.items():
        if name != "partition ratio":
            assert estimate.interval.low <= estimate.value <= estimate.interval.high, name
            assert estimate.interval.kind == "estimate"
            assert "guarantee" not in f"{estimate.interval}".lower()


def test_resampling_is_fixed_by_the_seed():
    one, two, other = (retrieval_report(*asked(), n_boot=50, seed=seed).metrics for seed in (3, 3, 4))
    assert {name: value.interval for name, value in one.items()} == {
        name: value.interval for name, value in two.items()
    }
    assert one["overlap (correct, random)"].value != other["overlap (correct, random)"].value


def test_two_models_are_compared_question_by_question(report):
    """The second model fails on the same hard questions: paired, a difference shows that two intervals hide."""
    Q, K, gold = asked()
    worse = Q.copy()
    worse[:8] = -worse[:8]
    other = retrieval_report(worse, K, gold, n_boot=400)
    difference = compare_reports(report, other, n_boot=2000)["accuracy@5"]
    D = report.metrics["accuracy@5"].per_item - other.metrics["accuracy@5"].per_item
    assert difference.value == pytest.approx(D.mean())
    theirs = stats.bootstrap((D,), np.mean, method="percentile", n_resamples=9999, rng=1).confidence_interval
    assert (difference.interval.low, difference.interval.high) == pytest.approx((theirs.low, theirs.high), abs=1 / 60)
    assert difference.interval.low > 0
    assert other.metrics["accuracy@5"].interval.high > report.metrics["accuracy@5"].interval.low
    assert set(compare_reports(report, report)) == {"accuracy@1", "accuracy@3", "accuracy@5"}
    assert compare_reports(report, report)["accuracy@1"].interval is None


def test_other_questions_are_not_compared(report):
    with pytest.raises(DataError, match="not about the same questions"):
        compare_reports(report, retrieval_report(*asked(seed=9), n_boot=100))
    with pytest.raises(DataError, match="no metric in common"):
        compare_reports(report, retrieval_report(*asked(), k=[2], n_boot=100))


def test_bad_inputs_refused():
    Q, K, gold = asked()
    with pytest.raises(ShapeError, match="same space"):
        retrieval_report(Q, K[:, :3], gold)
    with pytest.raises(ShapeError, match="each of 60 questions"):
        retrieval_report(Q, K, gold[:5])
    with pytest.raises(ShapeError, match="each of 1 questions, 2 or more"):
        retrieval_report(Q[:1], K, gold[:1])
    with pytest.raises(DataError, match="question 0 has no right passage"):
        retrieval_report(Q, K, [[], *gold[1:]])
    with pytest.raises(DataError, match="rows 0 to 39"):
        retrieval_report(Q, K, [40, *gold[1:]])
    with pytest.raises(DataError, match="some, not all"):
        retrieval_report(Q, K, [range(40), *gold[1:]])
    with pytest.raises(DataError, match="between 1 and 40 passages"):
        retrieval_report(Q, K, gold, k=[41])
    with pytest.raises(DataError, match="between 1 and 40 passages"):
        retrieval_report(Q, K, gold, k=[])
    with pytest.raises(DataError, match="metric is accuracy or recall"):
        retrieval_report(Q, K, gold, metric="ndcg")
    with pytest.raises(DataError, match=r"10 resamples have no tails at level 0[.]95; take at least 200"):
        retrieval_report(Q, K, gold, n_boot=10)
    with pytest.raises(DataError, match="level must lie strictly"):
        retrieval_report(Q, K, gold, level=95)
    with pytest.raises(DataError, match="Q contains NaN"):
        retrieval_report(np.full_like(Q, np.nan), K, gold)


def test_inputs_unchanged():
    Q, K, gold = asked()
    before = Q.copy(), K.copy(), gold.copy()
    assert isinstance(retrieval_report(Q, K, gold, n_boot=50), RetrievalReport)
    for now, then in zip((Q, K, gold), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_plot_shows_three_distributions_and_two_cuts(report):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    ax = report.plot(figure.subplots())
    curves = {line.get_label(): line.get_xydata() for line in ax.get_lines()}
    assert set(curves) == {"correct", "top", "random", "quantile cut", "crossing cut"}
    x, density = curves["correct"].T
    assert np.trapezoid(density, x) == pytest.approx(1, abs=0.01)
    assert curves["crossing cut"][0, 0] == report.metrics["threshold (crossing)"].value


def test_plot_without_matplotlib(report, monkeypatch):
    for module in ("matplotlib", "matplotlib.pyplot"):  # another test may have imported either
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match="cosimo\\[plots\\]"):
        report.plot()


def recall(Q, K, gold, k=5):
    """(n,) share of the right documents among the first k."""
    first = np.argsort(-(unit(Q) @ unit(K).T), axis=1, kind="stable")[:, :k]
    return np.array([np.isin(row, one).sum() / len(one) for row, one in zip(first, gold, strict=True)])
