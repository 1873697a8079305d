import numpy as np
import pytest

from cosimo import Labels
from cosimo.errors import DataError, Refused, StoreError
from cosimo.rules.ledger import FileLedger, next_look, note_use, refuse_used, sheet_entry


def pairs(n=3, start=0):
    rows = [{"a": f"a{i}", "b": f"b{i}", "label": i % 2} for i in range(start, start + n)]
    return Labels(rows, sampled="natural").read("a", "b")


@pytest.fixture
def ledger(tmp_path):
    return FileLedger(tmp_path / "deep" / "ledger.jsonl")


def tried(ledger, estimands, bound):
    note_use(ledger, pairs(), "calibrate", {"estimands": estimands, "bound": bound, "outcome": "refused"})


def test_empty_at_first(ledger):
    assert ledger.ledger() == []


def test_entries_come_back_with_their_units(ledger):
    note_use(ledger, pairs(), "tune", {"what": "k"})
    note_use(ledger, pairs(2, start=7), "calibrate", {})
    (first, units), (second, others) = ledger.ledger()
    assert (first["purpose"], first["n"], first["what"], second["purpose"]) == ("tune", 3, "k", "calibrate")
    np.testing.assert_array_equal(units, pairs().units)
    assert len(others) == 2


def test_attempts_at_a_promise_for_one_use_are_counted(ledger):
    tried(ledger, ["precision"], "here")
    tried(ledger, ["precision", "recall"], "here")
    tried(ledger, ["precision"], "there")
    fresh = pairs(3, start=100).units
    assert next_look(ledger, ("precision",), "here", fresh) == 3
    assert next_look(ledger, ("recall",), "here", fresh) == 2
    assert next_look(ledger, ("recall", "precision"), "here", fresh) == 3
    assert next_look(ledger, ("false_accept",), "here", fresh) == 1
    assert next_look(ledger, ("precision",), "there", fresh) == 2


def test_attempts_from_some_of_the_same_labels_are_counted_whatever_the_use(ledger):
    tried(ledger, ["precision"], "here")
    tried(ledger, ["precision"], "there")
    assert next_look(ledger, ("precision",), "elsewhere", pairs(3, start=2).units) == 3
    assert next_look(ledger, ("precision",), "elsewhere", pairs(3, start=3).units) == 1


@pytest.mark.parametrize("purpose", ["train", "tune", "evaluate"])
def test_labels_that_shaped_something_cannot_certify_it(ledger, purpose):
    note_use(ledger, pairs(), purpose, {})
    refuse_used(ledger, pairs(3, start=3))
    with pytest.raises(Refused, match=f"1 of the 3 labelled pairs .* used before to {purpose}"):
        refuse_used(ledger, pairs(3, start=2))


def test_labels_that_certified_may_certify_again(ledger):
    tried(ledger, ["precision"], "here")
    refuse_used(ledger, pairs())


def test_a_sheet_is_found_by_its_name(ledger):
    note_use(ledger, pairs(), "label", {"sheet": "abc", "k": 7})
    entry, units = sheet_entry(ledger, "abc", "labels.csv")
    assert entry["k"] == 7
    np.testing.assert_array_equal(units, pairs().units)
    with pytest.raises(DataError, match=r"labels\.csv was drawn from another collection"):
        sheet_entry(ledger, "xyz", "labels.csv")


def test_a_damaged_ledger_is_told_by_its_line(ledger):
    note_use(ledger, pairs(), "tune", {})
    with ledger.path.open("a") as file:
        file.write("{half\n")
    with pytest.raises(StoreError, match="line 2: the ledger is damaged"):
        ledger.ledger()
