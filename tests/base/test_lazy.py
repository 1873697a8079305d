import importlib
import sys

import pytest

from cosimo._lazy import read_stub

STUB = """\
import os
from shapes.circle import Circle as Circle
from shapes.circle import hidden
from shapes import flat as flat
from shapes.disc import disc as disc

__version__: str
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `shapes` with one lazily loaded class and one sub-package."""
    root = tmp_path / "shapes"
    root.mkdir()
    (root / "__init__.py").write_text(
        "from cosimo._lazy import attach\n__getattr__, __dir__, __all__ = attach(__name__, __file__)\n"
    )
    (root / "__init__.pyi").write_text(STUB)
    (root / "circle.py").write_text("class Circle: ...\nhidden = 1\n")
    (root / "flat.py").write_text("")
    (root / "disc.py").write_text("def disc(): return 'a disc'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("shapes")
    for name in [name for name in sys.modules if name.split(".")[0] == "shapes"]:
        del sys.modules[name]


def test_only_names_exported_as_themselves_count(tmp_path):
    stub = tmp_path / "x.pyi"
    stub.write_text(STUB)
    assert read_stub(stub) == {"Circle": "shapes.circle", "flat": "shapes", "disc": "shapes.disc"}


def test_nothing_is_loaded_before_it_is_used(package):
    assert "shapes.circle" not in sys.modules
    assert package.Circle.__module__ == "shapes.circle"


def test_sub_packages_load_as_modules(package):
    assert package.flat is sys.modules["shapes.flat"]


def test_names_are_listed(package):
    assert dir(package) == package.__all__ == ["Circle", "disc", "flat"]


def test_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="'shapes' has no attribute 'Square'"):
        package.Square  # noqa: B018


def test_a_name_wins_over_the_submodule_it_lives_in(package):
    import shapes.disc  # noqa: F401

    assert package.disc() == "a disc"
    assert sys.modules["shapes.disc"].disc is package.disc
