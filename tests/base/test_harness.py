"""The harness itself: checks that must fail do, and skips that must count do."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

LOPSIDED = '''
"""Shapes (n, m). >>> 1"""
from cosimo.compare import Cosine
from cosimo.contracts import SimilarityTags

class Lopsided:
    """A cosine whose pairs are off by a tenth."""

    scale = "lopsided"
    tags = SimilarityTags()

    def __call__(self, Q, K):
        return Cosine()(Q, K)

    def pairs(self, Q, K):
        return Cosine().pairs(Q, K) - 0.1

EXAMPLES = [Lopsided()]
'''
SKIPPING = """
import pytest

@pytest.mark.data
def test_needs_data():
    pytest.skip("nothing here")
"""


def outcome(folder: Path, *words: str, **environment: str) -> tuple[dict[str, int], str]:
    """How many tests ended how, and all that was said."""
    clean = {name: value for name, value in os.environ.items() if name != "COSIMO_DATA"}
    command = [sys.executable, "-m", "pytest", "-c", str(folder / "pytest.ini"), "-rA", *words, str(folder)]
    done = subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True)
    counts = {kind: int(n) for n, kind in re.findall(r"(\d+) (passed|failed|skipped|xfailed)", done.stdout)}
    return counts, done.stdout


@pytest.fixture
def copy(tmp_path):
    """The harness alone, and room for one more test file."""
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib\npythonpath = .\nmarkers =\n    data: needs data\n"
    )
    shutil.copy(TESTS / "conftest.py", tmp_path)
    return tmp_path


@pytest.fixture
def checks(copy):
    """The harness with the checks of similarities, run on one that is wrong."""
    (copy / "compare").mkdir()
    (copy / "contracts").mkdir()
    for name in ("collect.py", "samples.py", "conftest.py", "test_similarity.py"):
        shutil.copy(TESTS / "contracts" / name, copy / "contracts")

    def run(xfail: str) -> tuple[dict[str, int], str]:
        (copy / "compare" / "test_lopsided.py").write_text(LOPSIDED + xfail)
        return outcome(copy, "-k", "diagonal or symmetric")

    return run


def test_a_wrong_method_fails_the_check(checks):
    counts, said = checks("")
    assert counts == {"passed": 1, "failed": 1}
    assert "FAILED" in said
    assert "test_pairs_are_the_diagonal[Lopsided-0]" in said


def test_a_declared_failure_is_expected(checks):
    assert checks('XFAIL = {"pairs_are_the_diagonal": "on purpose"}')[0] == {"passed": 1, "xfailed": 1}


def test_a_declared_failure_that_passes_fails(checks):
    counts, said = checks('XFAIL = {"pairs_are_the_diagonal": "on purpose", "symmetric": "outlived"}')
    assert counts == {"failed": 1, "xfailed": 1}
    assert "XPASS(strict)" in said


def test_data_skips_are_counted(copy):
    (copy / "test_data.py").write_text(SKIPPING)
    counts, said = outcome(copy)
    assert counts == {"skipped": 1}
    assert "data skips: 1" in said


def test_data_skips_fail_where_the_data_are(copy):
    (copy / "test_data.py").write_text(SKIPPING)
    counts, said = outcome(copy, COSIMO_DATA=str(copy))
    assert counts == {"failed": 1}
    assert "skipped though COSIMO_DATA is set" in said
