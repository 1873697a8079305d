"""Analogies between systems: each rule in a loop, every assignment, ties that favour nobody, likelihood by length."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import AnalogyMapping, analogy_scores, lm_template
from cosimo.measure.tasks.words.scan_analogies import SMALL

MAPPINGS, PARTS = 5, 6
ROWS = [(f"source {i}", f"target {i}", f"a {i} {j}", f"b {i} {j}") for i in range(MAPPINGS) for j in range(PARTS)]
DIM = 1 + MAPPINGS * (PARTS + 1)


def oracle(texts):
    """A target lies where its source does, moved in a direction that all targets share."""
    axes, rows = np.eye(DIM), []
    for text in texts:
        found = re.fullmatch(r"(source|target|a|b) (\d+) ?(\d*)", text)
        side, i, j = found.groups() if found else ("a", 0, 0)
        rows.append(axes[int(i) * (PARTS + 1) + int(j or PARTS)] + axes[-1] * (side in ("target", "b")))
    return rows


EXAMPLES = [AnalogyMapping(*zip(*ROWS, strict=True), rule=rule) for rule in ("add", "mul", "difference")]
ORACLES = [oracle] * 3
CHANCES = [1 / len(ROWS)] * 3


def cosine(x, y):
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


RULES = {
    "add": lambda A, B, a, b: cosine(b, B - A + a),
    "mul": lambda A, B, a, b: (1 + cosine(b, B)) / 2 * (1 + cosine(b, a)) / 2 / ((1 + cosine(b, A)) / 2 + SMALL),
    "difference": lambda A, B, a, b: cosine(B - A, b - a),
}


@pytest.mark.parametrize("rule", RULES)
def test_oracle_loop(rule):
    rng = np.random.default_rng(0)
    example, asked, candidates = (rng.normal(size=(n, 5)) for n in (2, 3, 4))
    short = [X / np.linalg.norm(X, axis=1, keepdims=True) for X in (example, asked, candidates)]
    wanted = [[RULES[rule](*short[0], a, b) for b in short[2]] for a in short[1]]
    np.testing.assert_allclose(analogy_scores(example, asked, candidates, rule=rule), wanted)


def table(seed):
    rng = np.random.default_rng(seed)
    return {text: rng.normal(size=4) for text in itertools.chain(*ROWS)}


@pytest.mark.parametrize("rule", RULES)
def test_oracle_cloze_choice_and_every_assignment(rule):
    vectors = table(1)
    report = AnalogyMapping(*zip(*ROWS, strict=True), rule=rule).run(
        FunctionEncoder(lambda texts: np.array([vectors.get(text, np.ones(4)) for text in texts]))
    )
    X = {text: x / np.linalg.norm(x) for text, x in vectors.items()}
    places, choices, mapped = [], [], []
    for i in range(MAPPINGS):
        rows = ROWS[i * PARTS : (i + 1) * PARTS]
        example = (X[f"source {i}"], X[f"target {i}"])
        scores = [{b: RULES[rule](*example, X[a], X[b]) for *_, b in ROWS} for _, _, a, _ in rows]
        own = [b for *_, b in rows]
        places += [1 + sum(score > s[b] for score in s.values()) for s, b in zip(scores, own, strict=True)]
        choices += [max(own, key=s.__getitem__) == b for s, b in zip(scores, own, strict=True)]
        best = max(
            itertools.permutations(own),
            key=lambda order: sum(s[b] for s, b in zip(scores, order, strict=True)),
        )
        mapped += [found == b for found, b in zip(best, own, strict=True)]
    assert report.metrics["accuracy"].value == pytest.approx(np.mean(np.array(places) == 1))
    assert report.metrics["mrr"].value == pytest.approx(np.mean(1 / np.array(places)))
    np.testing.assert_array_equal(report.metrics["choice"].per_item, choices)
    np.testing.assert_array_equal(report.metrics["mapping"].per_item, mapped)
    assert report.n == len(ROWS)
    assert report.clusters.tolist() == np.repeat(np.arange(MAPPINGS), PARTS).tolist()


def test_a_constant_system_scores_chance():
    constant = FunctionEncoder(lambda texts: [[1.0, -1.0]] * len(texts))
    reports = [EXAMPLES[1].run(constant, seed=seed).metrics for seed in range(40)]
    assert reports[0]["accuracy"].value == pytest.approx(1 / len(ROWS))
    assert reports[0]["choice"].value == pytest.approx(1 / PARTS)
    assert np.mean([metrics["mapping"].value for metrics in reports]) == pytest.approx(1 / PARTS, abs=0.05)


def test_words_of_the_question_are_no_candidates():
    """The nearest to B - A + a is B, then a; the right answer comes third of four."""
    task = AnalogyMapping(["A"] * 4, ["B"] * 4, ["a", "w", "x", "y"], ["b", "B", "a", "z"])

    def scorer(example, asked, candidates):
        return np.tile([{"B": 3.0, "a": 2.0, "b": 1.0, "z": -1.0}[text] for text in candidates], (len(asked), 1))

    metrics = task.evaluate(scorer, name="fixed").metrics
    assert metrics["accuracy"].per_item[0] == metrics["choice"].per_item[0] == 1.0
    assert metrics["mrr"].per_item.tolist() == [1.0, 1.0, 1.0, 1 / 3]  # an answer always is one, here B


def test_an_answer_that_two_parts_share_is_right_for_both():
    task = AnalogyMapping(["A"] * 3, ["B"] * 3, ["x", "y", "z"], ["both", "both", "one"])

    def scorer(example, asked, candidates):
        right = dict(zip(task.a, task.b, strict=True))
        return np.array([[float(right[a] == b) for b in candidates] for a in asked])

    for seed in range(5):
        assert task.evaluate(scorer, name="right", seed=seed).metrics["mapping"].value == 1.0


class Letters:
    """A language model that pays a nat a letter, but none for letters that its favourite words have."""

    def __init__(self, *words):
        self.words, self.seen = words, []

    def loglik(self, texts):
        self.seen += texts
        for word in self.words:
            texts = [text.replace(word, "") for text in texts]
        return np.array([-float(len(text.replace(" ", ""))) for text in texts])


def test_lm_template_oracle():
    llm = Letters("electron", "nucleus")
    scorer = lm_template(llm, template="{source}:{target} as {a}: {b}!")
    found = scorer(("A", "B"), ["sun", "planet"], ["electron", "shell"])
    np.testing.assert_allclose(found, [[-1 / 8, -6 / 5]] * 2)
    assert llm.seen[:2] == ["A:B as sun: electron!", "A:B as sun: shell!"]
    assert llm.seen[4:] == ["A:B as sun:", "A:B as planet:"]
    tokens = lm_template(Letters(), template="{source}:{target} as {a}: {b}", length=lambda text: len(text.split()))
    np.testing.assert_allclose(tokens(("A", "B"), ["sun"], ["white dwarf", "x"]), [[-5.0, -1.0]])


def test_long_answers_lose_nothing_by_their_length():
    """Both cost a nat a letter; by the sum over letters the short one always wins."""
    task = AnalogyMapping(["A"] * 2, ["B"] * 2, ["x", "y"], ["q", "quite a long answer"])
    metrics = task.evaluate(lm_template(Letters(), template="{source} {target} {a} {b}"), name="letters").metrics
    assert metrics["choice"].per_item[1] == 1.0


def test_reports_of_scorers_are_of_the_same_items():
    report = EXAMPLES[0].evaluate(lambda example, asked, all_: np.zeros((len(asked), len(all_))), name="none", seed=2)
    assert (report.items, report.passport, report.settings["rule"], report.seed) == (
        EXAMPLES[0].digest,
        "none",
        "none",
        2,
    )
    assert EXAMPLES[0].digest == EXAMPLES[2].digest


def test_bad_scorers_are_refused():
    with pytest.raises(ShapeError, match=r"a scorer gives \(6, 30\) scores here, got \(30, 6\)"):
        EXAMPLES[0].evaluate(lambda example, asked, all_: np.zeros((30, 6)), name="turned")
    with pytest.raises(DataError, match="scores are NaN"):
        EXAMPLES[0].evaluate(lambda example, asked, all_: np.full((6, 30), np.nan), name="nan")


@pytest.mark.parametrize("template", ["{source} {target} {a}", "{b} is {source} {target} {a}", "{source} {a} {b}"])
def test_bad_templates_are_refused(template):
    with pytest.raises(DataError, match=r"a template has \{source\}, \{target\} and \{a\}, and \{b\} behind them"):
        lm_template(Letters(), template=template)


def test_bad_data_are_refused():
    with pytest.raises(ShapeError, match=r"equally long, got \[2, 1, 2, 2\]"):
        AnalogyMapping(["s", "s"], ["t"], ["a", "b"], ["c", "d"])
    with pytest.raises(DataError, match="1 different answers"):
        AnalogyMapping(["s"], ["t"], ["a"], ["b"])
    with pytest.raises(DataError, match="'add', 'mul' or 'difference', got 'plus'"):
        AnalogyMapping(*zip(*ROWS, strict=True), rule="plus")


FAR = Path(__file__).with_name("far_analogies.csv")


def test_the_far_analogies_are_fifteen_systems():
    task = AnalogyMapping.read(FAR, name="far", rule="mul")
    systems = set(zip(task.sources, task.targets, strict=True))
    assert len(systems) == 15
    assert all(6 <= list(zip(task.sources, task.targets, strict=True)).count(system) <= 8 for system in systems)
    assert (task.name, task.rule) == ("far", "mul")
    assert not any(a == b for a, b in zip(task.a, task.b, strict=True))
