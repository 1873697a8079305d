"""The README's blocks run as they stand, in order, in one folder and one Python session."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.usefixtures("minilm")
def test_blocks_run_word_for_word(tmp_path, monkeypatch):
    sections = README.read_text(encoding="utf-8").split("\n## ")
    there = [section for section in sections if "COSIMO_DATA" in os.environ or "COSIMO_DATA" not in section]
    blocks = BLOCK.findall("\n## ".join(there))
    assert len(blocks) >= 4
    monkeypatch.chdir(tmp_path)
    session = {}
    for language, code in blocks:
        if language == "python":
            with warnings.catch_warnings():
                exec(compile(code, "README.md", "exec"), session)
        elif not code.startswith("make "):
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            subprocess.run(["bash", "-euo", "pipefail", "-c", code], check=True, env={**os.environ, "PATH": path})
