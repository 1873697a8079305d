"""Reports as files: everything comes back, and what is no report is refused."""

import json

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure import STS, Triplets, compare, load_report, save_report
from cosimo.measure.results import kept
from cosimo.types import Report

PAIRS = STS([f"a{i}" for i in range(30)], [f"b{i}" for i in range(30)], [float(i % 7) for i in range(30)])
THREES = Triplets([f"a{i}" for i in range(30)], [f"p{i}" for i in range(30)], [f"n{i}" for i in range(30)])


def system(seed):
    def encode(texts):
        return [np.random.default_rng([seed, *text.encode()]).normal(size=3) for text in texts]

    return FunctionEncoder(encode, name=f"system {seed}")


@pytest.mark.parametrize("task", [PAIRS, THREES], ids=["of a set", "of items"])
def test_everything_comes_back(task, tmp_path):
    report = task.run(system(0))
    save_report(report, tmp_path / "report.json")
    again = load_report(tmp_path / "report.json")
    for field in ("n", "items", "seed", "passport", "settings", "warnings"):
        assert getattr(again, field) == getattr(report, field)
    for name, found in report.metrics.items():
        assert again.metrics[name].value == found.value
        assert again.metrics[name].interval == found.interval


@pytest.mark.parametrize("task", [PAIRS, THREES], ids=["of a set", "of items"])
def test_kept_reports_compare_as_fresh_answers_do(task, tmp_path):
    reports = [task.run(system(seed)) for seed in (0, 1)]
    name = task.headline
    for i, report in enumerate(reports):
        save_report(report, tmp_path / f"{i}.json")
    fresh, read = (
        [kept(report, name, task.metrics[name]) for report in found]
        for found in (reports, [load_report(tmp_path / f"{i}.json") for i in range(2)])
    )
    for found in (fresh, read):
        (metric, truth, a), (_, _, b) = found
        comparison = compare(metric, truth, a, b)
        values = [report.metrics[name].value for report in reports]
        assert comparison.difference == pytest.approx(values[0] - values[1])
    assert compare(*fresh[0], fresh[1][2]) == compare(*read[0], read[1][2])


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"format": 99}), '{"format": 1}'])
def test_what_is_no_report_is_refused(text, tmp_path):
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"other\.json holds no report written by cosimo"):
        load_report(file)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        load_report(tmp_path / "none.json")


def test_an_interrupted_write_leaves_the_old_report(tmp_path, monkeypatch):
    save_report(Report({}, 1, "a", 0, "p"), tmp_path / "r.json")
    monkeypatch.setattr("cosimo.measure.results.report_to_json", lambda report: {"format": object()})
    with pytest.raises(TypeError):
        save_report(Report({}, 2, "b", 0, "p"), tmp_path / "r.json")
    assert load_report(tmp_path / "r.json").items == "a"
