"""Suites: lists of tasks as data, read from TOML.

    [[task]]
    kind = "sts"                  one of KINDS
    name = "STS12"                what it is called
    file = "sts/sts2012.parquet"  relative to the folder of data (or `corpus`, `queries` and `qrels`)
    each = "subset"               one task for each value of this column, named STS12/<value>
    family = "sts"                tasks of one family count once where tasks are the sample

Every other key is an argument of the kind's `read`, such as `a`, `b`, `score`, `where`.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cosimo.errors import DataError
from cosimo.measure.tasks.classes.classification import Classification
from cosimo.measure.tasks.classes.clustering import Clustering
from cosimo.measure.tasks.pairs.pair_classification import PairClassification
from cosimo.measure.tasks.pairs.sts import STS
from cosimo.measure.tasks.pairs.triplets import Triplets
from cosimo.measure.tasks.reading import values_of
from cosimo.measure.tasks.retrieval.reranking import Reranking
from cosimo.measure.tasks.retrieval.retrieval import Retrieval
from cosimo.measure.tasks.retrieval.summarization import Summarization
from cosimo.measure.tasks.task import LabelledTask
from cosimo.measure.tasks.translation.bitext import Bitext
from cosimo.measure.tasks.words.analogy import Analogy
from cosimo.measure.tasks.words.wic import WordInContext

KINDS: Mapping[str, type[Any]] = {
    "sts": STS,
    "pairs": PairClassification,
    "retrieval": Retrieval,
    "reranking": Reranking,
    "classification": Classification,
    "clustering": Clustering,
    "bitext": Bitext,
    "triplets": Triplets,
    "analogy": Analogy,
    "summarization": Summarization,
    "wic": WordInContext,
}
"""What a task can be."""

SHIPPED = Path(__file__).parent / "suites"
FILES = ("file", "corpus", "queries", "qrels")
"""Keys that name files in the folder of data."""


def suite_names() -> list[str]:
    """The suites that come with cosimo; their data do not.

    >>> "sts" in suite_names()
    True
    """
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_suite(name_or_path: str | Path, *, data: str | Path | None = None) -> list[LabelledTask]:
    """The tasks of a suite.

    name_or_path
        One that comes with cosimo, or a TOML file of your own.
    data
        The folder that its files are in; for a file of your own the folder it lies in when None.

    Raises
    ------
    DataError
        No such suite, no folder of data, a task without kind or file, an argument its kind does not have, or files
        that cannot be read as it says.
    """
    shipped = SHIPPED / f"{name_or_path}.toml"
    path = shipped if shipped.is_file() else Path(name_or_path)
    if not path.is_file():
        close = difflib.get_close_matches(str(name_or_path), suite_names(), n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(suite_names())}"
        raise DataError(f'there is no suite "{name_or_path}"; {hint}, or the path of a TOML file')
    if data is None and path == shipped:
        raise DataError(f'the suite "{name_or_path}" wants the folder of its data (data=, --data or COSIMO_DATA)')
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("task", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is no TOML: {error}") from error
    if not entries:
        raise DataError(f"{path.name} holds no [[task]]")
    folder = path.parent if data is None else Path(data)
    return [task for entry in entries for task in _tasks(dict(entry), folder, path.name)]


def _tasks(entry: dict[str, Any], folder: Path, suite: str) -> Iterator[LabelledTask]:
    kind, name = entry.pop("kind", None), str(entry.get("name", "?"))
    if kind not in KINDS:
        raise DataError(f"{suite}, task {name!r}: kind is one of {', '.join(KINDS)}, got {kind!r}")
    files = {key: folder / str(entry.pop(key)) for key in FILES if key in entry}
    if not files:
        raise DataError(f"{suite}, task {name!r} names no file")
    for file in files.values():
        if not file.exists():
            raise DataError(f"{suite}, task {name!r}: there is no {file.name} in {file.parent}")
    each = entry.pop("each", None)
    values = [None] if each is None else values_of(next(iter(files.values())), each)
    for value in values:
        chosen = dict(entry)
        if value is not None:
            chosen |= {"name": f"{name}/{value}", "where": {**entry.get("where", {}), each: value}}
        yield _read(kind, files, chosen, f"{suite}, task {name!r}")


def _read(kind: str, files: Mapping[str, Path], arguments: dict[str, Any], where: str) -> LabelledTask:
    read = KINDS[kind].read if "file" in files else KINDS[kind].read_tables
    try:
        task: LabelledTask = read(*files.values(), **arguments)
    except TypeError as error:
        raise DataError(f"{where} has an argument that {kind} does not take ({error})") from error
    return task
