"""Models small enough to be written by a test."""

from pathlib import Path

import pytest

from encode.tiny_bert import write_tiny_bert


@pytest.fixture
def tiny_bert(tmp_path: Path) -> Path:
    """A BERT-shaped model of random weights, in the layout of sentence-transformers."""
    return write_tiny_bert(tmp_path / "tiny")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for models and caches, and no Hub cache."""
    folder = tmp_path / "home"
    monkeypatch.setenv("COSIMO_HOME", str(folder))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder
