"""Rules about pairs of texts, made from labels and used by `Space.judge`."""

import numpy as np
import pytest

from assembly.classes import CLASSES, DIM, PROBES, encode, letters, space
from assembly.toys import toy_space
from cosimo import Labels, Rule, Space
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, GuaranteeVoid, NotEnoughLabels, Refused, ScaleMismatch


def pairs(n=1500, seed=0, base=0.4):
    """Pairs of texts that are each used once; some are of one class."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        same, kind = rng.uniform() < base, int(rng.integers(CLASSES))
        other = kind if same else (kind + int(rng.integers(1, CLASSES))) % CLASSES
        name = letters(seed * 100_000 + i)
        rows.append({"a": f"{letters(kind)} item {name}", "b": f"{letters(other)} piece {name}", "label": int(same)})
    return rows


@pytest.fixture(autouse=True)
def ledger(tmp_path, monkeypatch):
    """A data directory of its own for each test, so that none pays for the looks of another."""
    monkeypatch.setenv("COSIMO_HOME", str(tmp_path / "home"))


@pytest.fixture
def labels():
    return Labels(pairs(), sampled="natural")


def fresh(number=0):
    rows = pairs(3000, seed=77 + number)
    return [r["a"] for r in rows], [r["b"] for r in rows], np.array([r["label"] for r in rows], bool)


def test_judged_pairs_keep_the_promise(labels):
    made = space().calibrate(labels, precision=0.9)
    a, b, same = fresh()
    found = space().judge(a, b, decider=made)
    accepted = found.decision == 1
    assert accepted.sum() > 300
    assert same[accepted].mean() >= 0.9
    np.testing.assert_allclose(found.scores, space().similarity_pairwise(a, b))
    assert found.probability.shape == found.scores.shape
    assert len(found) == len(found.reasons)


def test_false_accepts_are_few(labels):
    made = space().calibrate(labels, false_accept=0.02)
    a, b, same = fresh()
    assert (space().judge(a, b, decider=made).decision == 1)[~same].mean() <= 0.02


def test_opposites_are_asked_about_with_the_reason(labels):
    made = space().calibrate(labels, precision=0.9)
    found = space().judge(["f turn on e"], ["f turn off e"], decider=made)
    assert found.decision.tolist() == [0]
    assert "on" in found.reasons[0]
    assert "off" in found.reasons[0]
    bare = space().calibrate(labels, precision=0.9, guard=False)
    assert space().judge(["f turn on e"], ["f turn off e"], decider=bare).decision.tolist() == [1]


def test_a_rule_with_a_guard_wants_texts(labels):
    made = space().calibrate(labels, precision=0.9)
    X = space().encode(["1 a 4"])
    with pytest.raises(DataError, match="two lists of texts"):
        space().judge(X, X, decider=made)


def test_a_rule_is_one_file(labels, tmp_path):
    made = space().calibrate(labels, precision=0.9)
    made.save(tmp_path / "same.json")
    again = Rule.load(tmp_path / "same.json")
    a, b, _ = fresh()
    np.testing.assert_array_equal(
        space().judge(a, b, decider=again).decision, space().judge(a, b, decider=made).decision
    )
    assert again.guarantee == made.guarantee


def test_a_space_keeps_its_decider(labels, tmp_path):
    decided = Space(space().encoder, decider=space().calibrate(labels, precision=0.9))
    decided.save(tmp_path / "space")
    again = Space.load(tmp_path / "space", encoder=space().encoder)
    a, b, _ = fresh()
    np.testing.assert_array_equal(again.judge(a, b).decision, decided.judge(a, b).decision)


def test_without_a_rule_there_is_no_judgement():
    with pytest.raises(DataError, match="judge wants a rule"):
        space().judge(["1 a 1"], ["1 b 1"])


def test_another_space_is_refused(labels):
    made = space().calibrate(labels, precision=0.9)
    with pytest.raises(GuaranteeVoid, match="space is"):
        toy_space().judge(["1 a 1"], ["1 b 1"], decider=made)


def test_another_scale_is_refused(labels):
    made = space().calibrate(labels, precision=0.9)
    with pytest.raises(ScaleMismatch, match=r"'cosine' and got 'dot'"):
        made.judge(np.array([0.5]), scale="dot", unit="pair")


def test_looks_are_counted_in_the_ledger_of_the_user(labels, tmp_path, monkeypatch):
    monkeypatch.setenv("COSIMO_HOME", str(tmp_path))
    looks = [space().calibrate(labels, precision=precision).guarantee.look for precision in (0.9, 0.85)]
    assert looks == [1, 2]
    assert (tmp_path / "data" / "ledger.jsonl").is_file()


def test_the_same_attempt_again_gives_the_same_rule_and_costs_nothing(labels, tmp_path, monkeypatch):
    monkeypatch.setenv("COSIMO_HOME", str(tmp_path))
    ledger = tmp_path / "data" / "ledger.jsonl"
    first, noted = space().calibrate(labels, precision=0.9), None
    for _ in range(3):
        again = space().calibrate(labels, precision=0.9)
        assert again.guarantee.look == first.guarantee.look == 1
        assert again.decider.threshold_ == first.decider.threshold_
        noted = noted or ledger.read_bytes()
    assert ledger.read_bytes() == noted
    assert space().calibrate(labels, precision=0.85).guarantee.look == 2
    assert space().calibrate(labels, precision=0.9).guarantee.look == 1


def test_a_refusal_again_is_the_same_refusal(tmp_path, monkeypatch):
    monkeypatch.setenv("COSIMO_HOME", str(tmp_path))
    few = Labels(pairs(60), sampled="natural")
    told = set()
    for _ in range(2):
        with pytest.raises(NotEnoughLabels) as refusal:
            space().calibrate(few, precision=0.99)
        told.add(str(refusal.value))
    assert len(told) == 1


def test_all_candidates_of_each_first_item_are_clusters():
    rows = pairs(1500)
    for i, row in enumerate(rows):
        row["a"] = rows[i - i % 3]["a"]
        row["label"] = int(row["a"].split()[0] == row["b"].split()[0])
    made = space().calibrate(Labels(rows, sampled="top-k"), precision=0.7, confidence=0.8)
    assert made.guarantee.unit == "cluster"
    assert "for new first items" in made.guarantee.population
    named = space().calibrate(Labels(rows, sampled="natural", clusters="a"), precision=0.7, confidence=0.8)
    assert named.guarantee.unit == "cluster"


def test_pairs_chained_from_side_to_side_are_thinned_out_too():
    rows = pairs(900)
    for i, row in enumerate(rows[1:], 1):
        row["a"] = rows[i - 1]["b"] if i % 2 else row["a"]
    with pytest.warns(UserWarning, match="450 of 900 pairs are used"), pytest.raises(NotEnoughLabels):
        space().calibrate(Labels(rows, sampled="natural"), precision=0.99)


def test_what_the_guard_stops_is_counted():
    rows = pairs()
    for row in rows[:200]:
        row["a"], row["b"] = f"{row['a']} on {row['a']}", f"{row['b']} off {row['b']}"
    made = space().calibrate(Labels(rows, sampled="natural"), precision=0.7)
    assert "200 of 1,500 can never be accepted" in made.guarantee.sampling


def test_how_candidates_were_found_is_part_of_a_rule():
    rows = [{**row, "candidates": "each text's 10 nearest", "items": 500} for row in pairs()]
    made = space().calibrate(Labels(rows, sampled="natural"), precision=0.9)
    assert (made.binds["candidates"], made.binds["items"]) == ("each text's 10 nearest", "500")
    assert len(space().judge(["a item b"], ["a piece b"], decider=made)) == 1


def test_a_python_encoder_is_known_by_what_it_does(labels):
    made = space().calibrate(labels, precision=0.9)
    double = Space(FunctionEncoder(lambda texts: 1 - encode(texts), name="classes", dim=DIM, probes=PROBES))
    with pytest.raises(GuaranteeVoid, match="space is"):
        double.judge(["a item b"], ["a piece b"], decider=made)


def test_a_look_is_never_earlier_than_the_ledger_says(labels, tmp_path, monkeypatch):
    monkeypatch.setenv("COSIMO_HOME", str(tmp_path))
    looks = [space().calibrate(labels, precision=0.9, look=look).guarantee.look for look in (2, 1, 7)]
    assert looks == [2, 2, 7]


def test_both_promises_are_said_and_kept(labels, tmp_path):
    made = space().calibrate(labels, precision=0.8, recall=0.8)
    assert [guarantee.estimand for guarantee in (made.guarantee, *made.beside)] == ["precision", "rejected matches"]
    made.save(tmp_path / "both.json")
    assert Rule.load(tmp_path / "both.json").beside == made.beside
    assert made.in_state("stale").beside[0].state == "stale"


def test_matches_and_non_matches_drawn_apart_tell_no_probability():
    made = space().calibrate(Labels(pairs(), sampled="balanced"), recall=0.9)
    assert space().judge(["a item b"], ["a piece b"], decider=made).probability is None


def test_items_of_many_pairs_on_both_sides_are_thinned_out():
    rows = pairs(3000)
    for i, row in enumerate(rows):
        row["a"], row["b"] = rows[i - i % 2]["a"], rows[i - (i + 1) % 2]["b"]
        row["label"] = int(row["a"].split()[0] == row["b"].split()[0])
    with pytest.warns(UserWarning, match="no two share an item"):
        made = space().calibrate(Labels(rows, sampled="natural"), precision=0.5)
    assert made.guarantee.n_units < 3000
    assert "that share no item" in made.guarantee.sampling


def test_balanced_labels_say_nothing_about_precision():
    balanced = Labels(pairs(), sampled="balanced")
    with pytest.raises(Refused, match="drawn apart"):
        space().calibrate(balanced, precision=0.9)
    assert space().calibrate(balanced, recall=0.9)


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ([{**row, "label": 1} for row in pairs(300)], Refused, "all 300 labels are 1"),
        ([{**row, "label": 0} for row in pairs(300)], Refused, "all 300 labels are 0"),
        (pairs(12), NotEnoughLabels, "labels are matches"),
        ([{**row, "b": row["b"] + " off e", "a": row["a"] + " on e"} for row in pairs(100)], Refused, "every one"),
    ],
)
def test_labels_that_carry_nothing(rows, error, words):
    with pytest.raises(error, match=words):
        space().calibrate(Labels(rows, sampled="natural", clusters=None), precision=0.9)


def test_groups_want_their_column():
    with pytest.raises(DataError, match="no column 'sort'"):
        space().calibrate(Labels(pairs(50), sampled="natural", by="sort"), precision=0.9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "not a rule written by cosimo"),
        ("no json", "not a rule"),
        ('{"format": 9}', "format 9; this version reads 1"),
    ],
)
def test_a_file_that_is_no_rule(tmp_path, text, words):
    (tmp_path / "rule.json").write_text(text)
    with pytest.raises(DataError, match=words):
        Rule.load(tmp_path / "rule.json")
