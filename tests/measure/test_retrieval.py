"""Retrieval: the numbers of pytrec_eval, blocks, documents that are the query, and what is refused."""

import numpy as np
import pytest
import pytrec_eval

from cosimo import Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.interchange import write_beir
from cosimo.measure import Retrieval
from cosimo.measure.tasks.retrieval import retrieval

N = 40
CORPUS = {f"d{i}": f"document {i}" for i in range(N)}
QUERIES = {f"q{i}": f"query {i}" for i in range(20)}
QRELS = {f"q{i}": {f"d{i}": 1} for i in range(20)}


def oracle(texts):
    """A query lies on its document."""
    numbers = [int(text.split()[1]) if text.split()[0] in ("document", "query") else N for text in texts]
    return np.eye(N + 1)[numbers]


EXAMPLES = [Retrieval(CORPUS, QUERIES, QRELS)]
ORACLES = [oracle]
CHANCES = [sum(1 / np.log2(place + 1) for place in range(1, 11)) / N]


def of_words(texts):
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(60, 8))
    return [directions[sum(map(ord, text)) % 60] for text in texts]


def test_oracle_pytrec_eval():
    graded = {query: {f"d{i}": (i * 7 + int(query[1:])) % 4 for i in range(N)} for query in QUERIES}
    task = Retrieval(CORPUS, QUERIES, graded, ties="trec")
    space = Space(FunctionEncoder(of_words))
    run, _ = task.search(space)
    report = task.run(space)
    theirs = pytrec_eval.RelevanceEvaluator(graded, {"ndcg_cut.10", "map", "recip_rank", "P.10"}).evaluate(run)
    names = {"ndcg@10": "ndcg_cut_10", "map": "map", "mrr": "recip_rank", "precision@10": "P_10"}
    for ours, name in names.items():
        wanted = [theirs[query][name] for query in graded]
        np.testing.assert_allclose(report.metrics[ours].per_item, wanted, atol=1e-9)


def test_blocks_change_nothing(monkeypatch):
    space = Space(FunctionEncoder(of_words))
    whole, _ = EXAMPLES[0].search(space)
    monkeypatch.setattr(retrieval, "BLOCK", 7)
    blocks, _ = EXAMPLES[0].search(space)
    assert whole == blocks


def test_the_query_is_no_document_where_it_is_said_so():
    corpus = {"q0": "query 0", **CORPUS}
    for drop in (True, False):
        task = Retrieval(corpus, QUERIES, QRELS, depth=5, drop_self=drop)
        run, _ = task.search(Space(FunctionEncoder(oracle)))
        assert ("q0" in run["q0"]) != drop
        assert len(run["q0"]) == 5


def test_a_corpus_may_be_gone_through_again_and_again():
    class Pairs:
        def __iter__(self):
            return iter(CORPUS.items())

    streamed = Retrieval(Pairs(), QUERIES, QRELS)
    assert streamed.digest == EXAMPLES[0].digest
    assert streamed.run(FunctionEncoder(oracle)).metrics["ndcg@10"].value == 1.0


def test_judged_documents_that_are_not_there_are_told():
    report = Retrieval(CORPUS, QUERIES, {"q0": {"d0": 1, "gone": 1}}).run(FunctionEncoder(oracle))
    assert report.warnings == ("1 judged documents are not in the corpus and count as not found",)
    assert report.metrics["recall@100"].value == 0.5


def test_a_query_that_a_run_lacks_counts_as_nothing():
    report = EXAMPLES[0].score({"q0": {"d0": 1.0}}, system="mine")
    assert report.metrics["mrr"].value == 1 / 20
    assert report.warnings == ("19 judged queries are not in the run and count as 0",)
    assert report.passport == "run mine"


def test_a_run_of_other_queries_is_refused():
    with pytest.raises(DataError, match="mine answers none of the 20 judged queries"):
        EXAMPLES[0].score({"other": {"d0": 1.0}}, system="mine")


def test_a_beir_folder(tmp_path):
    write_beir(tmp_path, [{"_id": i, "text": text} for i, text in CORPUS.items()], QUERIES, QRELS)
    task = Retrieval.read(tmp_path)
    assert task.run(FunctionEncoder(oracle)).metrics["ndcg@10"].value == 1.0
    assert task.digest == Retrieval(CORPUS, dict(list(QUERIES.items())), QRELS).digest


def test_three_tables():
    corpus = [{"doc_id": i, "text": text} for i, text in CORPUS.items()]
    queries = [{"query_id": i, "text": text} for i, text in QUERIES.items()]
    judged = [{"query_id": q, "doc_id": d, "gain": 2} for q, items in QRELS.items() for d in items]
    graded = Retrieval.read_tables(corpus, queries, judged, columns={"relevance": "gain"})
    assert graded.qrels["q3"] == {"d3": 2}
    assert Retrieval.read_tables(corpus, queries, judged).qrels["q3"] == {"d3": 1}


@pytest.mark.parametrize(
    ("queries", "qrels", "message"),
    [
        (QUERIES, {}, "no judgements"),
        (QUERIES, {"q0": {}}, "no judgements"),
        ({}, QRELS, "'q0' is judged and has no text"),
    ],
)
def test_bad_judgements_are_refused(queries, qrels, message):
    with pytest.raises(DataError, match=message):
        Retrieval(CORPUS, queries, qrels)


def test_an_empty_corpus_is_refused():
    with pytest.raises(DataError, match="corpus of retrieval is empty"):
        Retrieval({}, QUERIES, QRELS).run(FunctionEncoder(oracle))
