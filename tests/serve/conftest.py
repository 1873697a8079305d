"""The command line in this process, and a collection built by it."""

import io
import json
import sys
from pathlib import Path

import pytest

from cosimo.files.records import write_records
from cosimo.serve.cli import main
from serve.scene import PAPERS, Outcome, save_space, texts


@pytest.fixture
def cosimo(monkeypatch, capsys):
    """Run the command line as the process would: `cosimo("search", path, "query", stdin=b"...")`."""

    def run(*words: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["cosimo", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Outcome(end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def space(tmp_path_factory) -> Path:
    return save_space(tmp_path_factory.mktemp("models") / "tiny", seed=0)


@pytest.fixture(scope="session")
def other_space(tmp_path_factory) -> Path:
    """Of the same dimensions, and yet another."""
    return save_space(tmp_path_factory.mktemp("models") / "other", seed=1)


@pytest.fixture
def papers(tmp_path) -> Path:
    path = tmp_path / "papers.jsonl"
    path.write_text("".join(json.dumps(paper) + "\n" for paper in PAPERS))
    return path


@pytest.fixture
def collection(cosimo, papers, space, tmp_path) -> Path:
    """The papers, built by the command line."""
    path = tmp_path / "papers.cosimo"
    built = cosimo(
        "build", papers, "--text", "title,abstract", "--id", "id", "--field", "year:int", "--field", "venue:str",
        "--space", space, "--into", path,
    )  # fmt: skip
    assert built.code == 0, built.err
    return path


@pytest.fixture
def things(cosimo, space, tmp_path):
    items = [{"id": f"i{i}", "text": text, "kind": kind} for i, (kind, text) in enumerate(texts(300, 0))]
    write_records(items, tmp_path / "items.jsonl")
    path = tmp_path / "things.cosimo"
    built = cosimo(
        "build", tmp_path / "items.jsonl", "--id", "id", "--field", "kind:str", "--space", space, "--into", path
    )
    assert built.code == 0, built.err
    return path


@pytest.fixture
def questions(tmp_path):
    seen = {text: kind for kind, text in texts(1500, 1)}
    write_records([{"query": text, "kind": kind} for text, kind in seen.items()], tmp_path / "questions.csv")
    return tmp_path / "questions.csv"


@pytest.fixture
def sheet(cosimo, things, questions, tmp_path):
    outcome = cosimo("label", things, questions, "-n", 600, "-k", 3, "--same", "kind", "--out", tmp_path / "labels.csv")
    assert outcome.code == 0, outcome.err
    return tmp_path / "labels.csv"
