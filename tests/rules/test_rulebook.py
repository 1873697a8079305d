"""Labels, rules and judged hits of a collection, on items of known classes."""

import numpy as np
import pytest

from assembly.classes import CLASSES, space
from cosimo import Collection, Labels
from cosimo.decide import Audit
from cosimo.errors import DataError, GuaranteeVoid, NotEnoughLabels, Refused, ScaleMismatch
from cosimo.search import Lexical

ITEMS = [{"id": f"i{n}", "text": f"{n % CLASSES} item {n}", "kind": str(n % CLASSES)} for n in range(600)]
QUERIES = [{"query": f"{n % CLASSES} question {n}", "kind": str(n % CLASSES)} for n in range(900)]
NULLS = [{"query": f"{n} nothing {n * 4 + 3}", "label": 0} for n in range(200)]


@pytest.fixture
def collection(tmp_path):
    made = Collection.create(tmp_path / "things.cosimo", space(), fields={"kind": str})
    made.add(ITEMS, id="id")
    yield made
    made.close()


@pytest.fixture
def sheet(collection):
    return collection.sample_for_labels(QUERIES, 800, k=5, same="kind")


def truth(collection, k=5):
    """Scores and matches of all hits of all queries."""
    hits = collection.search([row["query"] for row in QUERIES], k, decider=None)
    same = [[hit["kind"] == row["kind"] for hit in found] for found, row in zip(hits, QUERIES, strict=True)]
    return hits.scores, np.array(same)


class TestSheet:
    def test_holds_hits_of_different_queries(self, collection, sheet):
        rows = list(sheet)
        assert len({row["query"] for row in rows}) == len(rows) == 800
        scores = {(row["query"], row["id"]): row["score"] for row in rows}
        for row in rows[:20]:
            found = {hit.id: hit.score for hit in collection.search(row["query"], 5)[0]}
            assert found[row["id"]] == pytest.approx(scores[row["query"], row["id"]], abs=1e-6)

    def test_labels_of_a_common_field_are_filled_in(self, sheet):
        kinds = {item["id"]: item["kind"] for item in ITEMS}
        assert all(row["label"] == (kinds[row["id"]] == row["query"].split()[0]) for row in sheet)
        assert 0 < sum(row["label"] for row in sheet) < len(sheet)

    def test_without_one_they_are_for_people_to_fill_in(self, collection, tmp_path):
        sheet = collection.sample_for_labels([row["query"] for row in QUERIES], 30, k=3)
        sheet.to_csv(tmp_path / "labels.csv")
        assert {row["label"] for row in sheet} == {""}
        with pytest.raises(DataError, match="holds no label"):
            collection.calibrate(tmp_path / "labels.csv", precision=0.9)

    def test_same_wants_a_declared_field(self, collection):
        with pytest.raises(DataError, match="no declared field of this collection; its fields are: kind"):
            collection.sample_for_labels(QUERIES, 30, same="sort")

    def test_same_wants_a_column_of_the_queries(self, collection):
        with pytest.raises(DataError, match="no column 'kind' to tell which items match"):
            collection.sample_for_labels([{"query": "1 x 1"}], 30, same="kind")

    def test_drawn_again_it_is_the_same(self, collection, sheet):
        again = collection.sample_for_labels(QUERIES, 800, k=5, same="kind")
        assert (again.name, again.records) == (sheet.name, sheet.records)


class TestPrecision:
    def test_the_rule_is_made_kept_and_used(self, collection, sheet, tmp_path):
        sheet.to_csv(tmp_path / "labels.csv")
        rule = collection.calibrate(tmp_path / "labels.csv", precision=0.9)
        hits = collection.search(QUERIES[7]["query"], 5)
        assert hits.decision.shape == hits.probability.shape == (1, 5)
        assert hits.matched.tolist() == [bool((hits.decision == 1).any())]
        assert [hit.decision for hit in hits[0]] == hits.decision[0].tolist()
        np.testing.assert_array_equal(hits.decision == 1, hits.scores >= rule.decider.threshold_)
        assert collection.rules()["search"].guarantee == rule.guarantee

    def test_what_it_promises_is_true_here(self, collection, sheet):
        rule = collection.calibrate(sheet.records, precision=0.9)
        scores, same = truth(collection)
        accepted = scores >= rule.decider.threshold_
        assert accepted.mean() > 0.2
        assert same[accepted].mean() >= 0.9

    def test_the_guarantee_says_what_it_is_tied_to(self, collection, sheet):
        guarantee = collection.calibrate(sheet.records, precision=0.9).guarantee
        said = str(guarantee)
        assert said.startswith("Guarantee: with probability at least 95 %")
        assert "one of its 5 best hits" in said
        assert "drawn at random by cosimo: one hit of each of 800 among 900 queries" in said
        assert guarantee.binds["candidates"] == "the 5 best hits"
        assert guarantee.binds["index"] == "exact"

    def test_it_survives_closing(self, collection, sheet):
        rule = collection.calibrate(sheet.records, precision=0.9)
        collection.close()
        with Collection.open(collection.path, space=space()) as again:
            assert again.rules()["search"].guarantee == rule.guarantee
            assert again.search(QUERIES[0]["query"], 5).decision is not None

    def test_strata_are_weighted(self, collection):
        sheet = collection.sample_for_labels(QUERIES, 700, k=5, same="kind", design="strata")
        rule = collection.calibrate(sheet.records, precision=0.85)
        scores, same = truth(collection)
        assert same[scores >= rule.decider.threshold_].mean() >= 0.85
        assert "unequal probabilities" in rule.guarantee.sampling

    def test_top_k_is_a_promise_about_queries(self, collection):
        hits = collection.search([row["query"] for row in QUERIES], 5)
        rows = [
            {"query": row["query"], "id": hit.id, "label": int(hit["kind"] == row["kind"])}
            for row, found in zip(QUERIES, hits, strict=True)
            for hit in found
        ]
        rule = collection.calibrate(Labels(rows, sampled="top-k"), precision=0.85, k=5)
        assert rule.guarantee.unit == "cluster"
        assert "random cluster" in rule.guarantee.statement

    def test_a_promise_a_group(self, collection, sheet):
        rule = collection.calibrate(Labels(sheet.records, by="kind"), precision=0.6, confidence=0.8)
        hits = collection.search([row["query"] for row in QUERIES[:40]], 5)
        assert "by" in rule.decider.needs
        assert set(hits.decision.ravel().tolist()) <= {0, 1}


class TestRecall:
    def test_below_its_cut_hits_are_rejected(self, collection, sheet):
        rule = collection.calibrate(sheet.records, recall=0.9)
        scores, same = truth(collection)
        assert (scores >= rule.decider.threshold_)[same].mean() >= 0.9
        hits = collection.search([row["query"] for row in QUERIES], 5)
        assert set(hits.decision.ravel().tolist()) == {-1, 1}

    def test_with_precision_there_is_room_for_asking(self, collection, sheet):
        rule = collection.calibrate(sheet.records, precision=0.9, recall=0.95)
        hits = collection.search([row["query"] for row in QUERIES], 5)
        assert set(hits.decision.ravel().tolist()) == {-1, 0, 1}
        assert rule.guarantee.kind == "confident"


class TestNoMatch:
    def test_queries_without_a_match_are_told(self, collection):
        rule = collection.calibrate(Labels(NULLS, sampled="natural"), false_accept=0.1)
        assert rule.unit == "query"
        hits = collection.search([row["query"] for row in QUERIES[:100:4]], 5)
        assert hits.decision is None
        assert hits.matched.mean() > 0.5
        others = [f"{n} nothing {n * 4 + 3}" for n in range(1000, 1300)]
        assert collection.search(others, 5).matched.mean() < 0.15

    def test_it_keeps_its_promise_as_the_collection_grows(self, collection):
        collection.calibrate(Labels(NULLS, sampled="natural"), false_accept=0.1)
        collection.add([{"id": f"n{n}", "text": f"{n} more {n}", "kind": "x"} for n in range(3000)], id="id")
        others = [f"{n} nothing {n * 4 + 3}" for n in range(1000, 1300)]
        assert collection.search(others, 5).matched.mean() < 0.15

    def test_beside_a_rule_for_hits(self, collection, sheet):
        collection.calibrate(sheet.records, precision=0.9)
        collection.calibrate(Labels(NULLS, sampled="natural"), false_accept=0.1)
        hits = collection.search(QUERIES[0]["query"], 5)
        assert hits.decision is not None
        assert hits.matched is not None


class TestRefusals:
    def test_too_few_labels(self, collection):
        sheet = collection.sample_for_labels(QUERIES, 40, k=5, same="kind")
        with pytest.raises(NotEnoughLabels) as refusal:
            collection.calibrate(sheet.records, precision=0.99)
        assert refusal.value.minimum > 40
        assert collection.rules() == {}
        entries = [entry for entry, _ in collection._store.shelf.ledger()]
        assert [entry["purpose"] for entry in entries] == ["label", "calibrate", "outcome"]
        assert entries[-1]["outcome"] == "refused"

    def test_every_attempt_is_a_look(self, collection, sheet):
        looks = [collection.calibrate(sheet.records, precision=p).guarantee.look for p in (0.9, 0.88)]
        assert looks == [1, 2]
        assert collection.calibrate(sheet.records, recall=0.9).guarantee.look == 1

    def test_balanced_labels_say_nothing_about_precision(self, collection, sheet):
        rows = [{name: row[name] for name in ("query", "id", "label")} for row in sheet]
        with pytest.raises(Refused, match="drawn apart"):
            collection.calibrate(Labels(rows, sampled="balanced"), precision=0.9, k=5)
        assert collection.calibrate(Labels(rows, sampled="balanced"), recall=0.9, k=5).guarantee

    def test_pairs_that_the_search_does_not_find(self, collection, sheet):
        rows = [{"query": row["query"], "id": "i0", "label": 1} for row in sheet]
        with pytest.raises(Refused, match="not among the 5 best hits"):
            collection.calibrate(Labels(rows, sampled="natural"), precision=0.9, k=5)

    def test_labels_that_were_used_to_tune(self, collection, sheet):
        collection.note_labels(Labels(sheet.records), "tune")
        with pytest.raises(Refused, match="used before to tune"):
            collection.calibrate(sheet.records, precision=0.9)

    def test_a_purpose_that_shapes_nothing(self, collection, sheet):
        with pytest.raises(DataError, match="train, tune, evaluate"):
            collection.note_labels(Labels(sheet.records), "calibrate")

    def test_a_sheet_of_another_collection(self, collection, sheet, tmp_path):
        with Collection.create(tmp_path / "other.cosimo", space(), fields={"kind": str}) as other:
            other.add(ITEMS, id="id")
            with pytest.raises(DataError, match="drawn from another collection"):
                other.calibrate(sheet.records, precision=0.9)

    @pytest.mark.parametrize(
        ("promise", "words"),
        [
            ({}, "wants a promise"),
            ({"precision": 1.0}, "precision must lie strictly between 0 and 1, got 1.0"),
            ({"precision": 0.9, "confidence": 95}, "confidence must lie strictly between 0 and 1, got 95"),
            ({"precision": 0.9, "false_accept": 0.1}, "promise of its own"),
        ],
    )
    def test_promises_that_are_none(self, collection, sheet, promise, words):
        with pytest.raises(DataError, match=words):
            collection.calibrate(sheet.records, **promise)


class TestSheetsAsDrawn:
    """What somebody did to a sheet after it was drawn shows."""

    @pytest.mark.parametrize(
        "spoilt",
        [
            lambda rows: [row for row in rows if row["label"] or int(row["id"][1:]) % 4 == 0],
            lambda rows: [*rows, *[row for row in rows if row["label"]][:50]],
            lambda rows: [*rows[:-1], {**rows[-1], "query": "3 something 3"}],
            lambda rows: sorted(rows, key=lambda row: -row["score"])[:300],
        ],
        ids=["rows left out", "rows repeated", "a row changed", "the best first"],
    )
    def test_rows_that_are_not_the_first_ones(self, collection, sheet, spoilt):
        with pytest.raises(Refused, match=r"not the first \d+ of the sheet as it was drawn"):
            collection.calibrate(spoilt(list(sheet)), precision=0.9)

    def test_the_order_of_all_rows_may_change(self, collection, sheet):
        rows = sorted(sheet, key=lambda row: row["score"])
        assert collection.calibrate(rows, precision=0.9)

    def test_probabilities_are_those_of_the_ledger(self, collection):
        sheet = collection.sample_for_labels(QUERIES, 700, k=5, same="kind", design="strata")
        cuts = [
            collection.calibrate([{**row, "probability": chance or row["probability"]} for row in sheet], recall=0.9)
            for chance in (None, 0.5)
        ]
        assert cuts[0].decider.guarantee.method == cuts[1].decider.guarantee.method

    def test_a_probability_written_into_a_random_sheet_weighs_nothing(self, collection, sheet):
        edited = [{**row, "probability": 0.5 if row["label"] else 0.01} for row in sheet]
        rules = [collection.calibrate(rows, recall=0.8) for rows in (sheet.records, edited)]
        assert all("order statistic" in rule.guarantee.method for rule in rules)

    def test_a_collection_that_changed_since(self, collection, sheet):
        collection.add([{"id": f"n{n}", "text": f"{n} more {n}", "kind": "x"} for n in range(100)], id="id")
        with pytest.raises(Refused, match="more than a tenth of the items"):
            collection.calibrate(sheet.records, precision=0.9)

    def test_items_that_were_replaced_since(self, collection, sheet):
        labelled = {row["id"] for row in sheet}
        some = [{**item, "kind": "new"} for item in ITEMS if item["id"] in labelled][:40]
        collection.add(some, id="id", on_conflict="replace")
        with pytest.raises(Refused, match="were replaced since"):
            collection.calibrate(sheet.records, recall=0.9)

    def test_a_rule_is_as_old_as_its_sheet(self, collection, sheet):
        collection.add([{"id": f"n{n}", "text": f"{n} far {n * 4 + 3}", "kind": "x"} for n in range(50)], id="id")
        collection.calibrate(sheet.records, recall=0.8)
        collection.add([{"id": f"m{n}", "text": f"{n} far {n * 4 + 3}", "kind": "x"} for n in range(20)], id="id")
        assert collection.rules()["search"].guarantee.state == "stale"


class TestForeignLabels:
    def hits_of(self, collection, k, only=None):
        hits = collection.search([row["query"] for row in QUERIES], k)
        return [
            {"query": row["query"], "id": hit.id, "label": int(hit["kind"] == row["kind"])}
            for row, found in zip(QUERIES, hits, strict=True)
            for hit in found[:only]
        ]

    def test_top_k_wants_all_of_them(self, collection):
        with pytest.raises(Refused, match="top-k means all of them"):
            collection.calibrate(Labels(self.hits_of(collection, 5, only=1), sampled="top-k"), precision=0.9, k=5)

    def test_best_hits_are_no_sample_of_five(self, collection):
        first = Labels(self.hits_of(collection, 5, only=1), sampled="natural")
        with pytest.raises(Refused, match="says nothing about the 5 best"):
            collection.calibrate(first, precision=0.9, k=5)
        assert collection.calibrate(first, precision=0.9, k=1)

    def test_recall_uses_one_pair_of_each_query(self, collection):
        two = [row for i, row in enumerate(self.hits_of(collection, 5)) if i % 5 in (1, 3)]
        rule = collection.calibrate(Labels(two, sampled="natural"), recall=0.8, k=5)
        assert rule.guarantee.unit == "pair"
        assert "one pair of each query is used" in rule.guarantee.sampling

    def test_groups_want_a_declared_field(self, collection, sheet):
        with pytest.raises(DataError, match="by='sort' is no declared field"):
            collection.calibrate(Labels(sheet.records, by="sort"), precision=0.9)

    def test_labels_of_hits_tell_nothing_about_queries_without_any(self, collection, sheet):
        with pytest.raises(DataError, match="labels of hits, not of queries"):
            collection.calibrate(Labels(sheet.records, sampled="natural"), false_accept=0.1)

    def test_a_query_asked_twice_is_one(self, collection):
        rule = collection.calibrate(Labels(NULLS * 3, sampled="natural"), false_accept=0.1)
        assert rule.guarantee.n_units == len(NULLS)


class TestFitting:
    """A rule speaks about the search it was made for, and is silent about others."""

    @pytest.fixture(autouse=True)
    def rule(self, collection, sheet):
        return collection.calibrate(sheet.records, precision=0.9)

    @pytest.mark.parametrize(
        ("search", "words"),
        [
            ({"k": 10}, "candidates is the 10 best hits here and was the 5 best hits"),
            ({"k": 5, "where": "kind == '3'"}, "filter is kind == '3' here and was none"),
            ({"k": 5, "stages": [Lexical()]}, "stages and fusion make other scores"),
            ({"k": 5, "hybrid": True}, "stages and fusion make other scores"),
            ({"k": 5, "min_score": 0.1}, "min_score leaves some of them out"),
        ],
    )
    def test_another_search(self, collection, search, words):
        with pytest.warns(UserWarning, match="without the decisions of the rule 'search'.*"):
            hits = collection.search("3 question 3", **search)
        assert hits.decision is None
        with pytest.raises(GuaranteeVoid, match=words):
            collection.search("3 question 3", **search, decider="search")
        assert collection.search("3 question 3", **search, decider=None).decision is None

    def test_an_index_is_another_path(self, collection):
        collection.index("ivf")
        with pytest.raises(GuaranteeVoid, match=r"index is ivf \(seed 0\) here and was exact"):
            collection.search("3 question 3", 5, decider="search")

    def test_a_tenth_more_items_make_it_stale(self, collection):
        collection.add([{"id": f"n{n}", "text": f"{n} more {n}", "kind": "x"} for n in range(60)], id="id")
        assert collection.search("3 question 3", 5, decider="search").decision is not None
        collection.add([{"id": "last", "text": "1 more 1", "kind": "x"}], id="id")
        assert collection.rules()["search"].guarantee.state == "stale"
        with pytest.raises(GuaranteeVoid, match="guarantee is stale"):
            collection.search("3 question 3", 5, decider="search")

    def test_a_tenth_fewer_items_make_it_stale(self, collection):
        collection.delete([f"i{n}" for n in range(61)])
        assert collection.info()["rules"] == {"search": "stale"}

    def test_a_rule_itself(self, collection, rule):
        by_name = collection.search("3 question 3", 5, decider="search")
        np.testing.assert_array_equal(collection.search("3 question 3", 5, decider=rule).decision, by_name.decision)

    def test_what_a_monitor_says_is_kept(self, collection):
        monitor = Audit(0.9)
        monitor.update(np.zeros(200, bool))
        collection.mark_rule("search", monitor.verdict)
        assert collection.info()["rules"] == {"search": "broken"}
        with pytest.raises(GuaranteeVoid, match="guarantee is broken"):
            collection.search("3 question 3", 5, decider="search")
        collection.mark_rule("search", "valid")
        assert collection.search("3 question 3", 5, decider="search").decision is not None
        with pytest.raises(DataError, match="no rule 'strict'"):
            collection.mark_rule("strict", "moved")

    def test_no_rule_of_that_name(self, collection):
        with pytest.raises(DataError, match=r"no rule 'strict' here \(rules: search\)"):
            collection.search("3 question 3", 5, decider="strict")

    def test_a_rule_that_was_forgotten(self, collection):
        assert collection.forget_rule("search")
        assert not collection.forget_rule("search")
        assert collection.search("3 question 3", 5).decision is None

    def test_pairs_are_another_unit(self, collection, rule):
        with pytest.raises(ScaleMismatch, match="judges a hit and was asked about a pair"):
            collection.space.judge(["1 a 1"], ["1 b 1"], decider=rule)
