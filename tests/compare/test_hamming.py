import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cosimo.compare import Hamming
from cosimo.errors import DataError, ShapeError
from cosimo.types import Codes

EXAMPLES = [Hamming()]


def packed(bits):
    return Codes(np.packbits(bits, axis=1), bits.shape[1])


@pytest.mark.parametrize("n_bits", [1, 7, 8, 13, 64, 65, 256])
def test_oracle_scipy(n_bits):
    rng = np.random.default_rng(n_bits)
    Q, K = rng.integers(2, size=(6, n_bits)), rng.integers(2, size=(9, n_bits))
    S = Hamming()(packed(Q), packed(K))
    np.testing.assert_array_equal(S, -np.rint(cdist(Q, K, "hamming") * n_bits))
    np.testing.assert_array_equal(Hamming().pairs(packed(Q), packed(K[:6])), np.diag(S))


def test_bits_behind_the_last_do_not_count():
    q = Codes(np.array([[0b10100000, 0]], np.uint8), 3)
    k = Codes(np.array([[0b10111111, 255], [0b01011111, 255]], np.uint8), 3)
    np.testing.assert_array_equal(Hamming()(q, k), [[0, -3]])


def test_codes_are_left_as_they_are():
    codes = Codes(np.array([[255]], np.uint8), 3)
    Hamming()(codes, codes)
    assert codes.bits[0, 0] == 255


def test_other_length_refused():
    with pytest.raises(ShapeError, match="queries have 8 bits and keys 7"):
        Hamming()(Codes(np.zeros((1, 1), np.uint8), 8), Codes(np.zeros((1, 1), np.uint8), 7))


def test_other_scheme_refused():
    q, k = Codes(np.zeros((1, 1), np.uint8), 8), Codes(np.zeros((1, 1), np.uint8), 8, "median")
    with pytest.raises(DataError, match='queries are "sign" codes and keys "median"'):
        Hamming().pairs(q, k)


def test_plain_arrays_refused():
    with pytest.raises(DataError, match="hamming compares Codes, got keys of type ndarray"):
        Hamming()(Codes(np.zeros((1, 1), np.uint8), 8), np.zeros((1, 1), np.uint8))
