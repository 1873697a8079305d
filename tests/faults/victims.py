"""A process that changes a collection by a script made from a seed, and dies where it is told.

It starts once and forks a victim for each order it reads, so that a death costs milliseconds. A victim tells how many
steps of its script it has finished, and dies by SIGKILL: at the n-th visit of one line of cosimo's sources, between two
instructions of SQLite, or after a delay.
"""

import json
import os
import random
import select
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cosimo
from assembly.toys import toy_space
from cosimo import Collection, Space
from cosimo.collection import intake
from cosimo.search.caches import vector_cache
from cosimo.search.stores import connections
from cosimo.serve.cli.build import Build

SOURCES = str(Path(cosimo.__file__).parent)
WORDS = (
    "red",
    "green",
    "blue",
    "apple",
    "pear",
    "rice",
    "water",
    "tea",
    "river",
    "stone",
    "bird",
    "rain",
    "wind",
    "snow",
)
BATCH = 4
YOUNG_ROWS = 6
INSTRUCTIONS = 200
"""Of SQLite, between two points where a victim may die in it."""

State = dict[str, str] | None
"""Text by id, None while there is no collection."""


@dataclass(frozen=True)
class Step:
    """One call: what it is, the records it brings, the ids it deletes."""

    kind: str
    records: tuple[tuple[str, str], ...] = ()
    ids: tuple[str, ...] = ()


def script(seed: int, *, steps: int = 14) -> list[Step]:
    """A build, then changes of all kinds in random order."""
    rng = random.Random(seed)
    fresh = iter(range(10_000))

    def records(n: int, old: int = 0) -> tuple[tuple[str, str], ...]:
        last = next(fresh)
        names = {f"i{next(fresh)}" for _ in range(n)} | {f"i{rng.randrange(last + 1)}" for _ in range(old)}
        return tuple((name, " ".join(rng.choices(WORDS, k=4))) for name in sorted(names))

    made = [Step("build", records(9))]
    kinds = ["add", "add", "upsert", "update", "delete", "delete", "compact", "index", "search", "reopen", "export"]
    for kind in rng.choices(kinds, k=steps):
        ids = tuple(f"i{rng.randrange(80)}" for _ in range(8)) if kind == "delete" else ()
        made.append(Step(kind, records(rng.randrange(1, 12), 6 if kind in ("upsert", "update") else 0), ids))
    return made


def outcomes(state: State, step: Step) -> list[State]:
    """What may be found when a step is cut short, the last one when it was finished: each batch is whole or absent."""
    if step.kind == "build":
        return [None, dict(step.records)]
    found = [state]
    if step.kind in ("add", "upsert", "update"):
        for start in range(0, len(step.records), BATCH):
            found.append({**found[-1], **dict(step.records[start : start + BATCH])})
    if step.kind == "delete":
        found.append({name: text for name, text in state.items() if name not in step.ids})
    return found


def faster() -> None:
    """Small batches and short-lived caches, so that a short script meets everything."""
    intake.BATCH = BATCH
    vector_cache.YOUNG_ROWS = YOUNG_ROWS
    Space.load = staticmethod(lambda *_, **__: toy_space())


class Run:
    """The script at work in a folder; `tell` is called after each step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "c"
        self.collection: Collection | None = None

    def do(self, step: Step) -> None:
        if step.kind in ("build", "update"):
            self.close()
            source = self.folder / "records.jsonl"
            source.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in step.records))
            Build(source, self.path, id="id", update=step.kind == "update").run()
            return
        if self.collection is None:
            self.collection = Collection.open(self.path, space=toy_space())
        records = [{"id": name, "text": text} for name, text in step.records]
        match step.kind:
            case "add":
                self.collection.add(records, id="id")
            case "upsert":
                self.collection.add(records, id="id", on_conflict="replace")
            case "delete":
                self.collection.delete(step.ids)
            case "compact":
                self.collection.compact()
            case "index":
                self.collection.index("hnsw" if step.records[0][0] > "i5" else None)
            case "search":
                self.collection.search(["red apple", "rain"], k=3)
            case "export":
                self.collection.export(self.folder / "out.csv")
            case "reopen":
                self.close()

    def close(self) -> None:
        if self.collection is not None:
            self.collection.close()
            self.collection = None


class Tracer:
    """Counts visits of lines of cosimo and of points inside SQLite, by step, and dies at one of them."""

    def __init__(self, place: str | None, visit: int) -> None:
        self.place = place
        self.visit = visit
        self.step = ""
        self.seen: Counter[str] = Counter()

    def start(self) -> None:
        connect = connections.connect

        def watched(*arguments):
            db = connect(*arguments)
            db.set_progress_handler(lambda: self.at("sqlite"), INSTRUCTIONS)
            return db

        connections.connect = watched
        sys.settrace(lambda frame, *_: self.line if frame.f_code.co_filename.startswith(SOURCES) else None)

    def line(self, frame, event, _):
        if event == "line":
            self.at(f"{frame.f_code.co_filename[len(SOURCES) :]}:{frame.f_lineno}")
        return self.line

    def at(self, where: str) -> int:
        place = f"{self.step} {where}"
        self.seen[place] += 1
        if place == self.place and self.seen[place] == self.visit:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0


def victim(order: dict, out: int) -> None:
    run = Run(Path(order["folder"]))
    tracer = Tracer(order.get("place"), order.get("visit", 0))
    if "delay" not in order:
        tracer.start()
    for step in script(order["seed"]):
        tracer.step = step.kind
        run.do(step)
        os.write(out, b"+")
    tracer.step = "close"
    run.close()
    sys.settrace(None)
    os.write(out, json.dumps(tracer.seen).encode())


def carry_out(order: dict) -> dict:
    """Fork a victim, and say how many steps it finished, how it ended, what it saw and how long it took."""
    started = time.monotonic()
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            victim(order, write)
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    said = b""
    while True:
        left = None if "delay" not in order else max(0.0, started + order["delay"] - time.monotonic())
        if not select.select([read], [], [], left)[0]:
            os.kill(pid, signal.SIGKILL)
            del order["delay"]
            continue
        piece = os.read(read, 1 << 16)
        if not piece:
            break
        said += piece
    os.close(read)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    done = said.partition(b"{")[0].count(b"+")
    seen = json.loads(said[done:]) if code == 0 else {}
    return {"done": done, "code": code, "seen": seen, "seconds": time.monotonic() - started}


if __name__ == "__main__":
    faster()
    toy_space().passport  # noqa: B018 - loads what a victim would load
    for line in sys.stdin:
        sys.stdout.write(json.dumps(carry_out(json.loads(line))) + "\n")
        sys.stdout.flush()
