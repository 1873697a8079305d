"""BEIR folders: a corpus, queries and judgements, as retrieval benchmarks are handed around.

    corpus.jsonl        {"_id": ..., "title": ..., "text": ...} a line; the title may be missing
    queries.jsonl       {"_id": ..., "text": ...} a line, those of all splits
    qrels/<split>.tsv   query-id, corpus-id and score under a header, separated by tabs

Pitfalls: a split's queries are those it judges, not all that are in the file; and title and text are encoded
together.
Reference: Thakur et al. 2021, BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval
Models, https://arxiv.org/abs/2104.08663
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cosimo.errors import DataError
from cosimo.files.records import Record, Records, read_records, write_records
from cosimo.files.trec import Qrels, whole
from cosimo.types import Item


@runtime_checkable
class Stored(Protocol):
    """Items that are kept somewhere, such as a collection."""

    def scan(self) -> Iterator[Item]:
        """All of them, in the order they came."""


JUDGED = ("query-id", "corpus-id", "score")


def read_beir(folder: str | Path, *, split: str = "test") -> tuple[Records, dict[str, str], Qrels]:
    """Corpus, queries of the split, and judgements of the split.

    The corpus is read as it is gone through, never whole: `collection.add(corpus, text=["title", "text"], id="_id")`.

    Raises
    ------
    DataError
        A file that is missing, or a line that is broken, by name and number.
    """
    place = Path(folder)
    corpus = read_records(_there(place, "corpus.jsonl"))
    queries = read_records(_there(place, "queries.jsonl"))
    texts = {document.values["_id"]: document.values["text"] for document in _documents(queries)}
    qrels = _judgements(read_records(_there(place, f"qrels/{split}.tsv")))
    _all_asked(qrels, texts)
    return Records(corpus.name, lambda: _documents(corpus)), {query: texts[query] for query in qrels}, qrels


def write_beir(
    folder: str | Path,
    corpus: Any,
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
    *,
    split: str = "test",
) -> None:
    """Write a BEIR folder; other splits that are in it stay.

    corpus
        A collection, or records with the columns `_id` and `text`, from anything `Collection.add` takes.
    queries
        Texts by id, those of all splits.
    qrels
        Relevance by query and item.

    Raises
    ------
    DataError
        A record without id or text, a judged query without text, no judgements at all.
    """
    place = Path(folder)
    _all_asked(qrels, queries)
    judged = [(query, item, score) for query, items in qrels.items() for item, score in items.items()]
    if not judged:
        raise DataError("a BEIR split needs judgements, got none")
    (place / "qrels").mkdir(parents=True, exist_ok=True)
    write_records(_stored(corpus) if isinstance(corpus, Stored) else _read(corpus), place / "corpus.jsonl")
    write_records([{"_id": query, "text": text} for query, text in queries.items()], place / "queries.jsonl")
    write_records([dict(zip(JUDGED, line, strict=True)) for line in judged], place / "qrels" / f"{split}.tsv")


def _there(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        wanted = "a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/<split>.tsv"
        raise DataError(f'there is no {name} in "{folder}"; {wanted}')
    return folder / name


def _documents(records: Records) -> Iterator[Record]:
    for record in records:
        for column in ("_id", "text"):
            value = record.values.get(column)
            if not isinstance(value, str):
                got = "there is none" if value is None else f"got {type(value).__name__}"
                raise DataError(f"{records.name}, line {record.line}: column {column!r} must hold a text, {got}")
        yield Record(record.line, {**record.values, "title": record.values.get("title") or ""})


def _judgements(records: Records) -> Qrels:
    qrels: Qrels = {}
    for record in records:
        where = f"{records.name}, line {record.line}"
        missing = [column for column in JUDGED if column not in record.values]
        if missing:
            names = ", ".join(map(repr, record.values))
            raise DataError(f"{records.name} wants the columns {', '.join(JUDGED)} in its header, got {names}")
        query, item, score = (record.values[column] for column in JUDGED)
        if item in qrels.setdefault(query, {}):
            raise DataError(f"{where}: the item {item!r} comes twice for this query")
        qrels[query][item] = whole(score, where)
    return qrels


def _all_asked(qrels: Mapping[str, Mapping[str, int]], queries: Mapping[str, str]) -> None:
    missing = [query for query in qrels if query not in queries]
    if missing:
        raise DataError(f"the query {missing[0]!r} is judged and has no text ({len(missing)} such queries)")


def _read(corpus: Any) -> Iterator[Mapping[str, Any]]:
    return (record.values for record in _documents(read_records(corpus)))


def _stored(items: Stored) -> Iterator[Mapping[str, Any]]:
    for item in items.scan():
        yield {"_id": item.id, "title": "", "text": item.text or "", "metadata": dict(item.payload)}
