from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom, f, friedmanchisquare, rankdata, spearmanr, studentized_range, t

from contracts.collect import case
from cosimo.errors import DataError
from cosimo.measure import compare_models, dataset_redundancy, explain_scores
from cosimo.measure.studies import score_traits
from cosimo.measure.studies.rank_tests import (
    conover_p,
    critical_difference,
    family_codes,
    friedman_p,
    nemenyi_p,
    ranks_within,
    score_table,
)
from cosimo.statistics import holm


def table(X, models=None):
    """{model: {data set: score}} of scores (data sets, models)."""
    names = models or [f"model {j}" for j in range(np.shape(X)[1])]
    return {
        name: {f"set {i}": score for i, score in enumerate(column)} for name, column in zip(names, X.T, strict=True)
    }


def normal(n, M, *, spread=0.0, seed=0, ties=False):
    X = np.random.default_rng(seed).normal(size=(n, M)) + spread * np.arange(M)
    return X.round() if ties else X


EXAMPLES = [case(compare_models, table(normal(12, 4, spread=0.5)))]


# Tests of ranks


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "M"), [(5, 3), (12, 6), (30, 10)])
def test_friedman_oracle_scipy(n, M, ties):
    X = normal(n, M, spread=0.2, ties=ties)
    assert friedman_p(ranks_within(X)) == pytest.approx(friedmanchisquare(*X.T).pvalue, rel=1e-9)


def test_iman_davenport_oracle_two_way_analysis_of_variance():
    """The F test of the models' effect on ranks, data sets as blocks."""
    r = ranks_within(normal(9, 5, spread=0.3, ties=True))
    n, M = r.shape
    rest = r - r.mean(axis=0) - r.mean(axis=1, keepdims=True) + r.mean()
    F = n * ((r.mean(axis=0) - r.mean()) ** 2).sum() / (M - 1) / ((rest**2).sum() / ((n - 1) * (M - 1)))
    assert friedman_p(r, iman_davenport=True) == pytest.approx(f.sf(F, M - 1, (n - 1) * (M - 1)), rel=1e-9)


def test_iman_davenport_of_no_doubt_at_all():
    assert friedman_p(ranks_within(np.tile([1.0, 2.0, 3.0], (4, 1))), iman_davenport=True) == 0
    assert friedman_p(ranks_within(np.array([[1.0, 2.0], [2.0, 1.0]])), iman_davenport=True) == 1


@pytest.mark.parametrize("ties", [False, True])
def test_conover_oracle_loop(ties):
    """t tests of two models with the residual spread of the two-way layout of ranks."""
    r = ranks_within(normal(11, 5, spread=0.4, ties=ties))
    n, M = r.shape
    found = []
    for j, k in combinations(range(M), 2):
        error = sum(r[i, m] ** 2 for i in range(n) for m in range(M)) - sum(sum(r[:, m]) ** 2 / n for m in range(M))
        value = (sum(r[:, j]) - sum(r[:, k])) / (2 * n * error / ((n - 1) * (M - 1))) ** 0.5
        found.append(2 * t.sf(abs(value), (n - 1) * (M - 1)))
    np.testing.assert_allclose(conover_p(r), found, rtol=1e-9)


def test_conover_where_nothing_is_left_over():
    np.testing.assert_array_equal(conover_p(np.array([[1.0, 2.5, 2.5]] * 4)), [0, 0, 1])


def test_nemenyi_oracle_loop():
    r = ranks_within(normal(11, 5, spread=0.4))
    found = [
        studentized_range.sf(abs(r[:, j].mean() - r[:, k].mean()) * (2 * 6 * 11 / (5 * 6)) ** 0.5, 5, np.inf)
        for j, k in combinations(range(5), 2)
    ]
    np.testing.assert_allclose(nemenyi_p(r), found, rtol=1e-9)


def test_critical_difference_published_value():
    """Demsar's worked example: 4 classifiers, 14 data sets."""
    assert critical_difference(14, 4) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(14, 4, alpha=0.1) == pytest.approx(1.12, abs=0.005)


def test_ranks_of_families_are_ranked_again():
    X = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [9.0, 8.0, 7.0]])
    codes, count = family_codes(["a", "b", "c", "d"], {"a": "x", "b": "x", "c": "x"})
    assert count == 2
    found = ranks_within(X, codes)[np.argsort(np.unique(codes, return_index=True)[1])]
    means = rankdata(-X[:3], axis=1).mean(axis=0)
    np.testing.assert_array_equal(found, [rankdata(means), [1, 2, 3]])


def test_rounding_makes_no_rank():
    np.testing.assert_array_equal(ranks_within(np.array([[0.1 + 0.2, 0.3, -0.1]])), [[1.5, 1.5, 3]])


# Comparing models


def test_sign_flips_oracle_all_signs():
    X = normal(7, 4, spread=0.8, seed=1)
    r = rankdata(-X, axis=1)
    order = np.argsort(r.mean(axis=0), kind="stable")
    signs = 1 - 2 * ((np.arange(2**7)[:, None] >> np.arange(7)) & 1)
    raw = []
    for j, k in combinations(range(4), 2):
        D = r[:, order[j]] - r[:, order[k]]
        raw.append(np.mean(np.abs(signs @ D) >= abs(D.sum()) - 1e-9))
    found = compare_models(table(X))
    np.testing.assert_allclose(found.p[np.triu_indices(4, 1)], holm(raw))
    np.testing.assert_array_equal(found.p, found.p.T)
    assert found.models == tuple(f"model {j}" for j in order)
    np.testing.assert_allclose(found.ranks, r.mean(axis=0)[order])


@pytest.mark.parametrize("posthoc", ["sign-flip", "conover", "conover-holm", "nemenyi"])
def test_copies_of_a_model_are_never_different(posthoc):
    X = normal(16, 4, spread=2.0)
    found = compare_models(table(np.column_stack([X, X[:, 1], X[:, 1] + 1e-15])), posthoc=posthoc)
    copies = [found.models.index(name) for name in ("model 1", "model 4", "model 5")]
    np.testing.assert_allclose(found.p[np.ix_(copies, copies)], 1, rtol=1e-9)
    assert not found.different[np.ix_(copies, copies)].any()
    assert found.different.any()
    assert any({"model 1", "model 4", "model 5"} <= set(clique) for clique in found.cliques)


def test_frames_are_read_like_mappings():
    import pandas as pd

    X = normal(6, 3, spread=1.0)
    frame = pd.DataFrame(table(X)).T
    assert list(frame.columns) == [f"set {i}" for i in range(6)]
    ours, theirs = compare_models(table(X)), compare_models(frame)
    assert ours.models == theirs.models
    np.testing.assert_array_equal(ours.p, theirs.p)


def brute_cliques(joined):
    groups = [g for size in range(1, len(joined) + 1) for g in combinations(range(len(joined)), size)]
    full = [set(g) for g in groups if all(joined[i][j] for i, j in combinations(g, 2))]
    return sorted(tuple(sorted(g)) for g in full if not any(g < other for other in full))


@pytest.mark.parametrize("seed", range(20))
def test_cliques_oracle_all_groups(seed):
    from cosimo.measure.studies.french_mteb_stats import _cliques

    joined = np.random.default_rng(seed).random((7, 7)) < 0.6
    joined = joined | joined.T
    np.fill_diagonal(joined, True)
    assert _cliques(joined) == brute_cliques(joined)


def test_cliques_hold_who_cannot_be_told_apart():
    found = compare_models(table(normal(20, 5, spread=1.0)))
    assert len(found.cliques) > 1
    for clique in found.cliques:
        rows = [found.models.index(model) for model in clique]
        assert not found.different[np.ix_(rows, rows)].any()
    assert set().union(*found.cliques) == set(found.models)


def test_a_family_of_data_sets_counts_once():
    X = normal(8, 3, spread=1.0)
    copied = np.vstack([X, np.tile(X[:1], (30, 1))])
    families = {f"set {i}": "first" for i in [0, *range(8, 38)]}
    once, many = compare_models(table(X)), compare_models(table(copied), families=families)
    np.testing.assert_allclose(once.p, many.p)
    assert many.n_units == 8
    assert compare_models(table(copied)).friedman_p < many.friedman_p


def test_too_few_data_sets_are_said():
    X = np.tile(np.arange(10.0), (10, 1))
    found = compare_models(table(X))
    assert "10 models cannot be separated with this many tasks: 10 independent ones, 11 are needed" in str(found)
    assert not found.different.any()
    enough = compare_models(table(np.tile(np.arange(10.0), (11, 1))))
    assert enough.warnings == ()
    assert enough.different.sum() == 90


def test_many_models_can_be_separated_by_random_signs():
    """9,999 random signs could not: .0001 times 66 pairs is above .005."""
    found = compare_models(table(np.tile(np.arange(12.0), (20, 1))), alpha=0.005)
    assert found.different.sum() == 12 * 11


def test_tests_for_reproduction_wait_for_friedman_and_say_what_they_are():
    X = normal(6, 5, seed=12)
    found = compare_models(table(X), posthoc="conover", alpha=0.2)
    assert found.friedman_p > 0.2
    assert (found.p <= 0.2).sum() > 0
    assert not found.different.any()
    assert "reproduction" in found.warnings[0]
    assert found.critical_difference is None


def test_critical_difference_separates():
    found = compare_models(table(normal(20, 5, spread=1.0)), posthoc="nemenyi")
    apart = np.abs(found.ranks[:, None] - found.ranks)
    np.testing.assert_array_equal(found.different, apart >= found.critical_difference)


@pytest.mark.parametrize("posthoc", ["sign-flip", "nemenyi"])
def test_diagram_shows_models_and_cliques(posthoc):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    found = compare_models(table(normal(20, 5, spread=1.0)), posthoc=posthoc)
    ax = found.cd_diagram()
    assert [text.get_text().split()[:2] for text in ax.texts] == [model.split() for model in found.models]
    bars = [line for line in ax.lines if line.get_marker() == "o"]
    groups = [clique for clique in found.cliques if len(clique) > 1]
    assert len(bars) == len(groups)
    ranks = dict(zip(found.models, found.ranks, strict=True))
    for bar, clique in zip(bars, groups, strict=True):
        np.testing.assert_allclose(bar.get_xdata(), [ranks[model] for model in clique])
    assert ("critical difference" in ax.get_title()) == (posthoc == "nemenyi")
    assert found.cd_diagram(ax) is ax
    plt.close("all")


PARTIAL = np.array([0, 0, 0, 0, 3, 6, 9, 12.0])
"""Quality of eight models in units of the noise: four are equal, the others far apart."""


def wrong_among_equals(n, posthoc, rng):
    found = compare_models(table(PARTIAL + rng.normal(size=(n, 8))), posthoc=posthoc)
    equal = [found.models.index(f"model {j}") for j in range(4)]
    return found.different[np.ix_(equal, equal)].any()


def test_partial_null():
    """Sign flips keep their error rate where only some models are equal; Conover's test does not."""
    R = 150
    counts = {
        posthoc: sum(wrong_among_equals(10, posthoc, np.random.default_rng(i)) for i in range(R))
        for posthoc in ("sign-flip", "conover")
    }
    most = binom.isf(1e-4, R, 0.05)
    assert counts["sign-flip"] <= most < counts["conover"]


@pytest.mark.parametrize(
    ("results", "arguments", "message"),
    [
        ({"a": {"x": 1.0}, "b": {"x": 2.0}}, {}, "two models and two independent data sets"),
        ({"a": {"x": 1.0, "y": 1.0}}, {}, "two models and two"),
        ({}, {}, "two models and two"),
        ({"a": {"x": 1.0, "y": 1.0}, "b": {"x": 2.0}}, {}, "b has no score on y"),
        ({"a": {"x": 1.0, "y": np.nan}, "b": {"x": 2.0, "y": 1.0}}, {}, "a has no score on y"),
        ("table", {"alpha": 5}, "alpha must lie between"),
        ("table", {"test": "wilcoxon"}, "test is 'friedman'"),
        ("table", {"posthoc": "wilcoxon"}, "posthoc is 'sign-flip'"),
        ("table", {"families": {"other": "x"}}, "families has other"),
        ("table", {"families": {"set 0": "x", "set 1": "x", "set 2": "x"}}, "two models and two independent"),
    ],
)
def test_refused_comparisons(results, arguments, message):
    results = table(normal(3, 3)) if results == "table" else results
    with pytest.raises(DataError, match=message):
        compare_models(results, **arguments)


def test_scores_of_one_model_and_none():
    assert score_table({}) == ([], [], pytest.approx(np.zeros((0, 0))))


# What goes with the ranks


def test_explain_scores_oracle_scipy():
    X = normal(12, 20, spread=0.1)
    rng = np.random.default_rng(3)
    cards = {f"model {j}": {"dim": int(rng.integers(1, 9)), "tuned": bool(j > 12)} for j in range(20)}
    quality = -rankdata(-X, axis=1).mean(axis=0)
    found = {one.trait: one for one in explain_scores(table(X), cards)}
    for trait in ("dim", "tuned"):
        values = [float(card[trait]) for card in cards.values()]
        expected = spearmanr(values, quality)
        one = found[trait]
        assert one.correlation.value == pytest.approx(expected.statistic)
        assert one.correlation.interval.low < one.correlation.value < one.correlation.interval.high
        assert (one.n_models, one.n_families) == (20, 20)
    raw = []
    for trait in ("dim", "tuned"):
        ranks = rankdata([float(card[trait]) for card in cards.values()])
        shuffled = [abs(np.corrcoef(rng.permutation(ranks), rankdata(quality))[0, 1]) for _ in range(1999)]
        raw.append((1 + sum(r >= abs(spearmanr(ranks, quality).statistic) - 1e-9 for r in shuffled)) / 2000)
    np.testing.assert_allclose([found["dim"].p_value, found["tuned"].p_value], holm(raw), atol=0.03)
    assert explain_scores(table(X), cards)[0].trait == "tuned"


def test_fewer_than_eight_families_have_no_p_value():
    """Forty checkpoints of seven laboratories are seven rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10, 40)) + np.repeat(rng.normal(size=7), [10, 5, 5, 5, 5, 5, 5])
    laboratory = np.repeat(np.arange(7), [10, 5, 5, 5, 5, 5, 5])
    cards = {f"model {j}": {"size": float(laboratory[j] % 4)} for j in range(40)}
    families = {f"model {j}": f"laboratory {laboratory[j]}" for j in range(40)}
    by_family, blind = explain_scores(table(X), cards, families=families)[0], explain_scores(table(X), cards)[0]
    assert (by_family.p_value, by_family.n_families) == (None, 7)
    assert blind.p_value is not None
    width = [one.correlation.interval.high - one.correlation.interval.low for one in (by_family, blind)]
    assert width[0] > 2 * width[1]
    assert by_family.correlation.interval.unit == "family of models"


def test_p_values_hold_where_families_share_everything(monkeypatch):
    """Eight families of five alike models, a trait of the family: blind p-values are wrong far too often."""
    monkeypatch.setattr(score_traits, "N_PERMUTATIONS", 199)
    R, rejected = 150, {"families": 0, "blind": 0}
    for seed in range(R):
        rng = np.random.default_rng(seed)
        quality, trait = np.repeat(rng.normal(size=(2, 8)), 5, axis=1)
        quality = quality + 0.1 * rng.normal(size=40)
        for name, codes in (("families", np.arange(40) // 5), ("blind", np.arange(40))):
            rejected[name] += score_traits._permuted_p(trait, quality, codes, rng) <= 0.05
    most = binom.isf(1e-4, R, 0.05)
    assert rejected["families"] <= most < rejected["blind"]


def test_equal_traits_stay_equal_when_families_are_permuted(monkeypatch):
    """Three of eight families are large: whatever the order, |rho| is that of a group of three, so few values occur."""
    monkeypatch.setattr(score_traits, "N_PERMUTATIONS", 500)
    quality = np.arange(16.0)
    trait = np.repeat([1 / 3, 22.7e6 / 7, 22.7e6 / 7, 1 / 3, 22.7e6 / 7, 1 / 3, 1 / 3, 1 / 3], 2)
    found = score_traits._permuted_p(trait, quality, np.arange(16) // 2, np.random.default_rng(0))
    groups = [np.isin(np.arange(16) // 2, chosen) for chosen in combinations(range(8), 3)]
    values = np.array([abs(spearmanr(group, quality).statistic) for group in groups])
    seen = abs(spearmanr(trait, quality).statistic)
    assert found == pytest.approx(np.mean(values >= seen - 1e-9), abs=0.07)


def test_words_and_gaps_in_cards():
    X = normal(6, 6, spread=1.0)
    pooling = ["mean", "mean", "cls", "cls", "last", None]
    cards = {f"model {j}": {"pooling": pooling[j], "same": 1, **({"dim": j} if j else {})} for j in range(6)}
    found = {one.trait: one for one in explain_scores(table(X), cards)}
    assert set(found) == {"pooling: mean", "pooling: cls", "pooling: last", "dim"}
    assert {one.n_models for one in found.values()} == {5}
    quality = -rankdata(-X, axis=1).mean(axis=0)
    assert found["pooling: mean"].correlation.value == pytest.approx(spearmanr([1, 1, 0, 0, 0], quality[:5]).statistic)
    assert found["dim"].correlation.value == pytest.approx(spearmanr(range(1, 6), quality[1:]).statistic)


def test_a_perfect_trait_of_few_models_has_no_interval():
    X = np.tile(np.arange(3.0), (4, 1))
    found = explain_scores(table(X), {f"model {j}": {"size": j} for j in range(3)})[0]
    assert (found.correlation.value, found.correlation.interval) == (pytest.approx(1), None)


def test_refused_cards():
    results = table(normal(3, 3))
    with pytest.raises(DataError, match="no card for model 2"):
        explain_scores(results, {"model 0": {}, "model 1": {}})
    with pytest.raises(DataError, match="both words and numbers"):
        explain_scores(results, {"model 0": {"a": 1}, "model 1": {"a": "x"}, "model 2": {}})
    assert explain_scores(results, {f"model {j}": {} for j in range(3)}) == ()


# Which data sets say the same


def test_redundancy_oracle_scipy():
    X = normal(5, 9)
    X[3] = np.exp(X[1])
    found = dataset_redundancy(table(X))
    np.testing.assert_allclose(found.correlations, spearmanr(X.T).statistic)
    assert [(a, b, r.value) for a, b, r in found.redundant] == [("set 1", "set 3", pytest.approx(1))]
    assert len(set(found.kept) & {"set 1", "set 3"}) == 1
    assert len(found.kept) == 4
    rows = [int(name[-1]) for name in found.kept]
    means = [rankdata(-X[use], axis=1).mean(axis=0) for use in (rows, range(5))]
    assert found.agreement == pytest.approx(spearmanr(*means).statistic)


def test_redundancy_of_constant_and_independent_sets():
    X = normal(4, 9)
    X[2] = 0.5
    found = dataset_redundancy(table(X))
    assert np.isnan(found.correlations[2]).all()
    assert found.redundant == ()
    assert found.kept == found.datasets
    assert found.agreement == pytest.approx(1)


def test_redundancy_interval_is_over_families_of_models():
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(size=6), 5)
    X = level + 0.2 * rng.normal(size=(2, 30))
    families = {f"model {j}": str(j // 5) for j in range(30)}
    ours = dataset_redundancy(table(X), threshold=0.5, families=families).redundant[0][2].interval
    blind = dataset_redundancy(table(X), threshold=0.5).redundant[0][2].interval
    assert (ours.n_units, ours.unit, blind.n_units) == (6, "family of models", 30)
    assert ours.low < blind.low


def test_redundancy_wants_three_models():
    with pytest.raises(DataError, match="three at least, got 2"):
        dataset_redundancy(table(normal(4, 2)))
