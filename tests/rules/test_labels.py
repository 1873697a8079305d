import numpy as np
import pytest

from cosimo import Labels
from cosimo.errors import DataError, Refused
from cosimo.rules.labels import as_labels

PAIRS = [
    {"a": "x", "b": "y", "label": 1, "author": "p", "chance": 0.5},
    {"a": "x", "b": "z", "label": 0, "author": "q", "chance": 0.25},
]


def read(records, **about):
    return Labels(records, **({"sampled": "natural"} | about)).read("a", "b")


def with_labels(*labels):
    return [{"a": str(i), "b": "b", "label": label} for i, label in enumerate(labels)]


def test_columns_are_read():
    pairs = read(PAIRS, clusters="author", probability="chance", by="author")
    assert (pairs.a, pairs.b, pairs.clusters, pairs.groups) == (["x", "x"], ["y", "z"], ["p", "q"], ["p", "q"])
    assert pairs.y.tolist() == [True, False]
    assert pairs.probability.tolist() == [0.5, 0.25]


def test_columns_of_other_names(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("left,right,same\nu,v,yes\nu,w,0.0\n")
    pairs = Labels(path, a="left", b="right", y="same", sampled="top-k").read("a", "b")
    assert (pairs.a, pairs.b, pairs.y.tolist()) == (["u", "u"], ["v", "w"], [True, False])


def test_a_sheet_says_itself_how_it_was_drawn():
    rows = [{**row, "sheet": "abc", "probability": 0.1} for row in PAIRS]
    pairs = Labels(rows).read("a", "b")
    assert pairs.sheet == "abc"
    assert pairs.probability.tolist() == [0.1, 0.1]


def test_sheets_that_were_put_together_are_none():
    rows = [{**row, "sheet": name} for row, name in zip(PAIRS, "ab", strict=True)]
    with pytest.raises(DataError, match="rows of 2 sheets"):
        Labels(rows).read("a", "b")


def test_a_column_named_probability_counts_on_a_sheet_only():
    assert read([{**row, "probability": 0.9} for row in PAIRS]).probability is None


def test_without_a_word_on_sampling_refused():
    with pytest.raises(Refused, match="natural, top-k or balanced"):
        Labels(PAIRS).read("a", "b")


def test_rows_of_a_sheet_behind_the_last_label_are_left_out():
    rows = [{**row, "sheet": "s", "probability": 0.1} for row in with_labels("1", "0", "", " ", None)]
    assert len(Labels(rows).read("a", "b")) == 2


def test_a_file_of_another_origin_is_labelled_to_its_end():
    with pytest.raises(DataError, match="line 2: no label; only a sheet of cosimo label may end unlabelled"):
        read(with_labels("1", "0", ""))


@pytest.mark.parametrize(
    ("records", "about", "words"),
    [
        (with_labels("1", "", "0"), {}, "line 1: no label; only a sheet"),
        (with_labels("1", "maybe"), {}, r"line 1: the label is 'maybe', wanted 1"),
        (with_labels("1", 2), {}, "the label is 2"),
        (with_labels("", ""), {}, "holds no label"),
        (PAIRS, {"y": "same"}, "no column 'same'; the columns are 'a', 'b'"),
        (PAIRS, {"clusters": "session"}, "no column 'session'"),
        (PAIRS, {"sampled": "random"}, "one of natural, top-k, balanced, got 'random'"),
        ([{"a": "", "b": "y", "label": 1}], {}, "column 'a' is empty"),
        ([{**PAIRS[0], "chance": 0}], {"probability": "chance"}, "above 0 and at most 1, got 0"),
        ([{**PAIRS[0], "chance": "often"}], {"probability": "chance"}, "wants float, got 'often'"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(records, about, words):
    with pytest.raises(DataError, match=words):
        read(records, **about)


def test_units_know_a_pair_again():
    first, second = read(PAIRS), read(PAIRS[::-1])
    assert set(first.units.tolist()) == set(second.units.tolist())
    assert len(set(first.units.tolist())) == 2
    assert read([{"a": "xy", "b": "", "label": 1, "x": 1}, *PAIRS][1:]).units[0] == first.units[0]


def test_labels_about_queries_have_one_side():
    pairs = Labels([{"query": "q", "label": 0}], sampled="natural").read("query", None)
    assert (pairs.a, pairs.b) == (["q"], None)
    assert pairs.units.shape == (1,)


def test_some_pairs_of_all():
    pairs = read(PAIRS, clusters="author", probability="chance", by="author").take(np.array([1]))
    assert (pairs.a, pairs.b, pairs.clusters, pairs.groups) == (["x"], ["z"], ["q"], ["q"])
    assert (pairs.y.tolist(), pairs.probability.tolist()) == ([False], [0.25])


def test_what_is_no_description_is_a_source():
    described = Labels(PAIRS, sampled="natural")
    assert as_labels(described) is described
    assert as_labels("labels.csv") == Labels("labels.csv")
