import numpy as np
import pytest

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError

WORDS = ("guitar", "music", "cat", "")


def counts(texts):
    return [[text.count(letter) - 0.5 for letter in "aeiou"] for text in texts]


def with_length(texts):
    return np.array([[*row, len(text)] for row, text in zip(counts(texts), texts, strict=True)])


# Its items may be anything, so the checks of text encoders do not apply.
ITEMS = ["guitar and song", "", "music", "🎸", "a sleeping cat", "unique"]
EXAMPLES = [FunctionEncoder(counts), FunctionEncoder(with_length, query=with_length, name="lengths", dim=6)]


def test_equals_the_function():
    X = FunctionEncoder(counts).encode(WORDS)
    np.testing.assert_array_equal(X, np.array(counts(WORDS), np.float32))


def test_function_never_gets_more_than_a_batch():
    sizes = []

    def embed(items):
        sizes.append(len(items))
        return np.ones((len(items), 2))

    FunctionEncoder(embed, dim=2).encode(["x"] * 600)
    assert sizes == [256, 256, 88]
    sizes.clear()
    FunctionEncoder(embed, dim=2).encode(["x"] * 5, batch_size=2)
    assert sizes == [2, 2, 1]


def test_queries_have_their_own_function():
    two = FunctionEncoder(counts, query=lambda texts: -np.array(counts(texts)))
    np.testing.assert_array_equal(two.encode_query(WORDS), -two.encode_document(WORDS))
    np.testing.assert_array_equal(two.encode(WORDS), two.encode_document(WORDS))
    assert not two.passport.compare(FunctionEncoder(counts).passport)


def test_items_need_not_be_texts():
    numbers = FunctionEncoder(lambda xs: [[x, -x] for x in xs], probes=range(16))
    np.testing.assert_array_equal(numbers.encode([3, 4]), [[3, -3], [4, -4]])
    assert numbers.passport.probe.shape == (16, 2)


def test_behaviour_decides_which_functions_agree():
    def same_but_written_otherwise(texts):
        return np.array(counts(texts)) * (1 + 1e-7)

    passport = FunctionEncoder(counts).passport
    assert not passport.content
    assert passport.compare(FunctionEncoder(same_but_written_otherwise).passport).verdict == "compatible"
    assert passport.compare(FunctionEncoder(with_length).passport).verdict == "different"


def test_named_after_the_function():
    assert FunctionEncoder(counts).name == "counts"
    assert FunctionEncoder(counts, name="vowels").name == "vowels"


@pytest.mark.parametrize(
    ("result", "error", "said"),
    [
        (np.ones((1, 5)), ShapeError, "returned 1 vectors for 2 items"),
        (np.ones(2), ShapeError, r"result of <lambda> must have shape \(n, d\)"),
        (np.ones((2, 4)), ShapeError, "has 4 dimensions, wanted 5"),
        (np.full((2, 5), np.nan), DataError, "result of <lambda> contains NaN"),
        (None, DataError, "must hold numbers"),
    ],
)
def test_a_wrong_result_is_named(result, error, said):
    with pytest.raises(error, match=said):
        FunctionEncoder(lambda items: result, dim=5).encode(["a", "b"])


def test_function_that_does_not_read_texts_asks_for_probes():
    with pytest.raises(DataError, match=r"failed on the probe items .*probes="):
        FunctionEncoder(lambda images: [image.pixels for image in images]).encode([object()])


def test_errors_of_the_function_itself_pass_through():
    with pytest.raises(ZeroDivisionError):
        FunctionEncoder(lambda items: 1 / 0, dim=2).encode(["a"])
