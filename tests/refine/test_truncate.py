import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from cosimo.errors import ShapeError
from cosimo.refine import Truncate

EXAMPLES = [Truncate(1), Truncate(dims=1, normalise=False)]


@parametrize_with_checks(EXAMPLES)
def test_scikit_learn(estimator, check):
    check(estimator)


def test_oracle_sentence_transformers():
    """Its `truncate_embeddings` slices; the vectors are normalised by the model afterwards."""
    from sentence_transformers.util import normalize_embeddings, truncate_embeddings
    from torch import from_numpy

    X = np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32)
    slices = truncate_embeddings(from_numpy(X), 5)
    np.testing.assert_array_equal(Truncate(5, normalise=False).transform(X), slices.numpy())
    np.testing.assert_allclose(Truncate(5).transform(X), normalize_embeddings(slices).numpy(), rtol=1e-6)


def test_slices_of_unit_vectors_are_unit_vectors_again():
    X = np.eye(3, dtype=np.float32) * 0.6 + 0.3
    np.testing.assert_allclose(np.linalg.norm(Truncate(2).transform(X), axis=1), 1, rtol=1e-6)


def test_the_slice_is_a_copy():
    X = np.ones((2, 3), np.float32)
    Truncate(2, normalise=False).transform(X)[:] = 7
    assert (X == 1).all()


@pytest.mark.parametrize("dims", [0, -1, 4])
def test_impossible_dims_refused(dims):
    X = np.ones((2, 3), np.float32)
    with pytest.raises(ShapeError, match=f"cannot keep the first {dims} of 3 dimensions; choose dims from 1 to 3"):
        Truncate(dims).fit(X)
    with pytest.raises(ShapeError, match=f"cannot keep the first {dims} of 3"):
        Truncate(dims).transform(X)
