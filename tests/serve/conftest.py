"""The command line in this process, and a collection built by it."""

import io
import json
import sys
from pathlib import Path

import pytest

from cosimo.serve.cli import main
from serve.scene import PAPERS, Outcome, save_space


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
