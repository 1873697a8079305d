"""What every task keeps: chance for a random encoder, the best value for an oracle, the same report again.

Each row of an answer is a system, each column a metric. Beside `EXAMPLES` a test file declares, for each of them, what
an encoder that knows the answers makes of any items (`ORACLES`, functions of a list of items) and what guessing gives
(`CHANCES`).
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from contracts.collect import Example, Kind, modules
from cosimo.contracts import Task
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure.tasks.task import LabelledTask, as_space

DIM = 24
GUESSES = 20


@cache
def guessing(seed: int) -> FunctionEncoder:
    """A random direction for each item, always the same one."""

    def encode(items: Sequence[Any]) -> np.ndarray:
        digests = [hashlib.sha256(f"{seed} {item}".encode()).digest() for item in items]
        rows = [np.random.default_rng(list(digest)).normal(size=DIM) for digest in digests]
        return np.array(rows, np.float32).reshape(-1, DIM)

    return FunctionEncoder(encode, name=f"guess-{seed}", dim=DIM)


def declared(example: Example, name: str) -> Any:
    """What the test file of an example says about it."""
    for module in modules():
        for value, told in zip(module.EXAMPLES, getattr(module, name, ()), strict=False):
            if value is example.value:
                return told
    raise LookupError(f"the test file of {example.id} declares no {name}")


def values(task: LabelledTask, system: FunctionEncoder) -> list[float]:
    """The metrics of a task, without their intervals, which take longer."""
    answers = task.answer(as_space(system), seed=0, progress=False)
    return [float(np.mean(metric(*answers.given[name]))) for name, metric in task.metrics.items()]


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    return ([guessing(seed) for seed in range(n)],)


def _answer(value: LabelledTask, systems: list[FunctionEncoder]) -> list[np.ndarray]:
    found = [values(value, system) for system in systems]
    return [np.array(found).reshape(len(systems), len(value.metrics))]


KIND = Kind("task", Task, inputs=_inputs, answer=_answer)


def test_guessing_scores_chance(task):
    found = np.array([values(task.value, guessing(seed))[0] for seed in range(100, 100 + GUESSES)])
    reach = 4 * found.std(ddof=1) / np.sqrt(GUESSES) + 0.01
    assert abs(found.mean() - declared(task, "CHANCES")) <= reach


def test_an_oracle_is_perfect(task):
    oracle = FunctionEncoder(declared(task, "ORACLES"), name="oracle")
    best = task.value.metrics[task.value.headline].tags.bounds[1]
    assert values(task.value, oracle)[0] == pytest.approx(best, abs=1e-6)


def test_quotes_a_number_of_which_more_is_better(task):
    assert task.value.metrics[task.value.headline].tags.higher_is_better


def test_report_says_what_it_is_about(task):
    system = guessing(0)
    report = task.value.run(system, seed=3)
    assert list(report.metrics) == list(task.value.metrics)
    assert report.n > 0
    assert report.seed == 3
    assert report.items == task.fresh().digest
    assert report.settings["task"] == task.value.name
    for name, found in report.metrics.items():
        low, high = task.value.metrics[name].tags.bounds
        assert low <= found.value <= high
        assert (found.per_item is None) == (name in report.answers)
        if found.interval is not None:
            assert low <= found.interval.low <= found.value <= found.interval.high <= high


def test_other_data_have_another_digest(task):
    from cosimo.measure import STS

    other = STS(["a", "b", "c"], ["d", "e", "f"], [1.0, 2.0, 3.0])
    assert task.value.digest != other.digest


def test_what_is_no_system_is_refused(task):
    with pytest.raises(DataError, match="Space or an Encoder"):
        task.value.run("minilm")
