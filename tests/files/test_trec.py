import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosimo.errors import DataError, ShapeError
from cosimo.interchange import read_qrels, read_run, to_run, write_qrels, write_run
from cosimo.types import Hits, Item

WORDS = st.text(min_size=1).filter(lambda word: not any(c.isspace() or "\ud800" <= c <= "\udfff" for c in word))
SCORES = st.dictionaries(WORDS, st.floats(allow_nan=False, allow_infinity=False), min_size=1)
GRADES = st.dictionaries(WORDS, st.integers(-9, 9), min_size=1)


@given(run=st.dictionaries(WORDS, SCORES))
def test_a_run_comes_back_exactly(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("trec") / "run"
    assert write_run(run, path) == sum(map(len, run.values()))
    assert read_run(path) == run


@given(qrels=st.dictionaries(WORDS, GRADES))
def test_qrels_come_back_exactly(qrels, tmp_path_factory):
    path = tmp_path_factory.mktemp("trec") / "qrels"
    assert write_qrels(qrels, path) == sum(map(len, qrels.values()))
    assert read_qrels(path) == qrels


def test_pytrec_eval_reads_and_scores_them(tmp_path):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    run = {"q1": {"a": -0.25, "b": 0.5, "c": 0.125}, "q2": {"c": 1e-8, "a": 0.1}}
    qrels = {"q1": {"c": 1, "b": 0}, "q2": {"a": 2, "b": -1}}
    write_run(run, tmp_path / "run")
    write_qrels(qrels, tmp_path / "qrels")
    with (tmp_path / "run").open() as file:
        assert pytrec_eval.parse_run(file) == run
    with (tmp_path / "qrels").open() as file:
        assert pytrec_eval.parse_qrel(file) == qrels
    scored = pytrec_eval.RelevanceEvaluator(read_qrels(tmp_path / "qrels"), {"recip_rank"}).evaluate(run)
    assert [scored[query]["recip_rank"] for query in ("q1", "q2")] == [0.5, 1]


def test_a_run_is_ranked_by_score(tmp_path):
    write_run({"q": {"a": -1.0, "b": 2.0, "c": 0.0, "d": 0.0}}, tmp_path / "run", tag="mine")
    lines = (tmp_path / "run").read_text().splitlines()
    assert lines == ["q Q0 b 1 2.0 mine", "q Q0 c 2 0.0 mine", "q Q0 d 3 0.0 mine", "q Q0 a 4 -1.0 mine"]


def test_hits_become_a_run():
    items = {1: Item(1, "a"), 2: Item(2, "b")}
    hits = Hits(np.array([[2, 1], [1, -1]]), np.array([[0.5, -0.5], [0.25, -np.inf]]), "cosine", items=items)
    assert to_run(["q1", "q2"], hits) == {"q1": {"b": 0.5, "a": -0.5}, "q2": {"a": 0.25}}
    with pytest.raises(ShapeError, match="1 ids and the hits of 2 queries"):
        to_run(["q1"], hits)
    with pytest.raises(DataError, match="1 repeated"):
        to_run(["q1", "q1"], hits)


BAD = {
    "columns": ("read_qrels", "q 0 a 1\nq 0 b\n", "bad, line 2 has 3 columns, wanted the 4 of qrels"),
    "tabs and header": ("read_qrels", "query-id\tcorpus-id\tscore\n", "line 1 has 3 columns"),
    "grade": ("read_qrels", "q 0 a 1.5\n", "line 1: the relevance is '1.5', wanted a whole number"),
    "twice": ("read_qrels", "q 0 a 1\n\nq 0 a 0\n", "line 3: the item 'a' comes twice"),
    "run columns": ("read_run", "q Q0 a 1 0.5\n", "line 1 has 5 columns, wanted the 6 of a run"),
    "score": ("read_run", "q Q0 a 1 high x\n", "line 1: the score is 'high'"),
    "nan": ("read_run", "q Q0 a 1 nan x\n", "line 1: the score is 'nan', wanted a finite number"),
    "run twice": ("read_run", "q Q0 a 1 2 x\nq Q0 a 2 1 x\n", "line 2: the item 'a' comes twice"),
    "not text": ("read_run", b"q Q0 \xff 1 2 x\n", "line 1: byte 5"),
}


@pytest.mark.parametrize(("read", "text", "message"), BAD.values(), ids=BAD)
def test_bad_lines_are_named(read, text, message, tmp_path):
    (tmp_path / "bad").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as error:
        {"read_run": read_run, "read_qrels": read_qrels}[read](tmp_path / "bad")
    assert message in str(error.value)


def test_no_file_is_named(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_run(tmp_path / "nothing")


@pytest.mark.parametrize("run", [{"my query": {"a": 1.0}}, {"q": {"": 1.0}}, {"q": {"a\u00a0b": 1.0}}])
def test_blanks_cannot_be_written(run, tmp_path):
    with pytest.raises(DataError, match="separate columns by blanks"):
        write_run(run, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_scores_must_be_finite(tmp_path):
    with pytest.raises(DataError, match="'a' is inf"):
        write_run({"q": {"a": float("inf")}}, tmp_path / "run")
