"""Breaks the package on purpose, one line at a time, and fails unless the named tests notice (`make mutants`).

Each mutant of `mutants.toml` is applied to a copy of `src`; the working tree is never touched.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Mutant:
    """One exact replacement in one file, and the tests that must fail under it."""

    name: str
    file: str
    old: str
    new: str
    tests: list[str]

    def apply(self, root: Path) -> None:
        """Write the broken file under `root`."""
        file = root / self.file
        file.write_text(file.read_text(encoding="utf-8").replace(self.old, self.new), encoding="utf-8")

    def fits(self) -> bool:
        """Whether the line to break is still there, once."""
        return (ROOT / self.file).read_text(encoding="utf-8").count(self.old) == 1


def mutants() -> list[Mutant]:
    """The list, in the order of the file."""
    return [Mutant(**entry) for entry in tomllib.loads((ROOT / "tests/mutants.toml").read_text("utf-8"))["mutant"]]


def run(tests: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    """Run tests of the working tree on the package under `root`."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not claim", *tests]
    environment = os.environ | {"PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def outcome(mutant: Mutant) -> str:
    """`killed`, `SURVIVED`, or why it could not be tried."""
    if not mutant.fits():
        return f"STALE: the line to break is not in {mutant.file} exactly once"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src", ignore=shutil.ignore_patterns("__pycache__"))
        if (sane := run(mutant.tests, Path(folder))).returncode != 0:
            return f"NOT TRIED: its tests fail without it\n{sane.stdout[-2000:]}"
        mutant.apply(Path(folder))
        return {0: "SURVIVED", 1: "killed"}.get(run(mutant.tests, Path(folder)).returncode, "NOT TRIED: pytest failed")


def main(wanted: list[str]) -> int:
    """Try the mutants whose names are given, or all; the number that were not killed."""
    alive = 0
    for mutant in mutants():
        if wanted and mutant.name not in wanted:
            continue
        told = outcome(mutant)
        alive += told != "killed"
        sys.stdout.write(f"{mutant.name}: {told}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{alive} mutants not killed\n")
    return alive


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
