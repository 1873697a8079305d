"""Which task a file of your own is, told by its columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosimo.errors import DataError
from cosimo.files.records import read_records
from cosimo.measure.suites import KINDS, load_suite
from cosimo.measure.tasks.reading import column_names
from cosimo.measure.tasks.retrieval.retrieval import Retrieval
from cosimo.measure.tasks.task import LabelledTask

NAMES: Mapping[str, tuple[str, ...]] = {
    "a": ("a", "sentence1", "text1", "left", "question1", "word1"),
    "b": ("b", "sentence2", "text2", "right", "question2", "word2"),
    "score": ("score", "similarity", "gold", "relatedness"),
    "label": ("label", "y", "match", "is_duplicate", "class", "intent"),
    "text": ("text", "sentence", "title"),
    "anchor": ("anchor",),
    "positive": ("positive", "pos"),
    "negative": ("negative", "neg"),
    "query": ("query", "question"),
    "document": ("document", "answer", "passage", "candidate"),
    "source": ("source", "src"),
    "target": ("target", "tgt", "translation"),
}
"""What columns are usually called, by their role."""

ROLES: Mapping[str, Mapping[str, str]] = {
    "triplets": {"anchor": "anchor", "positive": "positive", "negative": "negative"},
    "sts": {"a": "a", "b": "b", "score": "score"},
    "pairs": {"a": "a", "b": "b", "label": "label"},
    "reranking": {"query": "query", "document": "document", "label": "label"},
    "bitext": {"a": "source", "b": "target"},
    "clustering": {"text": "text", "label": "label"},
}
"""Kind of task -> argument of its `read` -> role of the column; a file is the first of which it has all columns."""


def read_tasks(
    source: str | Path,
    *,
    kind: str | None = None,
    columns: Mapping[str, str] | None = None,
    data: str | Path | None = None,
) -> list[LabelledTask]:
    """The tasks in a file of your own: a table whose columns tell what it is, a BEIR folder, or a suite in TOML.

    kind
        One of `cosimo.measure.KINDS`; told by the columns when None.
    columns
        Role -> column, where the names are not the usual ones, such as `{"a": "left text"}`.
    data
        The folder of the files that a TOML names.

    Raises
    ------
    DataError
        Columns that fit no task, or a kind that such a file cannot be.
    """
    path = Path(source)
    if path.is_dir():
        return [Retrieval.read(path, name=path.name)]
    if path.suffix == ".toml":
        return load_suite(path, data=data)
    there = column_names(path)
    given = dict(columns or {})
    for role, column in given.items():
        if column not in there:
            raise DataError(f"{path.name} has no column {column!r} for {role}; its columns are {', '.join(there)}")
    roles = {role: column for role, names in NAMES.items() for column in names[::-1] if column in there} | given
    fitting = [name for name, wanted in ROLES.items() if set(wanted.values()) <= set(roles)]
    if kind is None and fitting[:1] == ["sts"] and _binary(path, roles["score"]):
        kind, roles = "pairs", roles | {"label": roles["score"]}
    chosen = kind or next(iter(fitting), "")
    if chosen not in ROLES or not set(ROLES[chosen].values()) <= set(roles):
        wanted = "; ".join(f"{name}: {', '.join(roles.values())}" for name, roles in ROLES.items())
        raise DataError(
            f"the columns of {path.name} ({', '.join(there)}) make no {kind or 'task'}; wanted one of these sets, or "
            f"their names by --columns a=NAME,...: {wanted}"
        )
    arguments: dict[str, Any] = {argument: roles[role] for argument, role in ROLES[chosen].items()}
    return [KINDS[chosen].read(path, **arguments, name=path.stem)]


def _binary(path: Path, column: str) -> bool:
    """Whether a column holds nothing but 0 and 1."""
    return all(str(record.values.get(column)) in ("0", "1", "0.0", "1.0") for record in read_records(path))
