"""Duplicates: exact copies, groups against networkx, who is kept, and memory."""

import tracemalloc

import networkx
import numpy as np
import pytest

from apply.rules import rule_of
from assembly.toys import toy_space
from cosimo import Space
from cosimo.apply import Texts, find_duplicates
from cosimo.apply.jobs import candidates
from cosimo.apply.jobs.duplicates import plain
from cosimo.encode import Precomputed
from cosimo.errors import DataError, Refused
from cosimo.files.records import read_records


def precomputed(d):
    return Space(Precomputed(d, name="points"))


def points(n, d=6, seed=0):
    """Clusters of vectors, so that some are close."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((n // 3 + 1, d))
    X = centres[rng.integers(0, len(centres), n)] + 0.15 * rng.standard_normal((n, d))
    return X.astype(np.float32)


@pytest.mark.parametrize(("n", "min_score", "k"), [(60, 0.97, 59), (60, 0.9, 59), (61, 0.99, 2), (2, -1.0, 5)])
def test_groups_equal_a_loop_and_networkx(n, min_score, k):
    X = points(n)
    texts = Texts([f"text {'x' * (i % 7)} {i:02}" for i in range(n)], vectors=X)
    found = find_duplicates(precomputed(6), texts, min_score=min_score, k=k)
    graph = networkx.Graph()
    graph.add_nodes_from(range(n))
    U = X.astype(np.float64) / np.linalg.norm(X.astype(np.float64), axis=1, keepdims=True)
    for i in range(n):
        others = sorted((j for j in range(n) if j != i), key=lambda j: -U[i] @ U[j])[:k]
        graph.add_edges_from((i, j) for j in others if U[i] @ U[j] >= min_score)
    wanted = sorted(sorted(group) for group in networkx.connected_components(graph) if len(group) > 1)
    assert [rows.tolist() for rows in found.groups] == wanted
    assert len(wanted) > 0
    for group in wanted:
        longest = max(group, key=lambda row: (len(texts.texts[row]), -row))
        assert set(found.kept[group].tolist()) == {longest}
    alone = set(range(n)) - {row for group in wanted for row in group}
    assert all(found.kept[row] == row for row in alone)
    assert found.rows.tolist() == sorted(alone | {int(found.kept[group[0]]) for group in wanted})


def test_exact_copies():
    texts = ["Rice  and\twater", "ＲＩＣＥ and water", "rice and water", "rice & water", "Straße", "STRASSE", ""]
    found = find_duplicates(toy_space(), texts, min_score=1.5)
    assert found.same.tolist() == [0, 0, 0, 3, 4, 4, 6]
    assert found.kept.tolist() == [0, 0, 0, 3, 4, 4, 6]
    assert found.copies == 3
    assert len(found.pairs) == 0


def test_copies_do_not_crowd_out_what_is_near():
    texts = ["late interaction retrieval"] * 30 + ["late interaction retrieval ranking"]
    found = find_duplicates(toy_space(), texts, min_score=0.8, k=1)
    assert [len(rows) for rows in found.groups] == [31]
    assert found.rows.tolist() == [30]
    assert len(found.pairs) == 1


def test_texts_without_words_are_no_duplicates():
    found = find_duplicates(toy_space(), ["", " \n", "rice", ""], min_score=0.5)
    assert found.groups == []
    assert found.rows.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("texts", [[], ["one"], ["", ""]])
def test_little_or_nothing(texts):
    found = find_duplicates(toy_space(), texts, min_score=0.5)
    assert (len(found), found.groups, len(found.pairs)) == (len(texts), [], 0)
    assert found.rows.tolist() == list(range(len(texts)))


def test_chains_connect():
    X = np.array([[np.cos(t), np.sin(t)] for t in (0.0, 0.2, 0.4, 2.0)], np.float32)
    found = find_duplicates(precomputed(2), Texts(list("abcd"), vectors=X), min_score=np.cos(0.21))
    assert [rows.tolist() for rows in found.groups] == [[0, 1, 2]]
    assert list(zip(found.pairs.a.tolist(), found.pairs.b.tolist(), strict=True)) == [(0, 1), (1, 2)]
    assert "Groups are chains" in found.promise


def test_a_rule_asks_and_only_accepted_pairs_connect(tmp_path):
    X = np.array([[np.cos(t), np.sin(t)] for t in (0.0, 0.1, 0.6, 0.9, 3.0)], np.float32)
    space = precomputed(2)
    texts = Texts(list("abcde"), ids=list("vwxyz"), vectors=X)
    found = find_duplicates(space, texts, rule=rule_of(space, 0.99, 0.8))
    assert [rows.tolist() for rows in found.groups] == [[0, 1]]
    assert found.write_asked(tmp_path / "ask.csv") == 3
    rows = [record.values for record in read_records(tmp_path / "ask.csv")]
    assert [(row["a_id"], row["b_id"]) for row in rows] == [("x", "y"), ("w", "x"), ("v", "x")]
    assert next((row["a"], row["b"], row["label"], row["reason"]) for row in rows) == (
        "c", "d", "", "the score decides neither way",
    )  # fmt: skip
    assert [float(row["score"]) for row in rows] == pytest.approx([np.cos(0.3), np.cos(0.5), np.cos(0.6)], abs=1e-6)
    assert all(row["probability"] for row in rows)


def test_pairs_to_label_share_no_item(tmp_path):
    found = find_duplicates(precomputed(6), Texts([f"t{i}" for i in range(60)], vectors=points(60)), min_score=0.5)
    n = found.write_to_label(tmp_path / "pairs.csv")
    rows = [record.values for record in read_records(tmp_path / "pairs.csv")]
    names = [row[side] for row in rows for side in ("a_id", "b_id")]
    assert len(rows) == n > 10
    assert len(set(names)) == len(names)
    assert {(row["label"], row["candidates"], row["items"], row["floor"]) for row in rows} == {
        ("", "the 10 nearest of each distinct text", "60", "0.5")
    }
    degree = np.bincount(np.concatenate([found.pairs.a, found.pairs.b]))
    for row in rows:
        a, b = int(row["a_id"]) - 1, int(row["b_id"]) - 1
        assert float(row["probability"]) == pytest.approx(1 / (degree[a] + degree[b] - 1))
    scores = [float(row["score"]) for row in rows]
    assert scores not in (sorted(scores), sorted(scores, reverse=True))
    other = tmp_path / "again.csv"
    found.write_to_label(other)
    assert other.read_bytes() == (tmp_path / "pairs.csv").read_bytes()
    found.write_to_label(other, seed=1)
    assert other.read_bytes() != (tmp_path / "pairs.csv").read_bytes()


def test_vectors_may_be_a_map_of_a_file(tmp_path):
    texts = ["late interaction", "late interaction models", "rice", "Rice", "cooking rice"]
    X = toy_space().encode(texts, out=tmp_path / "x.npy")
    assert isinstance(X, np.memmap)
    mapped = find_duplicates(toy_space(), Texts(texts, vectors=X), min_score=0.6)
    made = find_duplicates(toy_space(), texts, min_score=0.6)
    np.testing.assert_array_equal(mapped.kept, made.kept)
    np.testing.assert_array_equal(mapped.pairs.scores, made.pairs.scores)


def test_memory_is_that_of_blocks_and_neighbours(tmp_path, monkeypatch):
    """Vectors on disk: 4 times as many texts cost what they and their neighbours take, not 16 times as much."""
    monkeypatch.setattr(candidates, "ELEMENTS", 1 << 17)
    peaks = []
    for n in (2_000, 8_000):
        np.save(tmp_path / f"{n}.npy", points(n, 64))
        texts = Texts([f"{i}" for i in range(n)], vectors=np.load(tmp_path / f"{n}.npy", mmap_mode="r"))
        tracemalloc.start()
        find_duplicates(precomputed(64), texts, min_score=0.999, k=5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    all_pairs = 4 * 8_000**2
    assert peaks[1] < all_pairs / 8
    assert peaks[1] < 4 * peaks[0]


def test_plain_texts():
    assert plain("ﬁve\u00a0 №１") == "five no1"
    assert plain("\u1e9e") == plain("ss")
    assert plain(" \n") == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [({}, "one of the two"), ({"min_score": 0.9, "k": 0}, "k must be at least 1")],
)
def test_bad_settings(settings, message):
    with pytest.raises(DataError, match=message):
        find_duplicates(toy_space(), ["a", "b"], **settings)


class Sided:
    scale = "sided"

    def __init__(self):
        from cosimo.contracts import SimilarityTags

        self.tags = SimilarityTags(symmetric=False)

    def __call__(self, Q, K):
        return Q @ K.T

    def pairs(self, Q, K):
        return (Q * K).sum(axis=1)


def test_a_similarity_with_two_sides_is_refused():
    with pytest.raises(Refused, match="two scores"):
        find_duplicates(toy_space(similarity=Sided()), ["a", "b"], min_score=0.5)


@pytest.mark.data
@pytest.mark.slow
def test_titles_of_dblp_and_acm(data, minilm):
    """All pairs of 4,400 titles above a cut, as the whole matrix has them; most of the judged ones are matches."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(data / "entity_matching" / "dblp_acm.parquet").to_pylist()
    titles = sorted({row["left_title"] for row in table} | {row["right_title"] for row in table})
    space = Space.load(minilm)
    texts = Texts(titles, vectors=space.encode(titles))
    found = find_duplicates(space, texts, min_score=0.9, k=100)
    rows = np.unique(found.same)
    S = np.triu(space.similarity(texts.vectors[rows], texts.vectors[rows]), 1)
    clear = [{tuple(rows[pair]) for pair in np.argwhere(0.9 + edge <= S).tolist()} for edge in (1e-5, -1e-5)]
    pairs = set(zip(found.pairs.a.tolist(), found.pairs.b.tolist(), strict=True))
    assert clear[0] <= pairs <= clear[1]
    assert len(pairs) > 100
    truth = {frozenset((row["left_title"], row["right_title"])): row["label"] for row in table}
    labels = [truth[pair] for a, b in pairs if (pair := frozenset((titles[a], titles[b]))) in truth]
    assert np.mean(labels) > 0.5
