"""label, calibrate, and what search and similar say once there is a rule."""

import csv
import io
import json

import pytest

from cosimo import Rule
from cosimo.files.records import write_records
from serve.scene import one_sentence, texts


@pytest.fixture
def pairs(tmp_path):
    rows, used = [], set()
    for (kind, a), (other, b) in zip(texts(4000, 2), texts(4000, 3), strict=True):
        if used.isdisjoint({a, b}):
            used |= {a, b}
            rows.append({"left": a, "right": b, "same": int(kind == other)})
    for i, (kind, text) in enumerate(texts(400, 4)):
        rows.append({"left": f"{text} {'? ' * i}", "right": f"{kind} {'? ' * i}", "same": 1})
    write_records(rows, tmp_path / "pairs.csv")
    return tmp_path / "pairs.csv"


class TestLabel:
    def test_a_sheet_goes_to_the_pipe(self, cosimo, things, questions):
        outcome = cosimo("label", things, questions, "-n", 20, "-k", 3)
        rows = list(csv.DictReader(io.StringIO(outcome.out)))
        assert outcome.code == 0
        assert len(rows) == 20
        assert list(rows[0]) == ["sheet", "query", "id", "score", "probability", "label", "text"]
        assert {row["label"] for row in rows} == {""}
        assert "20 hits of 20 queries" in outcome.err

    def test_texts_a_line(self, cosimo, things, tmp_path):
        (tmp_path / "queries.txt").write_text("rice rice\nwater water heat\n")
        outcome = cosimo("label", things, tmp_path / "queries.txt", "-n", 2)
        assert outcome.code == 0
        assert len(outcome.out.splitlines()) == 3

    def test_a_sheet_is_never_written_over(self, cosimo, things, questions, sheet):
        before = sheet.read_bytes()
        one_sentence(cosimo("label", things, questions, "--out", sheet), "exists already, and may hold labels")
        assert sheet.read_bytes() == before

    def test_a_field_that_is_none(self, cosimo, things, questions):
        one_sentence(cosimo("label", things, questions, "--same", "sort"), "no declared field")


class TestCalibrate:
    def test_the_promise_is_said_and_kept(self, cosimo, things, sheet):
        outcome = cosimo("calibrate", things, sheet, "--precision", 0.8)
        assert outcome.code == 0, outcome.err
        assert outcome.out.startswith("Guarantee: with probability at least 95 %")
        assert "at least 0.8 of the accepted pairs are matches" in outcome.out
        assert json.loads(cosimo("info", things, "--json").out)["rules"] == {"search": "valid"}

    def test_json(self, cosimo, things, sheet):
        outcome = cosimo("calibrate", things, sheet, "--precision", 0.8, "--json")
        assert [one["target"] for one in json.loads(outcome.out)["guarantees"]] == [0.8]

    def test_what_cannot_be_promised_is_refused_with_3(self, cosimo, things, sheet):
        outcome = cosimo("calibrate", things, sheet, "--precision", 0.999)
        assert outcome.code == 3
        assert outcome.out == ""
        assert outcome.err.startswith("error: ")
        assert outcome.err.count("\n") == 1
        assert "0.999" in outcome.err

    def test_without_a_word_on_sampling_refused_with_3(self, cosimo, things, sheet, tmp_path):
        rows = [
            {name: row[name] for name in ("query", "id", "label")}
            for row in csv.DictReader(sheet.read_text().splitlines())
        ]
        write_records(rows, tmp_path / "foreign.csv")
        outcome = cosimo("calibrate", things, tmp_path / "foreign.csv", "--precision", 0.8)
        assert outcome.code == 3
        assert "--sampled" in outcome.err
        assert cosimo(
            "calibrate", things, tmp_path / "foreign.csv", "--precision", 0.8, "--sampled", "natural", "-k", 3
        ).code == 0  # fmt: skip

    @pytest.mark.parametrize(
        ("words", "said"),
        [((), "wants a promise"), (("--precision", 1.5), "strictly between 0 and 1, got 1.5")],
    )
    def test_promises_that_are_none(self, cosimo, things, sheet, words, said):
        one_sentence(cosimo("calibrate", things, sheet, *words), said)

    def test_labels_that_are_none(self, cosimo, things, tmp_path):
        (tmp_path / "labels.csv").write_text("query,id,label\nrice,i0,perhaps\n")
        outcome = cosimo("calibrate", things, tmp_path / "labels.csv", "--sampled", "natural", "--precision", 0.9)
        one_sentence(outcome, "labels.csv, line 2: the label is 'perhaps'")

    def test_a_rule_for_nowhere(self, cosimo, things, sheet, tmp_path):
        outcome = cosimo("calibrate", things, sheet, "--precision", 0.8, "--save", tmp_path / "nowhere" / "x.json")
        one_sentence(outcome, "there is no such folder")
        assert json.loads(cosimo("info", things, "--json").out)["rules"] == {}

    @pytest.mark.parametrize("words", [("labels.csv",), ("a", "b", "c"), ("--space", "minilm", "pairs.csv")])
    def test_wrong_usage(self, cosimo, words):
        assert cosimo("calibrate", *words, "--precision", 0.9).code == 2


class TestSearch:
    def test_hits_are_judged(self, cosimo, things, sheet):
        cosimo("calibrate", things, sheet, "--precision", 0.8)
        rows = cosimo("search", things, "rice rice", "-k", 3).rows
        assert {row[3] for row in rows} <= {"accept", "ask"}
        assert all(0 <= float(row[4]) <= 1 for row in rows)
        (answer,) = cosimo("search", things, "rice rice", "-k", 3, "--json").objects
        assert answer["matched"] is True
        assert [hit["decision"] for hit in answer["hits"]] == [row[3] for row in rows]

    def test_another_k_goes_unjudged_and_says_why(self, cosimo, things, sheet):
        cosimo("calibrate", things, sheet, "--precision", 0.8)
        outcome = cosimo("search", things, "rice rice", "-k", 4)
        assert len(outcome.rows[0]) == 5
        assert "warning: hits come without the decisions of the rule 'search'" in outcome.err
        assert cosimo("search", things, "rice rice", "-k", 4, "--with", "search").code == 3
        assert cosimo("search", things, "rice rice", "-k", 4, "--with", "none").err == ""

    def test_queries_without_a_match(self, cosimo, things, tmp_path):
        rows = [{"query": f"{'? ' * i}?", "label": 0} for i in range(150)]
        write_records(rows, tmp_path / "nulls.csv")
        made = cosimo("calibrate", things, tmp_path / "nulls.csv", "--sampled", "natural", "--false-accept", 0.1)
        assert made.code == 0, made.err
        assert "no match are told that there is one" in made.out
        (answer,) = cosimo("search", things, "rice rice", "--json").objects
        assert answer["matched"] is True


class TestSimilar:
    @pytest.fixture
    def rule(self, cosimo, pairs, space, tmp_path):
        outcome = cosimo(
            "calibrate", "--space", space, pairs, "--a", "left", "--b", "right", "--label", "same",
            "--sampled", "natural", "--precision", 0.8, "--save", tmp_path / "same.json",
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
        return tmp_path / "same.json"

    def test_a_pair_is_judged_and_outside_the_promise(self, cosimo, rule, space):
        outcome = cosimo("similar", "rice rice", "rice", "--space", space, "--with", rule)
        ((_, decision, probability, a, b, reason),) = outcome.rows
        assert decision == "accept"
        assert 0 <= float(probability) <= 1
        assert (a, b, reason) == ("rice rice", "rice", "")
        assert "outside what the rule promises" in outcome.err

    def test_pairs_of_a_file(self, cosimo, rule, space, pairs):
        outcome = cosimo(
            "similar", "--pairs", pairs, "--a", "left", "--b", "right", "--space", space, "--with", rule, "--json"
        )
        assert {row["decision"] for row in outcome.objects} == {"accept", "ask"}
        assert outcome.err == ""

    def test_opposites_are_asked_about(self, cosimo, rule, space):
        (row,) = cosimo("similar", "rice on", "rice off", "--space", space, "--with", rule, "--json").objects
        assert row["decision"] == "ask"
        assert "off" in row["reason"]

    def test_another_space_is_refused_with_3(self, cosimo, rule, other_space):
        outcome = cosimo("similar", "rice", "water", "--space", other_space, "--with", rule)
        assert outcome.code == 3
        assert "space is" in outcome.err

    def test_a_rule_of_hits_is_refused_with_3(self, cosimo, things, sheet, space, tmp_path):
        cosimo("calibrate", things, sheet, "--precision", 0.8, "--save", tmp_path / "hits.json")
        assert Rule.load(tmp_path / "hits.json").unit == "hit"
        outcome = cosimo("similar", "rice", "water", "--space", space, "--with", tmp_path / "hits.json")
        assert outcome.code == 3
        assert "judges a hit and was asked about a pair" in outcome.err


def test_similar_explains_a_score_by_pairs_of_words(cosimo, space):
    told = cosimo("similar", "late rice", "cooking rice", "--space", space, "--explain")
    assert told.rows[0][1:] == ["rice", "rice"]
    assert len(told.rows) == 4
    assert "the weights add up to the score but for" in told.err
    found = cosimo("similar", "late rice", "cooking rice", "--space", space, "--explain", "--json").objects[0]
    rest = found["score"] - sum(word["weight"] for word in found["words"])
    assert abs(rest) == pytest.approx(found["unexplained"], abs=1e-5)
    assert cosimo("similar", "--pairs", "x.csv", "--explain", "--space", space).code == 2
