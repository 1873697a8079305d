"""search and similar: what is found, how it is written, and what is refused."""

import json

import pytest

from cosimo.files.records import write_records
from serve.scene import one_sentence, save_space


def hits(outcome) -> list[list[str]]:
    assert outcome.code == 0, outcome.err
    return [[hit["id"] for hit in answer["hits"]] for answer in outcome.objects]


def test_lines_in_a_pipe(cosimo, collection):
    outcome = cosimo("search", collection, "cooking rice", "-k", 2)
    assert outcome.err == ""
    (first, second) = outcome.rows
    assert first[:2] == ["1", "1"]
    assert first[3:] == ["p3", "Cooking rice water and heat"]
    assert second[:2] == ["1", "2"]
    assert float(first[2]) > float(second[2])


def test_json(cosimo, collection):
    (answer,) = cosimo("search", collection, "שלום 🦊", "--json").objects
    assert (answer["id"], answer["query"], answer["scale"]) == ("1", "שלום 🦊", "cosine")
    best = answer["hits"][0]
    assert best["id"] == "p4"
    assert best["text"].startswith("שלום 🦊\n")
    assert best["payload"]["venue"] == "ACL"
    assert best["score"] == pytest.approx(max(hit["score"] for hit in answer["hits"]))


def test_controls_cannot_break_a_line_or_steer_a_terminal(cosimo, space, tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps({"text": "rice\x1b[2J\r\n\tend\x07"}))
    assert cosimo("build", path, "--space", space, "--into", tmp_path / "x.cosimo").code == 0
    assert cosimo("search", tmp_path / "x.cosimo", "rice").rows[0][4] == "rice [2J   end "


def test_several_queries(cosimo, collection):
    assert [found[0] for found in hits(cosimo("search", collection, "rice", "whitening", "--json"))] == ["p3", "p2"]


@pytest.mark.parametrize("name", ["q.txt", "q.csv", "q.jsonl", "q.parquet"])
def test_queries_from_a_file(cosimo, collection, tmp_path, name):
    path = tmp_path / name
    if name == "q.txt":
        path.write_text("rice\n\nwhitening\n")
    else:
        write_records([{"query_id": "a", "text": "rice"}, {"query_id": "b", "text": "whitening"}], path)
    outcome = cosimo("search", collection, "--queries", path, "--json")
    assert [found[0] for found in hits(outcome)] == ["p3", "p2"]
    assert [answer["id"] for answer in outcome.objects] == (["1", "2"] if name == "q.txt" else ["a", "b"])


def test_queries_from_standard_input(cosimo, collection):
    outcome = cosimo("search", collection, "--queries", "-", "--json", stdin="rice\nשלום\n".encode())
    assert [found[0] for found in hits(outcome)] == ["p3", "p4"]


def test_more_queries_than_a_block(cosimo, collection, monkeypatch):
    monkeypatch.setattr("cosimo.serve.cli.search.BLOCK", 2)
    outcome = cosimo("search", collection, "--queries", "-", "--json", stdin=b"rice\n" * 5)
    assert [answer["id"] for answer in outcome.objects] == ["1", "2", "3", "4", "5"]
    assert [found[0] for found in hits(outcome)] == ["p3"] * 5


def test_trec_run(cosimo, collection, tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"_id": "q1", "text": "rice"}\n{"_id": "q2", "text": "whitening"}\n')
    outcome = cosimo("search", collection, "--queries", path, "-k", 3, "--run", tmp_path / "run.trec")
    assert (outcome.code, outcome.out) == (0, "")
    run = [line.split() for line in (tmp_path / "run.trec").read_text().splitlines()]
    assert [row[0] for row in run] == ["q1"] * 3 + ["q2"] * 3
    assert [row[2] for row in run if row[3] == "1"] == ["p3", "p2"]
    assert all(row[1] == "Q0" and row[5] == "cosimo" for row in run)
    scores = [float(row[4]) for row in run[:3]]
    assert scores == sorted(scores, reverse=True)


def test_trec_run_can_be_scored(cosimo, collection, tmp_path):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    outcome = cosimo("search", collection, "rice", "whitening", "--run", tmp_path / "run.trec")
    assert outcome.code == 0
    with (tmp_path / "run.trec").open() as file:
        run = pytrec_eval.parse_run(file)
    scored = pytrec_eval.RelevanceEvaluator({"1": {"p3": 1}, "2": {"p1": 1}}, {"recip_rank"}).evaluate(run)
    assert scored["1"]["recip_rank"] == 1
    assert scored["2"]["recip_rank"] < 1


def test_trec_cannot_hold_blanks(cosimo, collection, tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": "my query", "text": "rice"}\n')
    outcome = cosimo("search", collection, "--queries", path, "--run", tmp_path / "run.trec")
    one_sentence(outcome, "'my query'", "--json")
    assert not (tmp_path / "run.trec").exists()


def test_filters(cosimo, collection):
    words = ("search", collection, "rice", "--json", "--where")
    assert set(hits(cosimo(*words, 'year >= 2020 and venue == "ACL"'))[0]) == {"p2", "p4"}
    assert hits(cosimo(*words, "year > 3000")) == [[]]


@pytest.mark.parametrize(
    "where", ["year >=", "nope == 1", 'year >= "2020"', "1=1; drop table items", "year >= 2020) or (1=1", ""]
)
def test_filters_that_do_not_parse(cosimo, collection, where):
    outcome = cosimo("search", collection, "rice", "--where", where)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("error: ")
    assert len(cosimo("export", collection).objects) == 4


@pytest.mark.parametrize(
    "query", ["AND", "c++", "don't", '"', "NOT OR (", "*", "שלום", "🦊", "", "a" * 5000, "title:rice"]
)
@pytest.mark.parametrize("how", [(), ("--lexical",), ("--hybrid",)], ids=["meaning", "words", "both"])
def test_any_query_is_only_text(cosimo, collection, query, how):
    outcome = cosimo("search", collection, query, "--json", *how)
    assert outcome.code == 0, outcome.err
    assert set(outcome.objects[0]["hits"][0] if outcome.objects[0]["hits"] else ["id"]) >= {"id"}


def test_lexical_and_hybrid_name_their_scale(cosimo, collection):
    (lexical,) = cosimo("search", collection, "whitening", "--lexical", "--json").objects
    assert [hit["id"] for hit in lexical["hits"]] == ["p2"]
    assert lexical["scale"] == "bm25"
    (hybrid,) = cosimo("search", collection, "whitening", "--hybrid", "--json").objects
    assert hybrid["hits"][0]["id"] == "p2"
    assert "bm25" in hybrid["scale"] and "cosine" in hybrid["scale"]


def test_lowest_score(cosimo, collection):
    (answer,) = cosimo("search", collection, "cooking rice", "--json").objects
    cut = answer["hits"][0]["score"] - 1e-6
    assert hits(cosimo("search", collection, "cooking rice", "--min-score", cut, "--json")) == [["p3"]]
    assert hits(cosimo("search", collection, "cooking rice", "--min-score", -1, "--json"))[0] != ["p3"]


def test_k(cosimo, collection):
    assert len(cosimo("search", collection, "rice", "-k", 1000).rows) == 4
    for k in (0, -1):
        one_sentence(cosimo("search", collection, "rice", "-k", k), "k must be at least 1")
    assert cosimo("search", collection, "rice", "-k", "many").code == 2


def test_wrong_usage(cosimo, collection):
    assert cosimo("search", collection).code == 2
    assert cosimo("search", collection, "rice", "--queries", "-").code == 2
    assert cosimo("search", collection, "rice", "--lexical", "--hybrid").code == 2
    assert cosimo("search", collection, "rice", "--no-such-flag").code == 2
    assert cosimo("serch", collection, "rice").code == 2


def test_queries_that_cannot_be_read(cosimo, collection, tmp_path):
    path = tmp_path / "q.csv"
    path.write_text("a,b\n1,2\n")
    one_sentence(cosimo("search", collection, "--queries", path), "q.csv, line 2", "'a', 'b'")
    path = tmp_path / "q.jsonl"
    path.write_text('{"text": 3}\n')
    one_sentence(cosimo("search", collection, "--queries", path), "'text' is int")
    one_sentence(cosimo("search", collection, "--queries", tmp_path / "none.txt"), "none.txt")
    one_sentence(cosimo("search", collection, "--queries", "-", stdin=b"\xff"), "not UTF-8")
    one_sentence(cosimo("search", collection, "--queries", "-"), "stdin is empty")
    one_sentence(cosimo("search", collection, "caf\udce9"), "not valid Unicode")


def test_a_collection_whose_model_changed_is_refused(cosimo, papers, tmp_path):
    model = save_space(tmp_path / "model", seed=0)
    target = tmp_path / "x.cosimo"
    assert cosimo("build", papers, "--text", "title", "--space", model, "--into", target).code == 0
    save_space(model, seed=1)
    refused = cosimo("search", target, "rice")
    assert refused.code == 3
    assert refused.out == ""
    assert refused.err.startswith("error: ")


def test_similar(cosimo, space):
    outcome = cosimo("similar", "cooking rice", "rice cooking", "--space", space)
    assert (outcome.code, outcome.out) == (0, "1.0000\n")
    (pair,) = cosimo("similar", "rice", "שלום", "--space", space, "--json").objects
    assert pair["scale"] == "cosine"
    assert pair["score"] < 0.9


def test_similar_pairs(cosimo, space, tmp_path, monkeypatch):
    monkeypatch.setattr("cosimo.serve.cli.similar.BLOCK", 2)
    path = tmp_path / "pairs.csv"
    write_records([{"left": "rice", "right": right} for right in ("rice", "heat", "rice rice")], path)
    outcome = cosimo("similar", "--pairs", path, "--a", "left", "--b", "right", "--space", space)
    assert [row[1:] for row in outcome.rows] == [["rice", "rice"], ["rice", "heat"], ["rice", "rice rice"]]
    scores = [float(row[0]) for row in outcome.rows]
    assert scores[0] == scores[2] == 1 > scores[1]
    one_sentence(cosimo("similar", "--pairs", path, "--space", space), "no column 'a'", "--a and --b")
    one_sentence(cosimo("similar", "--pairs", tmp_path / "none.csv", "--space", space), "none.csv")


def test_similar_wrong_usage(cosimo, space):
    assert cosimo("similar", "one", "--space", space).code == 2
    assert cosimo("similar", "one", "two", "--pairs", "x.csv", "--space", space).code == 2
    one_sentence(cosimo("similar", "one", "two", "--space", "no-such-model"), "no-such-model")
