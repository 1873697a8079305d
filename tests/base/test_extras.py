import ast
import re
import tomllib
from pathlib import Path

import pytest

from cosimo._extras import need
from cosimo.errors import MissingExtra

ROOT = Path(__file__).parents[2]


def needed() -> list[tuple[str, str, str]]:
    """(file, module, extra) of every call of `need` in the package."""
    return [
        (str(file.relative_to(ROOT)), call.args[0].value, call.keywords[0].value.value)
        for file in sorted((ROOT / "src").rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "need"
    ]


def brought_by(extra: str) -> set[str]:
    """Import names of what `pip install "cosimo[extra]"` brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = project["optional-dependencies"][extra]
    return {re.split(r"[\[<>=~! ]", requirement)[0].replace("-", "_") for requirement in requirements}


def test_present_module_is_imported():
    import json

    assert need("json", extra="tables") is json


def test_missing_extra_names_the_command():
    with pytest.raises(MissingExtra) as missing:
        need("no_such_module_here", extra="tables")
    assert str(missing.value) == '"no_such_module_here" is not installed; run: pip install "cosimo[tables]"'


def test_missing_submodule_of_a_missing_package():
    with pytest.raises(MissingExtra, match="no_such_module_here"):
        need("no_such_module_here.part", extra="tables")


def test_what_a_present_package_misses_itself_is_not_blamed_on_the_extra(tmp_path, monkeypatch):
    (tmp_path / "wants_more.py").write_text("import no_such_module_here")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError) as missing:
        need("wants_more", extra="tables")
    assert not isinstance(missing.value, MissingExtra)


def test_every_extra_asked_for_brings_the_module():
    wrong = [found for found in needed() if found[1].split(".")[0] not in brought_by(found[2])]
    assert not wrong
