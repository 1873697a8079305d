import numpy as np
import pytest

from contracts.collect import case
from cosimo.errors import DataError, ShapeError
from cosimo.measure import gauge_sensitivity, linear_autoencoder, similarity_variants

PENALTY = {1: 4.0, 2: 3.0}


def matrix(n=60, p=12, seed=0):
    return np.random.default_rng(seed).normal(size=(n, p)) @ np.diag(np.linspace(2, 0.5, p))


def loss(X, A, B, penalty, objective):
    """The two objectives as they are written."""
    sides = np.linalg.norm(A @ B.T) ** 2 if objective == 1 else np.linalg.norm(X @ A) ** 2 + np.linalg.norm(B) ** 2
    return np.linalg.norm(X - X @ A @ B.T) ** 2 + penalty * sides


def trained(X, k, *, penalty, objective, seed, steps):
    """A and B by alternating least squares from a random start, without the closed form."""
    C, one = X.T @ X, np.eye(X.shape[1])
    B = np.random.default_rng(seed).normal(size=(X.shape[1], k))
    ridge = np.linalg.solve(C + penalty * one, C)
    for _ in range(steps):
        if objective == 1:
            A = ridge @ B @ np.linalg.inv(B.T @ B)
            B = C @ A @ np.linalg.inv(A.T @ (C @ A + penalty * A))
        else:
            A = B @ np.linalg.inv(B.T @ B + penalty * np.eye(k))
            B = C @ A @ np.linalg.inv(A.T @ C @ A + penalty * np.eye(k))
    return A, B


EXAMPLES = [case(linear_autoencoder, matrix(), 4, penalty=4.0), case(gauge_sensitivity, matrix(), matrix(20, seed=1))]


@pytest.mark.parametrize("objective", [1, 2])
@pytest.mark.parametrize("k", [1, 4])
def test_training_from_a_random_start_ends_at_the_closed_form(objective, k):
    X = matrix()
    how = {"penalty": PENALTY[objective], "objective": objective}
    A, B = linear_autoencoder(X, k, **how)
    a, b = trained(X, k, **how, seed=1, steps=3000)
    np.testing.assert_allclose(A @ B.T, a @ b.T, atol=1e-6)
    assert loss(X, A, B, *how.values()) == pytest.approx(loss(X, a, b, *how.values()), rel=1e-10)


def test_objective_1_at_full_rank_is_ridge_regression():
    X, C = matrix(), matrix().T @ matrix()
    A, B = linear_autoencoder(X, 12, penalty=4.0)
    np.testing.assert_allclose(A @ B.T, np.linalg.solve(C + 4 * np.eye(12), C), atol=1e-12)
    A, B = linear_autoencoder(X, 12, penalty=0.0)
    np.testing.assert_allclose(A @ B.T, np.eye(12), atol=1e-12)


def test_closed_forms_as_written():
    X = matrix()
    _, sigma, Vt = np.linalg.svd(X)
    V, s = Vt[:5].T, sigma[:5]
    A, B = linear_autoencoder(X, 5, penalty=4.0)
    np.testing.assert_allclose(A @ B.T, V @ np.diag(1 / (1 + 4 / s**2)) @ V.T, atol=1e-12)
    penalty = (s[2] + s[3]) / 2  # the last two directions are given up
    A, B = linear_autoencoder(X, 5, penalty=penalty, objective=2)
    kept = np.maximum(1 - penalty / s, 0)
    np.testing.assert_allclose(np.abs(A), np.abs(V * np.sqrt(kept / s)), atol=1e-12)
    np.testing.assert_allclose(np.abs(B), np.abs(V * np.sqrt(kept * s)), atol=1e-12)
    assert not B[:, 3:].any() and B[:, :3].any(axis=0).all()


def test_more_columns_than_rows():
    X = matrix(n=8, p=20)
    A, B = linear_autoencoder(X, 8, penalty=0.0)
    np.testing.assert_allclose(X @ A @ B.T, X, atol=1e-12)


def test_rescaling_changes_no_prediction_and_the_loss_of_objective_2_alone():
    X, d = matrix(), np.exp(np.random.default_rng(2).normal(size=4))
    for objective, penalty in PENALTY.items():
        A, B = linear_autoencoder(X, 4, penalty=penalty, objective=objective)
        np.testing.assert_allclose(X @ (A * d) @ (B / d).T, X @ A @ B.T, rtol=0, atol=1e-8)
        before, after = (loss(X, *sides, penalty, objective) for sides in ((A, B), (A * d, B / d)))
        assert after == pytest.approx(before, rel=1e-12) if objective == 1 else after > 1.01 * before


def test_a_diagonal_makes_all_items_equally_unlike():
    """At full rank one scaling of objective 1 makes the cosines of all items the identity."""
    X = matrix()
    _, B = linear_autoencoder(X, 12, penalty=4.0)
    sigma = np.linalg.svd(X, compute_uv=False)
    scaled = similarity_variants(B * np.sqrt(1 + 4 / sigma**2))["cosine"]
    np.testing.assert_allclose(scaled, np.eye(12), atol=1e-12)
    assert np.abs(similarity_variants(B / np.sqrt(1 + 4 / sigma**2))["cosine"] - np.eye(12)).max() > 0.01


def cosine_matrix(V):
    return np.array([[u @ v / np.sqrt((u @ u) * (v @ v)) for v in V] for u in V])


def test_variants_equal_their_definitions():
    rng = np.random.default_rng(3)
    K, Q = rng.normal(size=(7, 3)) + 1, rng.normal(size=(9, 3))
    found = similarity_variants(K, Q)
    np.testing.assert_allclose(found["dot"], K @ K.T)
    np.testing.assert_allclose(found["cosine"], cosine_matrix(K))
    np.testing.assert_allclose(found["standardised"], cosine_matrix((K - K.mean(0)) / K.std(0)))
    np.testing.assert_allclose(found["backprojected"], cosine_matrix(K @ Q.T))
    assert similarity_variants(K).keys() == {"dot", "cosine", "standardised"}


def test_only_two_variants_do_not_depend_on_the_scaling():
    rng = np.random.default_rng(4)
    Q, K, d = rng.normal(size=(9, 4)), rng.normal(size=(8, 4)), np.array([5.0, 1.0, -0.2, 2.0])
    before, after = similarity_variants(K, Q), similarity_variants(K / d, Q * d)
    for name in ("standardised", "backprojected"):
        same = np.abs(after[name]) if name == "standardised" else after[name]  # a sign turns a dimension round
        np.testing.assert_allclose(same, np.abs(before[name]) if name == "standardised" else before[name], atol=1e-12)
    for name in ("dot", "cosine"):
        assert np.abs(after[name] - before[name]).max() > 0.1


def test_a_dimension_that_does_not_vary_is_no_news():
    K = np.array([[1.0, 2.0], [-1.0, 2.0], [3.0, 2.0]])
    np.testing.assert_allclose(similarity_variants(K)["standardised"], [[0, 0, 0], [0, 1, -1], [0, -1, 1]], atol=1e-12)


def neighbour_sets(K, k):
    S = cosine_matrix(K)
    return [set(sorted((j for j in range(len(K)) if j != i), key=lambda j: -S[i, j])[:k]) for i in range(len(K))]


def test_sensitivity_oracle_loop():
    rng = np.random.default_rng(5)
    Q, K = rng.normal(size=(20, 4)), rng.normal(size=(30, 4))
    D = np.exp(rng.normal(size=(3, 4)))
    report = gauge_sensitivity(Q, K, scales=D, k=5)
    before = neighbour_sets(K, 5)
    shares = [[len(a & b) / 5 for a, b in zip(before, neighbour_sets(K / d, 5), strict=True)] for d in D]
    np.testing.assert_allclose(report.metrics["cosine"].per_item, np.mean(shares, axis=0))
    assert report.metrics["cosine"].value == pytest.approx(np.mean(shares))
    assert report.metrics["cosine"].interval.n_units == report.n == 30
    assert report.metrics["backprojected"].value == report.metrics["standardised"].value == 1
    assert report.metrics["dot"].value < 1
    assert report.metrics["free"].value == 1 and report.metrics["score"].value < 1e-12
    assert report.settings == {"k": 5, "scales": 3}


def test_scalings_that_change_the_loss_are_not_free():
    X = matrix()
    for objective, penalty in PENALTY.items():
        A, B = linear_autoencoder(X, 4, penalty=penalty, objective=objective)
        report = gauge_sensitivity(A, B, loss=lambda A, B, how=(penalty, objective): loss(X, A, B, *how), scales=5, k=3)
        assert report.metrics["free"].value == (1.0 if objective == 1 else 0.0)
        assert (report.metrics["cosine"].value < 0.9) == (objective == 1)
        assert report.metrics["cosine"].value <= 1.0


def test_some_scalings_may_be_free():
    rng = np.random.default_rng(6)
    Q, K = rng.normal(size=(20, 3)), rng.normal(size=(25, 3))
    D = [[1, 1, 1], [3, 1, 1], [1, 1, 9]]
    report = gauge_sensitivity(Q, K, loss=lambda Q, K: float((K[:, 0] ** 2).sum()), scales=D, k=4)
    alone = gauge_sensitivity(Q, K, scales=[D[0], D[2]], k=4)
    assert report.metrics["free"].value == pytest.approx(2 / 3)
    assert report.metrics["cosine"].value == alone.metrics["cosine"].value < 1


def test_seeds_draw_the_scalings():
    rng = np.random.default_rng(7)
    Q, K = rng.normal(size=(20, 4)), rng.normal(size=(60, 4))
    one, again, other = (gauge_sensitivity(Q, K, seed=seed).metrics["cosine"].value for seed in (0, 0, 1))
    assert one == again != other


@pytest.mark.parametrize(
    ("k", "how"),
    [(0, {"penalty": 1.0}), (13, {"penalty": 1.0}), (2, {"penalty": -1.0}), (2, {"penalty": 1.0, "objective": 3})],
)
def test_autoencoder_refused(k, how):
    with pytest.raises(DataError, match="k from 1 to the rank 12"):
        linear_autoencoder(matrix(), k, **how)


def test_rank_counts_not_columns():
    X = matrix()[:, [0, 1, 0, 1]]
    with pytest.raises(DataError, match="rank 2"):
        linear_autoencoder(X, 3, penalty=1.0)


SIDE = np.random.default_rng(8).normal(size=(6, 3))


@pytest.mark.parametrize("scales", [0, -1, [1.0, 2.0], np.ones((2, 2, 3))], ids=str)
def test_scales_of_another_shape_refused(scales):
    with pytest.raises(ShapeError, match=r"diagonals \(s, 3\)"):
        gauge_sensitivity(SIDE, SIDE, scales=scales, k=2)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_scales_without_inverse_refused(bad):
    with pytest.raises(DataError, match="cannot be undone"):
        gauge_sensitivity(SIDE, SIDE, scales=[1.0, 2.0, bad], k=2)


def test_sides_of_other_spaces_refused():
    with pytest.raises(ShapeError, match="dimensions"):
        gauge_sensitivity(SIDE[:, :2], SIDE)
    with pytest.raises(ShapeError, match="dimensions"):
        similarity_variants(SIDE, SIDE[:, :2])
    with pytest.raises(DataError, match="k must be between"):
        gauge_sensitivity(SIDE, SIDE, k=6)
