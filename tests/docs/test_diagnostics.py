"""The Python blocks of docs/diagnostics.md run as they stand, and what its table names is there."""

import re
from pathlib import Path

import pytest

from cosimo import catalogue, measure

PAGE = (Path(__file__).parents[2] / "docs" / "diagnostics.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
TABLE = PAGE.partition("| question |")[2].partition("\n\n")[0]


@pytest.mark.usefixtures("minilm")
def test_blocks_run(capsys):
    session = {}
    for block in BLOCK.findall(PAGE):
        exec(compile(block, "diagnostics.md", "exec"), session)
    assert "isoscore" in capsys.readouterr().out


def test_names_are_there_and_belong_to_rows_of_the_room():
    names = re.findall(r"`(\w+)`", TABLE.partition("|---|")[2])
    assert len(names) > 20
    assert all(hasattr(measure, name) for name in names)
    rows = {row.n: row for row in catalogue.rows()}
    for cell in re.findall(r"\| ([\d, ]+) \|$", TABLE, re.MULTILINE):
        for n in map(int, cell.split(",")):
            assert n == 206 or (rows[n].home == "measure" and catalogue.evidence(rows[n])), n
