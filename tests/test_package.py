"""What is built installs and works without the repository: wheel, source archive, types, command line, evidence."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from cosimo import __version__, catalogue
from serve.scene import PAPERS, save_space

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"

pytestmark = pytest.mark.slow

CONSUMER = """
import cosimo
from cosimo.encode import FunctionEncoder

space = cosimo.Space(FunctionEncoder(lambda texts: [[len(text), 1.0] for text in texts], name="lengths"))
with cosimo.Collection.create("lengths.cosimo", space, fields={"year": int}) as collection:
    added: int = collection.add(["one", "three"]).added
    hits = collection.search("two", k=1, where=None)
score: float = hits[0][0].score
id: str = hits[0][0].id
"""


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, the libraries it needs, and no way to the repository."""

    python: Path
    folder: Path

    def run(self, *words, code=0):
        """Standard output of a command run in its folder."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [*map(str, words)], cwd=self.folder, capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout

    def cosimo(self, *words):
        return self.run(self.python.parent / "cosimo", *words)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the wheel, built from the source archive, and the archive."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return folder


@pytest.fixture(scope="module")
def wheel(built) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv")
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True)
    # A line in a .pth file shows the libraries, and not what their own .pth files add: the editable install.
    (place,) = folder.glob("venv/lib/python*/site-packages")
    (place / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return Installed(python, folder)


def test_the_wheel_holds_all_of_the_package_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    kinds = (".py", ".pyi", ".jsonl", ".toml", "py.typed")
    package = {path.relative_to(SRC).as_posix() for path in SRC.rglob("*") if path.name.endswith(kinds)}
    assert {"cosimo/py.typed", "cosimo/catalogue.jsonl", "cosimo/__init__.pyi"} <= package
    evidence = {f"cosimo/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "evidence").glob("*.json")}
    claims = {f"cosimo/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "claims").glob("*.toml")}
    assert names == package | evidence | claims


def test_the_source_archive_can_be_tested(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ("README.md", "LICENSE", "Makefile", "constraints.txt", "mkdocs.yml", "docs/gen.py", "tests/conftest.py")
    assert set(wanted) <= names
    assert not [name for name in names if name.startswith((".venv", "site/")) or name.endswith((".pyc", ".db"))]


def test_it_is_imported_from_where_it_was_installed(installed):
    told = installed.run(installed.python, "-c", "import cosimo; print(cosimo.__file__, cosimo.Space.__module__)")
    path, module = told.split()
    assert Path(path).is_relative_to(installed.folder)
    assert module == "cosimo.space"


def test_version(installed):
    assert installed.cosimo("--version") == f"cosimo {__version__}\n"


def test_methods_with_their_evidence(installed):
    assert len(installed.cosimo("methods", "-k", 3, "smaller vectors").splitlines()) == 3
    told = [json.loads(line) for line in installed.cosimo("methods", "--json").splitlines()]
    assert {row["name"]: row["status"] for row in told} == {
        row.name: str(catalogue.status(row)) for row in catalogue.rows()
    }


def test_build_and_search(installed):
    save_space(installed.folder / "tiny", seed=0)
    (installed.folder / "papers.jsonl").write_text("".join(json.dumps(paper) + "\n" for paper in PAPERS))
    words = ("--text", "title,abstract", "--id", "id", "--space", installed.folder / "tiny", "--into", "p.cosimo")
    installed.cosimo("build", "papers.jsonl", *words)
    assert installed.cosimo("search", "p.cosimo", "rice", "-k", 1).split("\t")[3] == "p3"


def test_types_reach_the_user(installed):
    (installed.folder / "right.py").write_text(CONSUMER)
    (installed.folder / "wrong.py").write_text(CONSUMER.replace("id: str", "id: int"))
    mypy = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--python-executable", installed.python)
    assert "no issues found" in installed.run(*mypy, "right.py")
    assert '"str", variable has type "int"' in installed.run(*mypy, "wrong.py", code=1)
    installed.run(installed.python, "right.py")
