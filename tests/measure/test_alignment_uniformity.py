import numpy as np
import pytest

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Uniformity, alignment_uniformity, alignments, uniformity
from cosimo.statistics import mean_interval

EXAMPLES = [Uniformity(), Uniformity(t=1.0, size=40)]


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


@pytest.mark.parametrize("t", [0.5, 2.0, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniformity_oracle_loops(t, dtype):
    X = (np.random.default_rng(0).normal(size=(50, 6)) - 0.5).astype(dtype)
    U = unit(X.astype(np.float64))
    terms = [np.exp(-t * np.sum((U[i] - U[j]) ** 2)) for i in range(50) for j in range(i)]
    assert uniformity(X, t=t) == pytest.approx(np.log(np.mean(terms)), abs=1e-6)


def test_uniformity_oracle_scipy():
    """The reference code's form: half the distance matrix of unit vectors."""
    from scipy.spatial.distance import pdist

    X = np.random.default_rng(1).normal(size=(80, 5))
    assert uniformity(X) == pytest.approx(np.log(np.exp(-2 * pdist(unit(X)) ** 2).mean()))


def test_uniformity_of_the_even_and_the_collapsed():
    assert uniformity(np.full((10, 3), -2.0)) == pytest.approx(0)
    even = np.random.default_rng(2).normal(size=(2000, 300))
    assert uniformity(even) == pytest.approx(-4, abs=0.05)
    assert uniformity(np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx(-8)


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_alignments_oracle_loops(alpha):
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
    loop = [
        np.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True))) ** alpha
        for x, y in zip(unit(X), unit(Y), strict=True)
    ]
    np.testing.assert_allclose(alignments(X, Y, alpha=alpha), loop)
    assert alignments(X, X, alpha=alpha).max() == 0


def test_alignments_of_unequal_sides_refused():
    with pytest.raises(ShapeError, match="as many rows in X as in Y"):
        alignments(np.ones((2, 3)), np.ones((3, 3)))
    with pytest.raises(ShapeError, match="dimensions"):
        alignments(np.ones((2, 3)), np.ones((2, 4)))


def test_diagnostic_counts_all_pairs_of_its_sample():
    X = np.random.default_rng(4).normal(size=(400, 6)) + 0.5
    diagnostic = Uniformity(size=400)
    diagnostic.update(X)
    found = diagnostic.result().metrics["uniformity"]
    assert found.value == pytest.approx(uniformity(X))
    assert found.interval.n_units == 400
    assert found.interval.method == "U-statistic t"
    part = Uniformity(size=100)
    part.update(X)
    assert part.result().settings["sample"] == 100
    assert part.result().metrics["uniformity"].value == pytest.approx(uniformity(X), abs=0.2)


@pytest.mark.parametrize("t", [0.0, -1.0])
def test_t_below_zero_refused(t):
    with pytest.raises(DataError, match="t must be above 0"):
        uniformity(np.eye(3), t=t)
    with pytest.raises(DataError, match="t must be above 0"):
        Uniformity(t=t).update(np.eye(3))


def encoder():
    return FunctionEncoder(lambda items: np.array([[len(item) - 3.0, item.count("a") + 1.0] for item in items]))


def test_of_an_encoder():
    pairs, texts = [("cat", "a cat"), ("dogs", "a dog")], ["one", "three", "banana", "an", "one"]
    report = alignment_uniformity(encoder(), pairs, texts, t=1.0)
    distances = alignments(encoder().encode(["cat", "dogs"]), encoder().encode(["a cat", "a dog"]))
    found = report.metrics["alignment"]
    np.testing.assert_allclose(found.per_item, distances)
    assert found.value == pytest.approx(distances.mean())
    assert found.interval == mean_interval(distances, bounds=(0.0, 4.0), unit="pair")
    assert report.metrics["uniformity"].value == pytest.approx(uniformity(encoder().encode(texts[:4]), t=1.0))
    assert report.n == 2
    assert report.passport == encoder().passport.digest


def test_many_items_are_sampled_by_seed():
    pairs = [(f"{'a' * i}b", f"b{'a' * i}") for i in range(60)]
    one, again, other = (alignment_uniformity(encoder(), pairs, size=20, seed=seed) for seed in (0, 0, 1))
    assert one.settings["sample"] == 20
    assert one.settings["items"] == 119
    values = [report.metrics["uniformity"].value for report in (one, again, other)]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize(("pairs", "texts"), [([], ["a", "b"]), ([("a", "a")], None)], ids=str)
def test_nothing_to_compare_refused(pairs, texts):
    with pytest.raises(DataError, match="a matching pair and two different items"):
        alignment_uniformity(encoder(), pairs, texts)
