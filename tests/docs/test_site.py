"""The site: docstrings as a documentation tool wants them, and pages that are all there."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from cosimo._lazy import read_stub

ROOT = Path(__file__).parents[2]


def loaded(name):
    spec = spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(mkdocs, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert built.returncode == 0, built.stderr
    return folder


class Fetched(HTMLParser):
    """What a browser would load with the page."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag in ("script", "img", "iframe"):
            self.found.append(named.get("src"))
        if tag == "link" and named.get("rel") in ("stylesheet", "preconnect", "icon"):
            self.found.append(named["href"])


@pytest.mark.parametrize(
    "package", ["cosimo", "cosimo.encode", "cosimo.compare", "cosimo.search", "cosimo.interchange", "cosimo.contracts"]
)
def test_every_public_name_has_its_place(site, package):
    page = (site / "api" / package.rpartition(".")[2] / "index.html").read_text(encoding="utf-8")
    shown = {name.rpartition(".")[2] for name in re.findall(r'id="cosimo\.([\w.]+)"', page)}
    listing = "__init__.py" if package == "cosimo.contracts" else "__init__.pyi"
    stub = ROOT / "src" / package.replace(".", "/") / listing
    names = {name for name, home in read_stub(stub).items() if home not in ("cosimo", "cosimo.errors")}
    assert len(names) > 5
    assert names - shown == set()


def test_formulas_are_shown(site):
    page = (site / "api" / "compare" / "index.html").read_text(encoding="utf-8")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">' in page
    assert "arithmatex" not in page
    assert "\\frac" not in page


def test_parameters_and_examples_have_headings(site):
    page = (site / "api" / "interchange" / "index.html").read_text(encoding="utf-8")
    assert page.count("Parameters:") >= 5
    assert page.count("Raises:") >= 8
    assert "Examples:" in page


def test_nothing_is_fetched_from_elsewhere(site):
    for page in ("index.html", "api/cosimo/index.html"):
        parser = Fetched()
        parser.feed((site / page).read_text(encoding="utf-8"))
        assert len(parser.found) > 3
        assert [source for source in parser.found if source and "//" in source] == []


def test_the_parts_of_the_readme_are_both_there(site):
    assert "papers.jsonl" in (site / "quickstart" / "index.html").read_text(encoding="utf-8")
    home = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="quickstart/"' in home
    assert "228 methods" in home


DOCSTRINGS = {
    "nothing": ("Say hello.", set(), "Say hello."),
    "other names": ("Say.\n\nwhat\n    Is no parameter.", {"x"}, "Say.\n\nwhat\n    Is no parameter."),
    "two of one kind": (
        "Say.\n\na, b\n    Both.\n\nRaises\n------\nDataError\n    Never.",
        {"a", "b"},
        "Say.\n\nParameters\n----------\na, b\n    Both.\n\nRaises\n------\nDataError\n    Never.",
    ),
    "example": ("Say.\n\n>>> 1\n1\n>>> 2\n2", set(), "Say.\n\nExamples\n--------\n>>> 1\n1\n>>> 2\n2"),
}


@pytest.mark.parametrize(("text", "known", "wanted"), DOCSTRINGS.values(), ids=DOCSTRINGS)
def test_headings(text, known, wanted):
    assert loaded("sections").with_headings(text, known) == wanted
