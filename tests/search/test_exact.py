import faiss
import numpy as np
import pytest

from cosimo.compare import Cosine, Dot, Euclidean, Hamming, Manhattan, MaxSim
from cosimo.errors import DataError, ShapeError, StoreError
from cosimo.search import ExactIndex, top_k
from cosimo.search.indexes import exact, scan
from cosimo.search.indexes.eight_bit import EightBitKeys, EightBitQueries
from cosimo.types import Codes, Gaussians, Tokens

EXAMPLES = [ExactIndex(), ExactIndex("dot"), ExactIndex("euclidean"), ExactIndex(Manhattan())]

VECTORS = [Cosine(), Dot(), Euclidean(), Manhattan()]


def normal(n, d=24, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


def by_the_similarity(similarity, Q, K, ids, k):
    """The whole matrix, pair by pair, sorted."""
    m = len(K)
    S = np.stack([similarity.pairs(np.repeat(q[None], m, axis=0), K) for q in Q])
    return top_k(S, ids, k)


@pytest.fixture
def small_blocks(monkeypatch):
    """Many blocks, query blocks and codes on little data."""
    monkeypatch.setattr(scan, "BLOCK", 64)
    monkeypatch.setattr(exact, "BLOCK", 64)
    monkeypatch.setattr(scan, "CELLS", 64)
    monkeypatch.setattr(scan, "PAIRS", 50)
    monkeypatch.setattr(exact, "QUERIES", 30)
    monkeypatch.setattr(exact, "BATCH", 20)


@pytest.mark.parametrize("similarity", VECTORS, ids=lambda s: s.scale)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_oracle_every_pair_sorted(small_blocks, similarity, dtype):
    X, Q = normal(700, dtype=dtype), normal(75, seed=1, dtype=dtype)
    ids = np.random.default_rng(2).permutation(700) * 5
    index = ExactIndex(similarity)
    index.add(X, ids)
    hits = index.search(Q, 9)
    rows, scores = by_the_similarity(similarity, Q, X, ids, 9)
    np.testing.assert_array_equal(hits.rows, rows)
    np.testing.assert_allclose(hits.scores, scores, rtol=1e-5, atol=1e-6)
    assert hits.scores.dtype == dtype
    assert hits.scale == similarity.scale


@pytest.mark.parametrize("n", [1, 40, 150])
def test_oracle_faiss(n):
    X, Q = normal(6000, 32), normal(n, 32, seed=1)
    flat = faiss.IndexFlatIP(32)
    flat.add(X)
    scores, rows = flat.search(Q, 10)
    hits = ExactIndex.over(X, np.arange(6000), similarity="dot").search(Q, 10)
    np.testing.assert_array_equal(hits.rows, rows)
    np.testing.assert_allclose(hits.scores, scores, rtol=1e-5)


@pytest.mark.parametrize("n", [1, 7, 70])
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_equal_vectors_tie_exactly_wherever_they_lie(small_blocks, similarity, n):
    """8 copies of each of 125 vectors, shuffled over all blocks: each query's best vector comes 8 times, by id."""
    rng = np.random.default_rng(3)
    X, Q = np.repeat(normal(125, 50), 8, axis=0), normal(n, 50, seed=4)
    order = rng.permutation(1000)
    hits = ExactIndex.over(X[order], order, similarity=similarity).search(Q, 20)
    # 20 hits are two whole groups of 8 and the four lowest ids of the third.
    for rows, scores in zip(hits.rows, hits.scores, strict=True):
        for group in (slice(0, 8), slice(8, 16), slice(16, 20)):
            first = rows[group][0] // 8 * 8
            assert rows[group].tolist() == [*range(first, first + len(rows[group]))]
            assert len(set(scores[group].tolist())) == 1


def test_a_score_does_not_depend_on_the_batch_or_the_block(small_blocks):
    X, Q = normal(500, 51), normal(70, 51, seed=1)
    index = ExactIndex.over(X, np.arange(500))
    together = index.search(Q, 12)
    for i in (0, 33, 69):
        alone = index.search(Q[i : i + 1], 12)
        np.testing.assert_array_equal(alone.rows[0], together.rows[i])
        np.testing.assert_array_equal(alone.scores[0], together.scores[i])
    moved = ExactIndex.over(X[::-1], np.arange(500)[::-1]).search(Q, 12)
    np.testing.assert_array_equal(moved.rows, together.rows)
    np.testing.assert_array_equal(moved.scores, together.scores)


@pytest.mark.parametrize(
    "shape",
    ["sorted", "all equal", "far from the origin", "one loud dimension", "zeros"],
)
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_hard_data_is_answered_exactly(small_blocks, similarity, shape):
    X, Q = normal(600, 16), normal(40, 16, seed=1)
    match shape:
        case "sorted":
            X = X[np.argsort(X @ Q[0])]
        case "all equal":
            X[:] = X[0]
        case "far from the origin":
            X, Q = X * 1e-3 + 100, Q + 100
        case "one loud dimension":
            X[:, 3] *= 1000
        case "zeros":
            X[::2], Q[::3] = 0, 0
    ids = np.arange(600)
    hits = ExactIndex.over(X, ids, similarity=similarity).search(Q, 8)
    oracle = by_the_similarity({"cosine": Cosine(), "dot": Dot()}[similarity], Q, X, ids, 8)
    np.testing.assert_allclose(hits.scores, oracle[1], rtol=1e-5, atol=1e-6)
    alone = np.concatenate([ExactIndex.over(X, ids, similarity=similarity).search(q[None], 8).rows for q in Q])
    np.testing.assert_array_equal(hits.rows, alone)


@pytest.mark.parametrize("n", [1, 50])
@pytest.mark.parametrize("share", [0.9, 0.1, 0.01, 0.0])
@pytest.mark.parametrize("similarity", VECTORS, ids=lambda s: s.scale)
def test_filter_is_searching_only_the_allowed(small_blocks, similarity, share, n):
    X, Q = normal(800), normal(n, seed=1)
    ids = np.random.default_rng(5).permutation(800)
    allowed = np.sort(np.random.default_rng(6).choice(800, int(800 * share), replace=False))
    hits = ExactIndex.over(X, ids, similarity=similarity).search(Q, 10, allowed=allowed)
    kept = np.isin(ids, allowed)
    alone = ExactIndex.over(X[kept], ids[kept], similarity=similarity).search(Q, 10)
    np.testing.assert_array_equal(hits.rows, alone.rows)
    np.testing.assert_array_equal(hits.scores, alone.scores)
    assert hits.rows.shape == (n, min(10, int(kept.sum())))


def test_allowed_ids_that_are_not_there_are_no_hits():
    index = ExactIndex.over(normal(5), np.arange(5))
    assert index.search(normal(1), 5, allowed=np.array([3, 99])).rows.tolist() == [[3]]


@pytest.mark.parametrize("n", [1, 40])
@pytest.mark.parametrize("similarity", VECTORS, ids=lambda s: s.scale)
def test_range_search_gives_all_that_reach_the_score(small_blocks, similarity, n):
    X, Q = normal(300), normal(n, seed=1)
    rows, scores = by_the_similarity(similarity, Q, X, np.arange(300), 300)
    floor = float(np.median(scores[:, 20]))
    hits = ExactIndex.over(X, np.arange(300), similarity=similarity).search(Q, min_score=floor)
    for i in range(n):
        there = rows[i][scores[i] >= floor]
        assert [hit.row for hit in hits[i]] == there.tolist()
    assert hits.rows.shape[1] == (scores >= floor).sum(axis=1).max()


def test_everything_is_returned_without_k_and_score():
    hits = ExactIndex.over(normal(30), np.arange(30)).search(normal(2, seed=1))
    assert sorted(hits.rows[0].tolist()) == list(range(30))


def test_lowest_score_cuts_the_k_best():
    X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    hits = ExactIndex.over(X, np.arange(3)).search(np.array([[1.0, 0.0]]), 3, min_score=0.0)
    assert hits.rows.tolist() == [[0, 1]]


def test_more_than_there_are_gives_all_there_are():
    assert ExactIndex.over(normal(3), np.arange(3)).search(normal(2), 10).rows.shape == (2, 3)


def test_nothing_in_nothing_out():
    index = ExactIndex()
    assert index.search(normal(2), 3).rows.shape == (2, 0)
    index.add(np.empty((0, 24), np.float32), np.empty(0, np.int64))
    assert len(index) == 0
    index.add(normal(4), np.arange(4))
    assert index.search(normal(0), 3).rows.shape[0] == 0


def test_tokens_and_codes_and_gaussians():
    rng = np.random.default_rng(0)
    texts = Tokens.stack([normal(t, 8, seed=t) for t in rng.integers(1, 6, size=50)])
    asked = Tokens.stack([normal(3, 8, seed=9), normal(2, 8, seed=10)])
    found = ExactIndex.over(texts, np.arange(50), similarity="maxsim").search(asked, 7, allowed=np.arange(0, 50, 2))
    rows, scores = top_k(MaxSim()(asked, texts)[:, ::2], np.arange(0, 50, 2), 7)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-5)

    codes = Codes(rng.integers(256, size=(400, 2), dtype=np.uint8), 16)
    some = Codes(codes.bits[:5], 16)
    hits = ExactIndex.over(codes, np.arange(400), similarity=Hamming()).search(some, 30)
    rows, scores = top_k(Hamming()(some, codes), np.arange(400), 30)
    np.testing.assert_array_equal(hits.rows, rows)
    np.testing.assert_array_equal(hits.scores, scores)


def test_add_and_remove_are_a_fresh_index(small_blocks):
    X, Q = normal(500), normal(40, seed=1)
    index = ExactIndex()
    for part in np.array_split(np.arange(500), 7):
        index.add(X[part], part)
        index.search(Q, 5)
    assert index.remove(np.arange(0, 500, 3)) == 167
    assert index.remove(np.arange(0, 500, 3)) == 0
    index.add(X[:3] * -1, np.array([0, 3, 600]))
    kept = np.array([i for i in range(500) if i % 3])
    fresh = ExactIndex.over(np.concatenate([X[kept], -X[:3]]), np.array([*kept, 0, 3, 600]))
    mine, theirs = index.search(Q, 9), fresh.search(Q, 9)
    np.testing.assert_array_equal(mine.rows, theirs.rows)
    np.testing.assert_array_equal(mine.scores, theirs.scores)
    assert len(index) == 336


def test_removing_everything_leaves_an_index_to_add_to():
    index = ExactIndex.over(normal(4), np.arange(4))
    assert index.remove(np.arange(4)) == 4
    assert index.search(normal(1), 2).rows.shape == (1, 0)
    index.add(normal(4), np.arange(4))
    assert len(index) == 4


def test_a_memory_map_is_not_copied(tmp_path):
    X = normal(300)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    X.tofile(tmp_path / "vectors.f32")
    mapped = np.memmap(tmp_path / "vectors.f32", np.float32, mode="r", shape=(300, 24))
    index = ExactIndex.over(mapped, np.arange(300), prepared=True)
    assert np.shares_memory(index._keys(), mapped)
    np.testing.assert_array_equal(index.search(X[:80], 1).rows[:, 0], np.arange(80))


def test_what_the_caller_changes_later_does_not_reach_the_index():
    X = normal(5)
    index = ExactIndex.over(X, np.arange(5), similarity="dot")
    before = index.search(X[:1], 5).scores
    X *= 0
    np.testing.assert_array_equal(index.search(normal(5)[:1], 5).scores, before)


@pytest.mark.parametrize(
    ("keys", "similarity"),
    [
        (normal(20), "cosine"),
        (normal(20, dtype=np.float64), "euclidean"),
        (Tokens.stack([normal(t, 4, seed=t) for t in (2, 3, 1)]), "maxsim"),
        (Codes(np.arange(12, dtype=np.uint8).reshape(6, 2), 13, "sign"), "hamming"),
    ],
    ids=["cosine", "float64", "tokens", "codes"],
)
def test_saved_and_loaded_answers_alike(tmp_path, keys, similarity):
    index = ExactIndex.over(keys, np.arange(len(keys)) + 4, similarity=similarity)
    index.save(str(tmp_path / "index"))
    again = ExactIndex.load(str(tmp_path / "index"))
    mine, theirs = index.search(keys, 3), again.search(keys, 3)
    np.testing.assert_array_equal(mine.rows, theirs.rows)
    np.testing.assert_array_equal(mine.scores, theirs.scores)
    assert mine.scores.dtype == theirs.scores.dtype
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_an_empty_index_is_saved_too(tmp_path):
    ExactIndex("dot").save(str(tmp_path / "index"))
    again = ExactIndex.load(str(tmp_path / "index"))
    assert (len(again), again.scale) == (0, "dot")


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "index"
    ExactIndex.over(normal(20), np.arange(20)).save(str(path))
    good = path.read_bytes()
    for at in (len(good) // 2, len(good) - 1, 20):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(StoreError, match="damaged"):
            ExactIndex.load(str(path))
    path.write_bytes(good[:-100])
    with pytest.raises(StoreError, match="damaged"):
        ExactIndex.load(str(path))
    path.write_bytes(b"something else entirely")
    with pytest.raises(StoreError, match="no index"):
        ExactIndex.load(str(path))
    with pytest.raises(StoreError, match="cannot be read"):
        ExactIndex.load(str(tmp_path / "nothing"))
    with pytest.raises(StoreError, match="cannot be written"):
        ExactIndex().save(str(tmp_path / "no" / "such" / "folder"))


def test_another_similarity_than_it_was_built_with_is_refused(tmp_path):
    path = str(tmp_path / "index")
    ExactIndex.over(normal(20), np.arange(20)).save(path)
    assert ExactIndex.load(path, similarity=Cosine()).scale == "cosine"
    with pytest.raises(DataError, match=r'"cosine".*"dot"'):
        ExactIndex.load(path, similarity="dot")


def test_bad_input_gets_a_sentence():
    index = ExactIndex.over(normal(5), np.arange(5))
    with pytest.raises(DataError, match="k must be at least 1, got 0"):
        index.search(normal(1), 0)
    with pytest.raises(ShapeError, match="queries has 7 dimensions, wanted 24"):
        index.search(normal(1, 7), 1)
    with pytest.raises(ShapeError, match="X has 7 dimensions, wanted 24"):
        index.add(normal(1, 7), np.array([9]))
    with pytest.raises(DataError, match="id 3 is already in the index"):
        index.add(normal(2), np.array([9, 3]))
    with pytest.raises(DataError, match="distinct and not negative"):
        index.add(normal(2), np.array([9, -9]))
    with pytest.raises(ShapeError, match="ids must be 2 integers"):
        index.add(normal(2), np.array([9]))
    with pytest.raises(DataError, match="NaN"):
        index.add(np.full((1, 24), np.nan), np.array([9]))
    with pytest.raises(DataError, match="Tokens"):
        index.search(Tokens(normal(2), np.array([0, 2])), 1)
    with pytest.raises(DataError, match="Gaussians"):
        ExactIndex().add(Gaussians(normal(2), np.ones((2, 24), np.float32)), np.arange(2))
    assert len(index) == 5


def test_large_batches_are_screened_by_codes_and_small_ones_are_not():
    index = ExactIndex.over(normal(5000), np.arange(5000))
    index.search(normal(10), 3)
    assert index.stats() == {"size": 5000, "codes_bytes": 0}
    index.search(normal(100), 3)
    # All blocks but the first, which sets the bar.
    assert index.stats()["codes_bytes"] == (5000 - scan.BLOCK) * 24


def test_codes_never_lose_a_key_within_their_bound():
    """Every pair that reaches the bar survives, for bars at every score there is."""
    X, Q = normal(200, 12), normal(30, 12, seed=1)
    S = Q.astype(np.float64) @ X.T.astype(np.float64)
    block, queries = EightBitKeys.encode(X), EightBitQueries(Q)
    for bar in np.quantile(S, [0.0, 0.1, 0.5, 0.9, 0.99, 1.0]):
        query, key = queries.survivors(block, np.full(30, bar, np.float32) - np.float32(1e-5))
        kept = np.zeros(S.shape, bool)
        kept[query, key] = True
        assert kept[bar <= S].all()
        assert kept.sum() < (bar - 0.5 <= S).sum() + 1
