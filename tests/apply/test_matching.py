"""Matching two lists: all accepted pairs, or one partner each, against brute force."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from apply.rules import rule_of
from assembly.toys import toy_space
from cosimo import Labels, Space
from cosimo.apply import Texts, match
from cosimo.apply.jobs.assignment import EPSILON
from cosimo.encode import Precomputed
from cosimo.errors import DataError
from cosimo.files.records import read_records


def sides(n=12, m=15, d=4, seed=0):
    rng = np.random.default_rng(seed)
    K = rng.standard_normal((m, d)).astype(np.float32)
    Q = (K[rng.integers(0, m, n)] + 0.4 * rng.standard_normal((n, d))).astype(np.float32)
    left = Texts([f"left {i}" for i in range(n)], [f"l{i}" for i in range(n)], Q)
    return Space(Precomputed(d, name="points")), left, Texts([f"right {j}" for j in range(m)], vectors=K)


def cosines(left, right):
    A, B = (np.asarray(side.vectors, np.float64) for side in (left, right))
    return (A / np.linalg.norm(A, axis=1, keepdims=True)) @ (B / np.linalg.norm(B, axis=1, keepdims=True)).T


@pytest.mark.parametrize(("k", "min_score"), [(1, 0.5), (3, 0.2), (15, -1.0)])
def test_all_matches_equal_a_loop(k, min_score):
    space, left, right = sides()
    S = cosines(left, right)
    wanted = [
        [i, int(j)] for i in range(len(left)) for j in np.argsort(-S[i])[:k] if S[i, j] >= min_score
    ]  # fmt: skip
    found = match(space, left, right, min_score=min_score, k=k)
    assert found.rows.tolist() == wanted
    assert len(found) == len(wanted)
    np.testing.assert_allclose(found.pairs.scores, [S[i, j] for i, j in wanted], atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_one_to_one_equals_the_dense_solver(seed):
    space, left, right = sides(seed=seed)
    found = match(space, left, right, min_score=0.1, k=15, one_to_one=True)
    S = cosines(left, right)
    low, high = S[S >= 0.1].min(), S[S >= 0.1].max()
    W = np.where(S >= 0.1, EPSILON + (S - low) / (high - low), 0)
    rows, columns = linear_sum_assignment(W, maximize=True)
    chosen = W[rows, columns] > 0
    assert found.rows.tolist() == np.stack([rows[chosen], columns[chosen]], axis=1).tolist()
    assert "one of its partners" in found.promise
    assert found.pairs.accepted.sum() > len(found)


def test_a_rule_asks(tmp_path):
    space, left, right = sides()
    rule = rule_of(space, 0.95, 0.8)
    found = match(space, left, right, rule=rule)
    S = cosines(left, right)
    assert [tuple(row) for row in found.rows] == [
        (i, j) for i in range(12) for j in np.argsort(-S[i]) if S[i, j] >= 0.95
    ]  # fmt: skip
    asked = found.write_asked(tmp_path / "ask.csv")
    assert asked == ((S >= 0.8) & (S < 0.95)).sum() > 0
    rows = [record.values for record in read_records(tmp_path / "ask.csv")]
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert all(row["a"].replace("left ", "l") == row["a_id"] for row in rows)


def test_pairs_to_label_are_one_an_item_on_the_left(tmp_path):
    space, left, right = sides()
    n = match(space, left, right, min_score=-1.0, k=15).write_to_label(tmp_path / "pairs.csv")
    rows = [record.values for record in read_records(tmp_path / "pairs.csv")]
    assert n == len(rows) == 12
    assert len({row["a_id"] for row in rows}) == n
    assert rows[0]["candidates"] == "the 15 nearest on the right of each text on the left"
    assert (rows[0]["items"], rows[0]["label"]) == ("15", "")
    assert "probability" not in rows[0]


def test_texts_are_encoded_where_there_are_no_vectors():
    found = match(toy_space(), ["late interaction", "", "cooking rice"], ["rice cooking", "late interaction", ""],
                  min_score=0.9)  # fmt: skip
    assert found.rows.tolist() == [[0, 1], [2, 0]]
    assert found.promise.startswith("No promise")


@pytest.mark.parametrize(("left", "right"), [([], []), (["a"], []), ([], ["a"]), (["a"], [""])])
def test_nothing_to_match(left, right):
    for one_to_one in (False, True):
        found = match(toy_space(), left, right, min_score=0.1, one_to_one=one_to_one)
        assert found.rows.shape == (0, 2)


def test_bad_settings():
    with pytest.raises(DataError, match="one of the two"):
        match(toy_space(), ["a"], ["b"])
    with pytest.raises(DataError, match="k must be at least 1"):
        match(toy_space(), ["a"], ["b"], min_score=0.5, k=0)


@pytest.mark.data
@pytest.mark.slow
def test_abt_and_buy(data, minilm):
    """Names of products: one partner each is right more often than all that pass the same cut, and loses little."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(data / "entity_matching" / "abt_buy.parquet").to_pylist()
    true = {(row["left_name"], row["right_name"]) for row in table if row["label"] == 1}
    left, right = (sorted({row[f"{side}_name"] for row in table}) for side in ("left", "right"))
    space = Space.load(minilm)
    shares = {}
    for one_to_one in (False, True):
        found = match(space, left, right, min_score=0.7, one_to_one=one_to_one)
        pairs = {(left[i], right[j]) for i, j in found.rows.tolist()}
        shares[one_to_one] = len(pairs & true) / len(pairs), len(pairs & true) / len(true)
    assert shares[True][0] > shares[False][0] + 0.2
    assert shares[True][1] > shares[False][1] - 0.15


@pytest.mark.data
@pytest.mark.slow
def test_a_rule_from_drawn_labels_keeps_its_promise_on_dblp_and_acm(data, minilm, tmp_path):
    """Labels of a sample; the truth is the precision of all that is accepted in the whole table."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(data / "entity_matching" / "dblp_acm.parquet").to_pylist()
    true = {(row["left_title"], row["right_title"]) for row in table if row["label"] == 1}
    left, right = (sorted({row[f"{side}_title"] for row in table}) for side in ("left", "right"))
    space = Space.load(minilm)
    sides = [Texts(texts, vectors=space.encode(texts)) for texts in (left, right)]
    candidates = match(space, *sides, min_score=0.7)
    candidates.write_to_label(tmp_path / "pairs.csv")
    rows = [record.values for record in read_records(tmp_path / "pairs.csv")]
    labels = [row | {"label": int((row["a"], row["b"]) in true)} for row in rows]
    rule = space.calibrate(Labels(labels, sampled="natural", clusters="a_id"), precision=0.8, look=1)
    found = match(space, *sides, rule=rule)
    right_ones = sum((left[i], right[j]) in true for i, j in found.rows.tolist())
    assert right_ones / len(found) >= 0.8
    assert right_ones > 0.9 * len(true)
