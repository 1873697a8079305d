import pytest

from cosimo.compare import Cosine, Euclidean, MaxSim, resolve
from cosimo.contracts import Similarity
from cosimo.errors import DataError


@pytest.mark.parametrize("name", ["cosine", "dot", "euclidean", "manhattan", "hamming", "maxsim"])
def test_a_name_is_the_scale(name):
    assert isinstance(resolve(name), Similarity)
    assert resolve(name).scale == name


def test_names_of_sentence_transformers_are_known():
    from sentence_transformers import SimilarityFunction

    for name in ("COSINE", "DOT", "EUCLIDEAN", "MANHATTAN", "MAXSIM"):
        theirs = SimilarityFunction[name].value
        assert resolve(theirs).scale == theirs


def test_an_object_is_itself():
    mine = Euclidean()
    assert resolve(mine) is mine


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("cosin", 'there is no similarity "cosin"; did you mean "cosine"?'),
        ("jaccard", "choose one of cosine, dot, euclidean, manhattan, hamming, maxsim"),
        (MaxSim, r"pass an instance, MaxSim\(\), not the class MaxSim"),
        (3, "int is no similarity; pass a name"),
        (lambda Q, K: Q @ K.T, "function is no similarity"),
    ],
)
def test_anything_else_is_refused(wrong, message):
    with pytest.raises(DataError, match=message):
        resolve(wrong)


def test_resolving_twice_gives_equal_objects():
    assert resolve("cosine") == Cosine()
