"""kill -9 anywhere: what was acknowledged is there, the rest of it whole or absent by batch, and no answer is wrong."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from assembly.toys import toy_space
from cosimo import Collection
from cosimo.collection import intake
from cosimo.files import atomic
from cosimo.search.caches import vector_cache
from faults import victims
from faults.children import environment
from faults.oracle import correct
from faults.victims import outcomes, script

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="victims are forked")


class Killer:
    """Gives orders to the process that forks victims."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, victims.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )

    def order(self, folder: Path, seed: int, **where) -> dict:
        self.process.stdin.write(json.dumps({"folder": str(folder), "seed": seed, **where}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.communicate(timeout=60)


@pytest.fixture(scope="module")
def killer():
    killer = Killer()
    yield killer
    killer.close()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(intake, "BATCH", victims.BATCH)
    monkeypatch.setattr(vector_cache, "YOUNG_ROWS", victims.YOUNG_ROWS)


def expected(steps: list[victims.Step], done: int) -> tuple[list[victims.State], list[victims.State]]:
    """The states that may be found after `done` finished steps, and those that the exported file may show."""
    state, exported = None, [None]
    for step in steps[:done]:
        state = outcomes(state, step)[-1]
        exported = [state] if step.kind == "export" else exported
    if done == len(steps):
        return [state], exported
    return outcomes(state, steps[done]), exported + [state] * (steps[done].kind == "export")


def check(folder: Path, seed: int, done: int, monkeypatch) -> None:
    """Everything that must hold after a death."""
    allowed, exported = expected(script(seed), done)
    out = folder / "out.csv"
    if out.exists():
        with out.open(newline="") as file:
            rows = {row["id"] for row in csv.DictReader(file)}
        assert rows in [set(state or {}) for state in exported]
    else:
        assert None in exported
    path = folder / "c"
    if not path.exists():
        assert None in allowed
    else:
        with closing(Collection.open(path, space=toy_space(), mode="r")) as reader:
            live = {item.id: item.text for item in reader.scan()}
            assert live in allowed
            correct(reader, live)
        with closing(Collection.open(path, space=toy_space())) as collection:
            collection.check()
            correct(collection, live)
        nothing_is_left_behind(folder, live, monkeypatch)


def nothing_is_left_behind(folder: Path, live: dict[str, str], monkeypatch) -> None:
    """Once they are old, the traces of a death go with the next work on the same place."""
    monkeypatch.setattr(atomic, "ABANDONED_SECONDS", -1)
    atomic.beside(folder / "c")
    more = {f"more{i}": "blue river" for i in range(victims.YOUNG_ROWS + len(live))}
    with Collection.open(folder / "c", space=toy_space()) as collection:
        collection.add([{"id": name, "text": text} for name, text in more.items()], id="id")
        correct(collection, live | more)
        collection.export(folder / "out.csv")
        collection.index("hnsw")
        correct(collection, live | more)
    names = {file.name for file in (folder / "c").iterdir()}
    assert sorted(name.rpartition("-")[0] or name for name in names) == [
        "index-whole",
        "items.db",
        "space",
        "vectors-whole",
    ]
    assert {file.name for file in folder.iterdir()} <= {"c", "out.csv", "records.jsonl"}


def a_place(seen: dict[str, int], rng: random.Random) -> dict:
    """A line that is visited seldom is as likely as one in a loop."""
    place = rng.choice(sorted(seen))
    return {"place": place, "visit": rng.randint(1, seen[place])}


def complete(killer: Killer, folder: Path, seed: int, monkeypatch, **order) -> dict:
    """A run that nobody ends."""
    folder.mkdir()
    told = killer.order(folder, seed, **order)
    assert (told["code"], told["done"]) == (0, len(script(seed)))
    check(folder, seed, told["done"], monkeypatch)
    return told


def killed(killer: Killer, folder: Path, seed: int, monkeypatch, **where) -> None:
    folder.mkdir()
    told = killer.order(folder, seed, **where)
    assert told["code"] == -signal.SIGKILL or "delay" in where
    check(folder, seed, told["done"], monkeypatch)


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_two_of_ten_points(killer, tmp_path, seed, monkeypatch):
    seen = complete(killer, tmp_path / "whole", seed, monkeypatch)["seen"]
    rng = random.Random(seed)
    for point in range(2):
        killed(killer, tmp_path / f"killed{point}", seed, monkeypatch, **a_place(seen, rng))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_killed_at_ten_of_two_hundred_points(killer, tmp_path, seed, monkeypatch):
    """Seven at a chosen line or inside SQLite, three whenever it happens."""
    seen = complete(killer, tmp_path / "whole", seed, monkeypatch)["seen"]
    seconds = complete(killer, tmp_path / "timed", seed, monkeypatch, delay=60)["seconds"]
    rng = random.Random(seed)
    for point in range(7):
        killed(killer, tmp_path / f"place{point}", seed, monkeypatch, **a_place(seen, rng))
    for point in range(3):
        killed(killer, tmp_path / f"time{point}", seed, monkeypatch, delay=rng.uniform(0, seconds))


def test_the_check_notices_what_is_wrong(killer, tmp_path, monkeypatch):
    """A finished step that is not there, an item that came back, and a wrong vector do not pass."""
    done = complete(killer, tmp_path / "whole", 0, monkeypatch)["done"]
    with Collection.open(tmp_path / "whole" / "c", space=toy_space()) as collection:
        live = {item.id: item.text for item in collection.scan()}
        name = next(iter(live))
        for wrong in ({}, live | {"ghost": "blue"}, live | {name: "other"}):
            with pytest.raises(AssertionError):
                correct(collection, wrong)
    with pytest.raises(AssertionError):
        check(tmp_path / "whole", 0, done - 1, monkeypatch)
