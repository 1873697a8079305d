import numpy as np
import pytest

from assembly.toys import DIM, bag_of_words, toy_space
from cosimo import Space
from cosimo.encode import FunctionEncoder, Precomputed
from cosimo.errors import DataError, MissingModel, PassportMismatch, Refused, ShapeError
from cosimo.refine import Chain, Normalise, Truncate, Whitening

EXAMPLES = [toy_space()]


def test_similarity_equals_the_formula():
    space, a, b = toy_space(), ["rice and water", "tokens"], ["water", "rice and water", "tokens tokens"]
    A, B = bag_of_words(a), bag_of_words(b)
    expected = A @ B.T / np.outer(np.linalg.norm(A, axis=1), np.linalg.norm(B, axis=1))
    np.testing.assert_allclose(space.similarity(a, b), expected, atol=1e-6)
    np.testing.assert_allclose(space.similarity_pairwise(a, b[:2]), np.diag(expected[:, :2]), atol=1e-6)


def test_vectors_count_as_items():
    space = toy_space()
    A = space.encode(["rice", "heat"])
    np.testing.assert_array_equal(space.similarity(A, ["rice"]), space.similarity(["rice", "heat"], ["rice"]))
    with pytest.raises(ShapeError, match="7 dimensions, wanted 64"):
        space.similarity(np.ones((2, 7)), ["rice"])


def test_pairs_of_unequal_length_are_refused():
    with pytest.raises(DataError, match="equal length, got 1 and 2"):
        toy_space().similarity_pairwise(["a"], ["b", "c"])


def test_refiner_applies_and_sets_the_dimension():
    X = bag_of_words([f"word{i} word{i + 1} word{3 * i}" for i in range(200)])
    refiner = Chain([Whitening(dims=8).fit(X), Normalise()])
    space = toy_space(refiner=refiner)
    assert space.dim == 8
    np.testing.assert_allclose(space.encode(["word1"]), refiner.transform(bag_of_words(["word1"])), atol=1e-6)


def test_refiners_by_side():
    space = toy_space(refiner={"query": Truncate(8), "document": Truncate(8, normalise=False)})
    np.testing.assert_allclose(np.linalg.norm(space.encode_query(["rice water"])), 1, atol=1e-6)
    np.testing.assert_allclose(space.encode_document(["rice water"]), bag_of_words(["rice water"])[:, :8], atol=1e-6)


def test_saved_space_gives_the_same_vectors(tmp_path):
    X = bag_of_words([f"word{i} word{i + 1} word{3 * i}" for i in range(200)])
    space = toy_space(refiner=Whitening(dims=8).fit(X))
    space.save(tmp_path / "space")
    loaded = Space.load(tmp_path / "space", encoder=toy_space().encoder)
    np.testing.assert_allclose(loaded.encode(["rice"]), space.encode(["rice"]), atol=1e-6)
    assert loaded.passport.compare(space.passport)


def test_saved_space_refuses_another_encoder_of_the_same_dimension(tmp_path):
    toy_space().save(tmp_path / "space")
    with pytest.raises(PassportMismatch, match="probe vectors: cosine"):
        Space.load(tmp_path / "space", encoder=toy_space(salt="other").encoder)


def test_passports_see_similarity_and_refiner():
    plain = toy_space().passport
    assert plain.compare(toy_space().passport).verdict == "compatible"
    assert plain.compare(toy_space(similarity="dot").passport).verdict == "different"
    assert plain.compare(toy_space(refiner=Truncate(DIM // 2)).passport).verdict == "different"


def test_declared_vectors_are_identical_by_name():
    space = Space(Precomputed(4, name="model-v3"))
    assert space.passport.compare(Space(Precomputed(4, name="model-v3")).passport).verdict == "identical"
    assert space.passport.compare(Space(Precomputed(4, name="model-v4")).passport).verdict == "different"


def test_unknown_model_names_the_command():
    with pytest.raises(MissingModel, match="cosimo fetch"):
        Space.load("no-such-model-xyz")


def test_a_refiner_that_cannot_be_saved_is_refused_at_once():
    class Foreign:
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return X

    with pytest.raises(Refused, match="cannot be saved"):
        toy_space(refiner=Foreign())


def test_nothing_to_encode():
    assert toy_space().encode([]).shape == (0, DIM)
    assert toy_space().similarity([], ["a"]).shape == (0, 1)


def test_callable_of_the_wrong_shape_is_named():
    with pytest.raises(ShapeError):
        Space(FunctionEncoder(lambda texts: [1.0, 2.0], name="flat", dim=2)).encode(["a", "b"])


def test_a_space_of_given_vectors_is_found_again(tmp_path):
    Space(Precomputed(4, name="model-v3"), refiner=Truncate(2)).save(tmp_path / "space")
    space = Space.load(tmp_path / "space")
    assert (space.encoder.dim, space.dim, space.encoder.passport.name) == (4, 2, "model-v3")
    np.testing.assert_allclose(space.encode([[3, -4, 12, 5]]), [[0.6, -0.8]], rtol=1e-6)
