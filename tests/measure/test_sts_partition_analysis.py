import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from contracts.collect import case
from cosimo.encode import EnsembleEncoder, FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import STS, Spearman, compare, sts_by_partition
from cosimo.measure.datasets.overlap import dice, edit, jaccard, words_of
from cosimo.measure.studies.sts_partition_analysis import PartitionCell, PartitionReport
from cosimo.statistics import correlation_interval, holm
from cosimo.types import Estimate

ALPHABET = "abcdefgh"


def at_angles(of):
    """An encoder of texts by the angle of each, 0 for all others."""
    return FunctionEncoder(lambda texts: [[math.cos(of.get(text, 0.0)), math.sin(of.get(text, 0.0))] for text in texts])


def made(n=240, seed=0):
    """Pairs of `letters number`, scores of people, and two systems: each is good at one of two sources."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(0, 5, n)
    source = np.where(np.arange(n) % 2, "news", "chat")
    words = [" ".join(rng.permutation(list(ALPHABET))[: rng.integers(2, 6)]) for _ in range(2 * n)]
    a, b = (
        [f"{word} {side}{i}" for i, word in enumerate(words[start:stop])]
        for side, start, stop in (("x", 0, n), ("y", n, None))
    )
    angles = {}
    for name, good in (("a", "news"), ("b", "chat")):
        noise = rng.normal(size=n) * np.where(source == good, 0.3, 3)
        angles[name] = dict(zip(b, (5 - y + noise) * 0.1, strict=True))
    systems = {name: at_angles(of) for name, of in angles.items()}
    scores = {name: np.array([math.cos(of[text]) for text in b]) for name, of in angles.items()}
    return STS(a, b, y.tolist()), source.tolist(), systems, scores


TASK, SOURCE, SYSTEMS, _ = made(80)
EXAMPLES = [case(sts_by_partition, SYSTEMS, TASK, source=SOURCE, bins=2)]


def test_oracle_loop():
    task, source, systems, scores = made()
    y = np.array(task.scores)
    report = sts_by_partition(systems, task, source=source)
    overlaps = [dice(a, b) for a, b in zip(task.a, task.b, strict=True)]
    np.testing.assert_array_equal(report.covariate, overlaps)
    ends = sorted(overlaps)
    ends = [ends[math.ceil(len(ends) * k / 5) - 1] for k in range(1, 5)]
    bins = [sum(end < value for end in ends) for value in overlaps]
    cells = [range(len(y))]
    cells += [[i for i, name in enumerate(source) if name == wanted] for wanted in ("chat", "news")]
    cells += [[i for i, code in enumerate(bins) if code == wanted] for wanted in sorted(set(bins))]
    assert [cell.rows.tolist() for cell in report.cells] == [list(rows) for rows in cells]
    assert [cell.partition for cell in report.cells] == ["all", "source", "source", *["dice"] * (len(cells) - 3)]
    for cell in report.cells:
        assert cell.spread == pytest.approx(np.std([y[i] for i in cell.rows]))
        for name in systems:
            s = scores[name][cell.rows]
            assert cell.correlations[name].value == pytest.approx(spearmanr(s, y[cell.rows]).statistic, abs=2e-3)
            wanted = correlation_interval(s, y[cell.rows])
            assert cell.correlations[name].interval.low == pytest.approx(wanted.low, abs=5e-3)


@pytest.mark.slow
def test_comparisons_are_paired_and_adjusted_over_all_cells():
    task, source, systems, _ = made()
    report = sts_by_partition(systems, task, source=source, covariate=None)
    found = sts_by_partition({"b": systems["b"], "a": systems["a"]}, task, source=source, covariate=None)
    parts = report.cells[1:]
    raw = [cell.comparisons["a", "b"].p_value for cell in parts]
    np.testing.assert_allclose([cell.p_adjusted["a", "b"] for cell in parts], holm(raw))
    assert report.cells[0].p_adjusted == {}
    for cell, turned in zip(report.cells, found.cells, strict=True):
        assert cell.comparisons["a", "b"].difference == pytest.approx(-turned.comparisons["b", "a"].difference)
    y = np.array(task.scores)
    from cosimo.measure.tasks.pairing import score_pairs
    from cosimo.space import Space

    s = [score_pairs(Space(systems[name]), task.a, task.b)[parts[0].rows] for name in "ab"]
    wanted = compare(Spearman(), y[parts[0].rows], *s, unit="pair")
    assert parts[0].comparisons["a", "b"] == wanted


@pytest.mark.slow
def test_each_system_wins_where_it_is_good():
    task, source, systems, _ = made()
    both = EnsembleEncoder(list(systems.values()))
    report = sts_by_partition(systems | {"mean": both}, task, source=source, covariate=None)
    _, chat, news = report.cells
    assert news.correlations["a"].value > 0.9 > news.correlations["b"].value
    assert chat.correlations["b"].value > 0.9 > chat.correlations["a"].value
    assert news.p_adjusted["a", "b"] < 0.01 > chat.p_adjusted["a", "b"]
    assert (news.winner, chat.winner) == ("a", "b")
    for name, mean in report.means["source"].items():
        assert mean == pytest.approx((news.correlations[name].value + chat.correlations[name].value) / 2)
    assert set(news.comparisons) == {("a", "b"), ("a", "mean"), ("b", "mean")}


def test_cells_are_not_pooled():
    """One source scores high and low people's scores, so that all pairs together say the opposite of each part."""
    y = [1.0, 2, 3, 4, 5, 11, 12, 13, 14, 15]
    s = [-1.0, -2, -3, -4, -5, 5, 4, 3, 2, 1]
    texts = [f"text {i}" for i in range(10)]
    encoder = at_angles({text: 1.5 - 0.1 * value for text, value in zip(texts, s, strict=True)})
    task = STS([f"left {i}" for i in range(10)], texts, y)
    report = sts_by_partition({"one": encoder}, task, source=["low"] * 5 + ["high"] * 5, covariate=None)
    assert [round(cell.correlations["one"].value, 1) for cell in report.cells] == [0.5, -1.0, -1.0]
    assert report.means["source"]["one"] == pytest.approx(-1)


def test_sentences_in_several_pairs_are_clusters():
    task, _, systems, _ = made(60)
    shared = STS([task.a[i // 6] for i in range(60)], task.b, task.scores)
    alone = sts_by_partition(systems, task, covariate=None).cells[0]
    found = sts_by_partition(systems, shared, covariate=None).cells[0]
    assert alone.correlations["a"].interval.unit == "pair"
    assert found.correlations["a"].interval.unit == "cluster"


def test_bins_keep_equal_values_together():
    task, _, systems, _ = made(100)
    values = dict(zip(task.a, [0.0] * 50 + [1.0] * 30 + np.linspace(2, 3, 20).tolist(), strict=True))
    report = sts_by_partition(systems, task, covariate=lambda a, b: values[a], bins=4)
    assert [cell.name for cell in report.cells[1:]] == ["0.00 to 0.00", "1.00 to 1.00", "2.00 to 3.00"]
    assert [len(cell.rows) for cell in report.cells[1:]] == [50, 30, 20]
    assert report.cells[1].partition == "<lambda>"


def test_small_and_constant_cells_are_said_to_be_undefined():
    task, _, systems, _ = made(60)
    scores = [3.0] * 20 + list(task.scores[20:])
    source = ["flat"] * 20 + ["tiny"] * 2 + ["rest"] * 38
    report = sts_by_partition(systems, STS(task.a, task.b, scores), source=source, covariate=None)
    flat, tiny, rest = report.cells[1:]
    assert math.isnan(flat.correlations["a"].value)
    assert math.isnan(tiny.correlations["a"].value)
    assert flat.comparisons == {}
    assert flat.spread == 0
    assert report.means["source"]["a"] == rest.correlations["a"].value


def test_records_and_text():
    task, source, systems, _ = made(60)
    report = sts_by_partition(systems, task, source=source, covariate="edit", bins=2)
    rows = report.records()
    assert len(rows) == 2 * len(report.cells) == 10
    assert rows[2]["partition"] == "source"
    assert rows[2]["low"] < rows[2]["spearman"] < rows[2]["high"]
    lines = str(report).splitlines()
    assert lines[0].startswith("all: all (60 pairs)  a 0.")
    assert "a - b: p = " in lines[1]
    nothing = PartitionReport(("a",), (PartitionCell("all", "all", np.arange(2), 0.0, {"a": Estimate(math.nan)}),))
    assert math.isnan(nothing.records()[0]["low"])
    assert math.isnan(nothing.means["all"]["a"])


def test_bad_arguments():
    task, source, systems, _ = made(20)
    with pytest.raises(DataError, match="at least one system"):
        sts_by_partition({}, task)
    with pytest.raises(DataError, match="covariate is one of dice, jaccard, edit, or a function"):
        sts_by_partition(systems, task, covariate="cosine")
    with pytest.raises(DataError, match="two bins at least, got 1"):
        sts_by_partition(systems, task, bins=1)
    with pytest.raises(DataError, match="the covariate is nan for pair 0"):
        sts_by_partition(systems, task, covariate=lambda a, b: math.nan)
    with pytest.raises(ShapeError, match="each pair wants a source, got 3 for 20"):
        sts_by_partition(systems, task, source=source[:3])
    with pytest.raises(DataError, match="a task asks a Space or an Encoder, got str"):
        sts_by_partition({"minilm": "minilm"}, task)


def levenshtein(a, b):
    table = [list(range(len(b) + 1))]
    for i, x in enumerate(a):
        row = [i + 1]
        for j, y in enumerate(b):
            row.append(min(row[j] + 1, table[i][j + 1] + 1, table[i][j] + (x != y)))
        table.append(row)
    return table[-1][-1]


@pytest.mark.parametrize(
    ("a", "b"), [("kitten", "Sitting"), ("", "abc"), ("", ""), ("🎸 a", "a"), ("abcabc", "cabbac")]
)
def test_edit_oracle_loop(a, b):
    longest = max(len(a), len(b))
    assert edit(a, b) == pytest.approx(1 - levenshtein(a.lower(), b.lower()) / longest if longest else 1)
    assert edit(a, b) == edit(b, a)


def test_overlap_oracle_loop():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = (" ".join(rng.choice(list("ABCDab"), rng.integers(0, 6))) for _ in range(2))
        A, B = set(a.lower().split()), set(b.lower().split())
        assert words_of(a) == A
        assert dice(a, b) == (2 * len(A & B) / (len(A) + len(B)) if A or B else 1)
        assert jaccard(a, b) == (len(A & B) / len(A | B) if A or B else 1)
