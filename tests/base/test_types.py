import numpy as np
import pytest

from cosimo.errors import ShapeError
from cosimo.types import Codes, Gaussians, Hits, Item, Query, Tokens


@pytest.fixture
def ragged() -> Tokens:
    """Three items with 2, 0 and 3 tokens."""
    return Tokens(np.arange(10, dtype=np.float32).reshape(5, 2) - 4, np.array([0, 2, 2, 5]))


def test_tokens_are_sliced_by_item(ragged):
    assert len(ragged) == 3
    assert ragged.lengths.tolist() == [2, 0, 3]
    np.testing.assert_array_equal(ragged[0], ragged.values[:2])
    assert ragged[1].shape == (0, 2)
    np.testing.assert_array_equal(ragged[-1], ragged[2])
    assert [len(item) for item in ragged] == [2, 0, 3]


@pytest.mark.parametrize("i", [3, -4])
def test_tokens_beyond_the_end(ragged, i):
    with pytest.raises(IndexError, match=f"item {i} of 3"):
        ragged[i]


def test_padded_view_and_mask(ragged):
    T, mask = ragged.padded()
    assert T.shape == (3, 3, 2)
    assert T.dtype == np.float32
    assert mask.tolist() == [[True, True, False], [False, False, False], [True, True, True]]
    np.testing.assert_array_equal(T[mask], ragged.values)
    assert not T[~mask].any()


def test_stack_undoes_iteration(ragged):
    again = Tokens.stack(list(ragged))
    np.testing.assert_array_equal(again.values, ragged.values)
    np.testing.assert_array_equal(again.offsets, ragged.offsets)


def test_no_items_at_all():
    none = Tokens.stack([], dim=4)
    assert len(none) == 0
    T, mask = none.padded()
    assert T.shape == (0, 0, 4)
    assert mask.shape == (0, 0)


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [
        ((5,), [0, 5]),
        ((5, 2), []),
        ((5, 2), [[0, 5]]),
        ((5, 2), [1, 5]),
        ((5, 2), [0, 4]),
        ((5, 2), [0, 6]),
        ((5, 2), [0, 3, 2, 5]),
    ],
    ids=["flat-values", "no-offsets", "square-offsets", "late-start", "early-end", "beyond-end", "falling"],
)
def test_tokens_that_do_not_fit_refused(shape, offsets):
    with pytest.raises(ShapeError, match=r"offsets|Tokens want"):
        Tokens(np.zeros(shape, np.float32), np.array(offsets, dtype=np.int64))


def test_gaussians_of_unequal_shape_refused():
    assert len(Gaussians(np.zeros((2, 3)), np.ones((2, 3)))) == 2
    with pytest.raises(ShapeError, match=r"mean \(2, 3\), var \(2, 2\)"):
        Gaussians(np.zeros((2, 3)), np.ones((2, 2)))


@pytest.mark.parametrize(
    ("bits", "n_bits"),
    [(np.zeros((2, 1), np.int8), 8), (np.zeros((2, 1), np.uint8), 9), (np.zeros(2, np.uint8), 8)],
    ids=["type", "too-many-bits", "flat"],
)
def test_codes_that_do_not_fit_refused(bits, n_bits):
    with pytest.raises(ShapeError, match="Codes want uint8"):
        Codes(bits, n_bits)


def test_hits_never_show_padding():
    hits = Hits(np.array([[7, -1], [-1, -1]]), np.array([[0.5, -np.inf], [-np.inf, -np.inf]]), "cosine")
    assert [[hit.row for hit in answers] for answers in hits] == [[7], []]
    assert hits[0][0].id == "7"


def test_hits_show_what_is_stored():
    hits = Hits(np.array([[7]]), np.array([[-0.5]]), "cosine")
    hit = hits.with_items({7: Item(7, "doc-7", "some text", {"title": "T"})})[0][0]
    assert (hit.id, hit.score, hit.text, hit["title"], hit.row) == ("doc-7", -0.5, "some text", "T", 7)
    assert hits[0][0].text is None


def test_hit_without_that_column():
    with pytest.raises(KeyError, match="year"):
        Hits(np.array([[7]]), np.array([[1.0]]), "cosine")[0][0]["year"]


def test_no_hits():
    hits = Hits.empty(3, "bm25")
    assert [answers for answers in hits] == [[], [], []]  # noqa: C416
    assert hits.scale == "bm25"


@pytest.mark.parametrize("shape", [(2,), (2, 3)], ids=["flat", "unequal"])
def test_hits_that_do_not_fit_refused(shape):
    with pytest.raises(ShapeError, match="Hits want equal"):
        Hits(np.zeros(shape, np.int64), np.zeros((2,) if shape == (2,) else (2, 2)), "cosine")


@pytest.mark.parametrize(
    ("query", "n"),
    [(Query(("a", "b")), 2), (Query(None, np.zeros((3, 4))), 3), (Query(None), 0), (Query(()), 0)],
    ids=["items", "vectors", "neither", "no-items"],
)
def test_query_length(query, n):
    assert len(query) == n
