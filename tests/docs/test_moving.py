"""The Python blocks of docs/moving.md run as they stand, a section at a time, and hold what they say."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "moving.md"
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECTIONS = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))


def run(name):
    blocks = BLOCK.findall(SECTIONS[name])
    assert len(blocks) >= 2
    assert any("assert" in block for block in blocks)
    session = {}
    for block in blocks:
        exec(compile(block, f"moving.md, {name}", "exec"), session)


@pytest.mark.parametrize("name", ["FAISS", "MTEB", "Chroma", "pgvector"])
def test_sections_hold(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(name)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # theirs, on import
@pytest.mark.usefixtures("minilm")
def test_sentence_transformers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("sentence-transformers")


def test_every_section_is_run():
    assert set(SECTIONS) == {"FAISS", "sentence-transformers", "MTEB", "Chroma", "pgvector"}
