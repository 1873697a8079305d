"""Commands on a terminal: what a table holds stays readable however narrow it is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from serve.test_cli_process import PROGRAM

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")

WIDTHS = pytest.mark.parametrize("width", [80, 120])
LONG = "a long description of a thing that goes on and on, " * 6
STYLE = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]")


def on_terminal(width, *words):
    """What a terminal of that width shows, line by line, without styles."""
    import pty

    main, side = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(
        [*PROGRAM, *map(str, words)], stdout=side, stderr=subprocess.PIPE, env=environment
    ) as process:
        os.close(side)
        shown = b""
        while block := read(main):
            shown += block
        err = process.stderr.read()
    os.close(main)
    assert process.returncode == 0, err
    return [line.rstrip() for line in STYLE.sub("", shown.decode()).replace("\r", "").splitlines()]


def read(side):
    try:
        return os.read(side, 1 << 16)
    except OSError:  # the other end is closed
        return b""


@pytest.fixture
def goods(tmp_path) -> tuple[Path, Path]:
    """Two files of the same things, under long ids and with long texts."""
    files = tmp_path / "left.csv", tmp_path / "right.csv"
    for file in files:
        rows = [f'{file.stem}-product-{n:08},"{name} {LONG}"' for n, name in enumerate(("red rice", "blue beans"))]
        file.write_text("id,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return files


@WIDTHS
def test_matches_keep_ids_and_scores(goods, space, width):
    lines = on_terminal(width, "match", *goods, "--id", "id", "--space", space, "--min-score", "0.99", "--one-to-one")
    shown = "\n".join(lines)
    assert all(f"{side}-product-{n:08}" in shown for side in ("left", "right") for n in (0, 1))
    assert "1.0000" in shown
    assert "…" in shown
    assert max(map(len, lines)) <= width


@WIDTHS
@pytest.mark.parametrize("how", [(), ("--hybrid",), ("--full",)])
def test_hits_keep_rank_score_and_id(cosimo, goods, space, tmp_path, width, how):
    path = tmp_path / "goods.cosimo"
    assert cosimo("build", goods[0], "--id", "id", "--space", space, "--into", path).code == 0
    lines = on_terminal(width, "search", path, "red rice", "-k", "2", *how)
    shown = "\n".join(lines)
    for rank in (1, 2):
        assert re.search(rf"^{rank} +-?\d\.\d{{4}} +left-product-0000000[01] ", shown, re.MULTILINE)
    assert ("…" in shown) == (how != ("--full",))
    assert max(map(len, lines)) <= width


@WIDTHS
def test_groups_keep_their_ids(cosimo, goods, space, width):
    lines = on_terminal(width, "duplicates", goods[0], "--id", "id", "--space", space, "--min-score", "0.5")
    assert any(re.match(r"1 +[01] +left-product-0000000[01]", line) for line in lines)


@WIDTHS
def test_no_column_of_a_comparison_vanishes(space, other_space, tmp_path, width):
    file = tmp_path / "pairs.csv"
    names = ("red rice", "blue beans", "cooking water", "hot water", "cold rice")
    file.write_text("a,b,score\n" + "".join(f"{a},{b},{len(a + b)}\n" for a in names for b in names if a < b))
    lines = on_terminal(width, "evaluate", space, file, "--against", other_space)
    shown = "\n".join(lines)
    for column in ("task", "metric", "system", "value", "items", "difference", "p (Holm)", "detectable"):
        assert column in shown
    assert "…" not in shown


@WIDTHS
def test_a_rule_is_told_in_whole_sentences(things, sheet, width):
    lines = on_terminal(width, "calibrate", things, sheet, "--precision", "0.8")
    assert "at least 0.8 of the accepted pairs are matches" in " ".join(lines)
    assert max(map(len, lines)) <= width


def test_no_hits_are_said_in_a_pipe(cosimo, collection):
    found = cosimo("search", collection, "rice", "--where", "year > 3000")
    assert (found.out, found.code) == ("", 0)
    assert "no hits: rice" in found.err
