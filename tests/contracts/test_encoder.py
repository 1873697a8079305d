"""What every encoder keeps. One whose items are not sentences declares `ITEMS` (6 or more) in its test file."""

import numpy as np
import pytest

from contracts.collect import Example, Kind, where
from contracts.samples import SENTENCES
from cosimo.contracts import Encoder
from cosimo.errors import CosimoError, DataError
from cosimo.types import Tokens

# The sentences may be longer than an example reads; that this is told is its own test.
pytestmark = pytest.mark.filterwarnings("ignore::cosimo.encode.TruncationWarning")

KIND = Kind(
    "encoder",
    Encoder,
    inputs=lambda example, n, dtype: ([example.items[i % len(example.items)] for i in range(n)],),
    answer=lambda value, items: [value.encode(items)],
)

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def takes_texts(encoder: Example) -> bool:
    """Whether its items are texts and nothing else; a wrapped callable may take more."""
    return encoder.items is SENTENCES and encoder.value.passport.content


def test_concatenation(encoder):
    a, b = encoder.items[:4], encoder.items[4:]
    encode = encoder.value.encode
    np.testing.assert_allclose(encode([*a, *b]), np.concatenate([encode(a), encode(b)]), **CLOSE)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_batch_size_invariance(encoder, batch_size):
    X = encoder.value.encode(encoder.items)
    np.testing.assert_allclose(encoder.value.encode(encoder.items, batch_size=batch_size), X, **CLOSE)


def test_order_kept(encoder):
    X = encoder.value.encode(encoder.items)
    np.testing.assert_allclose(encoder.value.encode(list(encoder.items[::-1])), X[::-1], **CLOSE)


def test_repeated_items_are_equal(encoder):
    X = encoder.value.encode([encoder.items[0], encoder.items[2], encoder.items[0]])
    np.testing.assert_array_equal(X[0], X[2])


def test_dim_is_true(encoder):
    assert encoder.value.encode(encoder.items).shape == (len(encoder.items), encoder.value.dim)


def test_always_finite_float32(encoder):
    X = encoder.value.encode(encoder.items)
    assert X.dtype == np.float32
    assert np.isfinite(X).all()


def test_items_differ(encoder):
    X = encoder.value.encode([encoder.items[0], encoder.items[2], encoder.items[4]])
    assert len(np.unique(X.round(4), axis=0)) == 3


def test_any_sequence_of_items(encoder):
    few = encoder.items[:3]
    np.testing.assert_array_equal(encoder.value.encode(tuple(few)), encoder.value.encode(list(few)))


def test_passport_is_stable(encoder):
    passport = encoder.value.passport
    assert passport.dim == encoder.value.dim
    assert passport.compare(encoder.fresh().passport).verdict == "identical" or not passport.content
    assert passport.compare(encoder.fresh().passport)
    assert encoder.value.passport.digest == passport.digest


def test_passport_survives_json(encoder):
    passport = encoder.value.passport
    assert passport.compare(type(passport).from_json(passport.to_json()))


@where(lambda encoder: hasattr(encoder.value, "encode_tokens"))
def test_token_encoder_gives_one_ragged_row_an_item(encoder):
    T = encoder.value.encode_tokens(encoder.items)
    assert isinstance(T, Tokens)
    assert len(T) == len(encoder.items)
    assert T.values.dtype == np.float32


@where(takes_texts)
@pytest.mark.parametrize("bad", [None, 3, b"bytes", ["nested"]], ids=repr)
def test_non_string_items_refused(encoder, bad):
    with pytest.raises(DataError, match=r"(?i)item|text|string|str"):
        encoder.value.encode(["fine", bad])


def test_bare_string_refused(encoder):
    with pytest.raises(CosimoError):
        encoder.value.encode("a man plays the guitar")
