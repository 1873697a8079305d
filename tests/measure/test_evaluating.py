"""Evaluations: run once, kept, gone on with; two compared, many ranked; and what is refused."""

import numpy as np
import pytest

from contracts.collect import case
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure import STS, PairClassification, Triplets, evaluate, evaluate_runs
from cosimo.measure.evaluation_page import evaluation_page
from cosimo.rules.ledger import FileLedger
from cosimo.rules.of_pairs import ledger_path

N = 60


def system(noise, *, name, dim=12):
    """Texts that share a number are close, the closer the less noise."""

    def encode(texts):
        rows = []
        for text in texts:
            number = int("".join(c for c in text if c.isdigit()) or 0)
            own = np.random.default_rng(list(text.encode())).normal(size=dim)
            rows.append(np.random.default_rng(number).normal(size=dim) + noise * own)
        return rows

    return FunctionEncoder(encode, name=name, dim=dim)


GOOD, FAIR, BAD = system(0.3, name="good"), system(1.0, name="fair"), system(30.0, name="bad")


def triplets(name, start=0):
    numbers = range(start, start + N)
    sides = ([f"{kind} {i + shift}" for i in numbers] for kind, shift in (("a", 0), ("p", 0), ("n", 500)))
    return Triplets(*sides, name=name, family=name)


TASKS = [triplets("one"), triplets("two", 100), triplets("three", 200)]


EXAMPLES = [case(evaluate, GOOD, TASKS[:1])]


class TestRunning:
    def test_finished_tasks_are_not_run_again(self, tmp_path):
        calls = []

        def counted(texts):
            calls.append(len(texts))
            return GOOD.encode(texts)

        first = evaluate(FunctionEncoder(counted, name="good", dim=12), TASKS[:1], out=tmp_path)
        calls.clear()
        encoder = FunctionEncoder(counted, name="good", dim=12)
        again = evaluate(encoder, TASKS[:1], out=tmp_path)
        assert sum(calls) == 16  # the probes of the passport alone
        assert again.reports["good"]["one"].metrics["accuracy"].value == (
            first.reports["good"]["one"].metrics["accuracy"].value
        )

    def test_an_interrupted_run_goes_on(self, tmp_path):
        def breaking(texts):
            if any("200" in text for text in texts):
                raise KeyboardInterrupt
            return GOOD.encode(texts)

        with pytest.raises(KeyboardInterrupt):
            evaluate(FunctionEncoder(breaking, name="good", dim=12), TASKS, out=tmp_path)
        assert sorted(path.name for path in (tmp_path / "good").iterdir()) == ["one.json", "two.json"]
        assert len(evaluate(GOOD, TASKS, out=tmp_path).reports["good"]) == 3

    @pytest.mark.parametrize("what", ["another space", "other data", "another seed"])
    def test_a_result_of_something_else_is_refused(self, what, tmp_path):
        evaluate({"x": GOOD}, TASKS[:1], out=tmp_path)
        with pytest.raises(DataError, match=f"one.json holds a result of {what}"):
            evaluate(
                {"x": BAD if what == "another space" else GOOD},
                [triplets("one", 7) if what == "other data" else TASKS[0]],
                out=tmp_path,
                seed=1 if what == "another seed" else 0,
            )

    def test_tasks_need_names_of_their_own(self):
        with pytest.raises(DataError, match="got one twice"):
            evaluate(GOOD, [TASKS[0], TASKS[0]])
        with pytest.raises(DataError, match="got none"):
            evaluate(GOOD, [])

    def test_what_is_no_system(self):
        with pytest.raises(DataError, match="Space or an Encoder, got str"):
            evaluate({"x": "minilm"}, TASKS)

    def test_pairs_that_chose_a_space_are_noted(self):
        labels = [i % 2 for i in range(N)]
        pairs = PairClassification(
            [f"l {i}" for i in range(N)], [f"r {i + 500 * y}" for i, y in enumerate(labels)], labels
        )
        before = len(FileLedger(ledger_path()).ledger())
        evaluate(GOOD, [pairs])
        assert len(FileLedger(ledger_path()).ledger()) == before
        evaluate({"a": GOOD, "b": BAD}, [pairs])
        entry, units = FileLedger(ledger_path()).ledger()[-1]
        assert entry["purpose"] == "evaluate"
        assert len(units) == N


class TestComparing:
    def test_the_better_one_is_named(self):
        found = evaluate({"good": GOOD, "bad": BAD}, TASKS[:1]).compare()
        assert found.tasks[0].comparison.difference > 0.3
        assert found.these is None
        assert found.verdict.startswith("good is better than bad on one: +0.")
        assert found.to_json()["verdict"] == found.verdict
        turned = evaluate({"bad": BAD, "good": GOOD}, TASKS[:1]).compare()
        assert turned.verdict.startswith("good is better than bad on one: -0.")

    def test_equal_systems_cannot_be_told_apart(self):
        found = evaluate({"a": GOOD, "b": GOOD}, TASKS).compare()
        assert found.tasks[0].comparison.p_value == 1.0
        assert found.verdict == "a and b have the same value on every task"
        assert found.these is None

    def test_both_scopes_are_told(self):
        found = evaluate({"good": GOOD, "bad": BAD}, TASKS).compare()
        assert found.families == 3
        assert found.these.p_value < 0.001
        assert found.like_these.p_value == 0.25
        assert "on these tasks good is better than bad" in found.verdict
        assert "on tasks like these nothing can be shown by 3 families, whatever their outcome" in found.verdict

    def test_oracle_the_mean_over_tasks(self):
        found = evaluate({"good": GOOD, "fair": FAIR}, TASKS)
        apart = [
            found.reports["good"][task.name].metrics["accuracy"].per_item
            - found.reports["fair"][task.name].metrics["accuracy"].per_item
            for task in TASKS
        ]
        these = found.compare().these
        assert these.difference == pytest.approx(np.mean([values.mean() for values in apart]))
        error = np.sqrt(sum(values.var(ddof=1) / N for values in apart)) / 3
        assert these.interval.high - these.interval.low == pytest.approx(2 * 1.959964 * error)

    def test_systems_must_be_there(self):
        found = evaluate({"good": GOOD, "bad": BAD}, TASKS[:1])
        with pytest.raises(DataError, match="two of the systems good, bad"):
            found.compare("good", "worse")
        with pytest.raises(DataError, match="compare wants two"):
            evaluate(GOOD, TASKS[:1]).compare()

    def test_reports_about_other_data_are_not_compared(self):
        one, other = evaluate({"a": GOOD}, TASKS[:1]), evaluate({"b": GOOD}, [triplets("one", 7)])
        mixed = type(one)(one.tasks, {**one.reports, **other.reports})
        for compared in (mixed.compare, mixed.standings):
            with pytest.raises(DataError, match="about different data"):
                compared()


class TestStandings:
    def test_the_best_is_on_top(self):
        found = evaluate({"bad": BAD, "good": GOOD, "fair": FAIR}, TASKS).standings()
        assert found.systems[-1] == "bad"
        assert "good" in found.top
        assert "bad" not in found.top
        assert found.borda[-1] == 0.0
        assert found.means[0] == pytest.approx(found.values[0].mean())
        assert found.ranks.lowest[-1] == 3

    def test_equal_systems_share_all_ranks(self):
        found = evaluate({"a": GOOD, "b": GOOD, "c": GOOD}, TASKS).standings()
        assert found.top == ["a", "b", "c"]
        assert found.ranks.highest.tolist() == [3, 3, 3]
        assert found.borda.tolist() == [0.5, 0.5, 0.5]

    def test_one_system_has_no_rank(self):
        with pytest.raises(DataError, match="two systems at least, got good"):
            evaluate(GOOD, TASKS).standings()

    def test_metrics_of_sets_are_ranked_too(self):
        pairs = STS([f"a {i}" for i in range(N)], [f"b {i + i % 7}" for i in range(N)], [7.0 - i % 7 for i in range(N)])
        found = evaluate({"good": GOOD, "bad": BAD}, [pairs, TASKS[0]]).standings()
        assert found.systems[0] == "good"
        assert found.top == ["good"]


def test_two_runs():
    qrels = {f"q{i}": {f"d{i}": 1} for i in range(30)}
    runs = {
        "a": {q: {d: 1.0, "other": 0.5} for q, items in qrels.items() for d in items},
        "b": {q: {d: 0.1, "other": 0.5} for q, items in qrels.items() for d in items},
    }
    found = evaluate_runs(runs, qrels).compare()
    assert found.tasks[0].comparison.difference == pytest.approx(1 - 1 / np.log2(3))
    assert found.verdict.startswith("a is better than b on qrels")


def test_the_page_stands_alone_and_escapes():
    three = evaluate({"<good>": GOOD, "bad": BAD, "fair": FAIR}, TASKS)
    page = evaluation_page(three)
    names = ", ".join(name.replace("<", "&lt;").replace(">", "&gt;") for name in three.standings().top)
    assert (f"Best system: {names} (rank 1," in page) == (len(three.standings().top) == 1)
    assert (f"The best system is one of {names} (" in page) == (len(three.standings().top) > 1)
    assert "&lt;good&gt;" in page
    assert "<good>" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert page.count("<svg") == 3
    two = evaluation_page(evaluate({"good": GOOD, "bad": BAD}, TASKS))
    assert "good against bad" in two
