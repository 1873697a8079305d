"""The approximate index of a collection: the same answers as without, whatever happened since it was built."""

import logging
import os

import numpy as np
import pytest

from cosimo import Collection, Space
from cosimo.encode import FunctionEncoder, Precomputed
from cosimo.errors import DataError, ShapeError, StoreError
from cosimo.search import HnswIndex, IvfIndex
from cosimo.search.indexes import hnsw, ivf

N, D = 6_000, 16


def clustered(n, *, seed):
    rng = np.random.default_rng(seed)
    X = np.random.default_rng(5).normal(size=(40, D))[rng.integers(40, size=n)] + 0.3 * rng.normal(size=(n, D))
    return X.astype(np.float32)


def records(n, *, start=0):
    return [{"id": str(i), "n": i} for i in range(start, start + n)]


def light(kind):
    """An index that is worth walking at this size already."""
    if kind == "hnsw":
        return HnswIndex(neighbours=8, build_effort=40, search_effort=40)
    return IvfIndex(lists=60, probes=10)


@pytest.fixture
def collection(tmp_path):
    space = Space(Precomputed(D, name="clusters"))
    with Collection.create(tmp_path / "items", space, fields={"n": int}) as made:
        made.add(records(N), id="id", text=None, vectors=clustered(N, seed=1))
        yield made


@pytest.fixture(params=["hnsw", "ivf"])
def kind(request):
    return request.param


@pytest.fixture
def walked(monkeypatch):
    """Counts searches that are answered approximately."""
    calls = []
    for effort in (hnsw.HnswEffort, ivf.IvfEffort):
        parameters = effort.parameters

        def counted(*args, parameters=parameters):
            calls.append(args)
            return parameters(*args)

        monkeypatch.setattr(effort, "parameters", counted)
    return calls


Q = clustered(30, seed=2)


def overlap(hits, exact):
    return np.mean([np.isin(e, h).mean() for e, h in zip(exact.rows, hits.rows, strict=True)])


def test_exact_unless_asked(collection, walked):
    assert collection.info()["index"] is None
    collection.search(Q)
    assert walked == []


def test_reported_and_used(collection, kind, walked):
    exact = collection.search(Q)
    report = collection.index(light(kind), queries=Q)
    assert (report.kind, report.vectors, report.recall.n, report.recall_of_queries.n) == (kind, N, 200, 30)
    assert report.bytes == (collection.path / f"index-whole-3.{kind}").stat().st_size > N * D * 4
    walked.clear()
    hits = collection.search(Q)
    assert len(walked) == 1
    assert overlap(hits, exact) == pytest.approx(report.recall_of_queries.mean)
    assert 0.95 <= report.recall.mean <= 1
    assert report.recall.lowest <= report.recall.mean
    state = {"kind": kind, "vectors": N, "newer": 0, "deleted": 0, "state": "good"}
    assert collection.info()["index"] == state
    assert collection.index(None) is None
    walked.clear()
    np.testing.assert_array_equal(collection.search(Q).rows, exact.rows)
    assert (walked, collection.info()["index"], list(collection.path.glob("index*"))) == ([], None, [])


def test_no_queries_no_figure_for_them(collection):
    assert collection.index(light("ivf")).recall_of_queries is None


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
def test_filters_keep_k(collection, kind, share):
    """At these sizes a filtered search goes over the allowed rows, and equals exact search to the bit."""
    where = f"n < {round(share * N)}"
    exact = collection.search(Q, where=where)
    collection.index(light(kind))
    hits = collection.search(Q, where=where)
    assert hits.rows.shape == (30, min(10, round(share * N)))
    if share <= 0.1:
        np.testing.assert_array_equal(hits.rows, exact.rows)
        np.testing.assert_array_equal(hits.scores, exact.scores)
    assert overlap(hits, exact) >= 0.95


def test_newer_items_are_found_and_deleted_ones_are_not(collection, kind, walked):
    collection.index(light(kind))
    gone = [hit.id for hit in collection.search(Q[:1], 3)[0]]
    collection.delete(gone)
    collection.add(records(5, start=N), id="id", text=None, vectors=np.repeat(Q[:1], 5, axis=0))
    collection.add([{"id": "70", "n": -1}], id="id", text=None, vectors=Q[1:2], on_conflict="replace")
    walked.clear()
    hits = collection.search(Q[:1], 8)[0]
    assert len(walked) == 1
    assert [hit.id for hit in hits[:5]] == [str(N + i) for i in range(5)]
    assert not set(gone) & {hit.id for hit in hits}
    assert (collection.search(Q[1:2], 1)[0][0].id, collection.search(Q[1:2], 1)[0][0]["n"]) == ("70", -1)
    state = collection.info()["index"]
    assert (state["newer"], state["deleted"], state["state"]) == (6, 4, "good")


def test_old_ones_are_told(collection, kind):
    collection.index(light(kind))
    collection.delete(where=f"n < {N // 5 + 1}")
    assert "build it again" in collection.info()["index"]["state"]
    collection.index(light(kind))
    assert collection.info()["index"]["deleted"] == 0
    assert collection.info()["index"]["state"] == "good"
    collection.add(records(N // 10, start=N), id="id", text=None, vectors=clustered(N // 10, seed=3))
    assert "build it again" in collection.info()["index"]["state"]
    hits = collection.search(Q)
    collection.index(None)
    assert overlap(hits, collection.search(Q)) >= 0.95


def test_lasts_and_is_seen_by_others(collection, kind, walked):
    with Collection.open(collection.path, mode="r", space=collection.space) as reader:
        reader.search(Q)
        assert walked == []
        collection.index(light(kind))
        walked.clear()
        np.testing.assert_array_equal(reader.search(Q).rows, collection.search(Q).rows)
        assert len(walked) == 2
        with pytest.raises(StoreError, match="read-only"):
            reader.index("ivf")


def test_damaged_means_exact(collection, kind, walked, caplog):
    exact = collection.search(Q)
    collection.index(light(kind))
    (path,) = collection.path.glob("index*")
    os.truncate(path, 1000)
    walked.clear()
    with Collection.open(collection.path, mode="r", space=collection.space) as reader, caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(reader.search(Q).rows, exact.rows)
        assert reader.info()["index"] == {"kind": kind, "state": "cannot be used, so search is exact; build it again"}
    assert walked == []
    assert "build it again" in caplog.text


def test_passages(tmp_path, kind, walked):
    """Three vectors an item: each item is found once, and as many as asked for."""
    letters = "abcdefghijklmnop"
    rng = np.random.default_rng(0)
    texts = [" ".join(words) for words in rng.choice([a + b for a in letters for b in letters], size=(2000, 9))]
    encoder = FunctionEncoder(lambda texts: [[text.count(c) + 0.1 for c in letters] for text in texts], dim=16)
    with Collection.create(tmp_path / "passages", Space(encoder), chunk="3/0") as collection:
        collection.add(texts)
        exact = collection.search(texts[:20], 10)
        assert collection.index(light(kind)).vectors == 6000
        walked.clear()
        hits = collection.search(texts[:20], 10)
        assert walked
        assert all(len(set(rows)) == 10 for rows in hits.rows.tolist())
        assert ((hits.scores >= exact.scores[:, -1:]).mean(axis=1) >= 0.9).mean() >= 0.9


def test_bad_input_gets_a_sentence(tmp_path, collection):
    with pytest.raises(DataError, match='"hnsw", "ivf" or None'):
        collection.index("flat")
    with pytest.raises(ShapeError, match="queries has 17 dimensions, wanted 16"):
        collection.index("ivf", queries=np.ones((2, D + 1)))
    with (
        Collection.create(tmp_path / "empty", collection.space) as empty,
        pytest.raises(DataError, match="no vectors to index"),
    ):
        empty.index("ivf")
    with (
        Collection.create(tmp_path / "other", Space(Precomputed(2, name="x"), similarity="manhattan")) as other,
        pytest.raises(DataError, match='got "manhattan"'),
    ):
        other.add([{"id": "a"}, {"id": "b"}], id="id", text=None, vectors=np.eye(2))
        other.index("hnsw")
