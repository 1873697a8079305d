"""methods: the catalogue, listed and searched."""

import pytest

from cosimo import catalogue
from serve.scene import one_sentence


@pytest.fixture(autouse=True)
def no_model(monkeypatch, tmp_path):
    """Questions are answered by words, wherever the tests run."""
    from cosimo import Space
    from cosimo.errors import MissingModel

    def load(name, **options):
        raise MissingModel("not here")

    monkeypatch.setattr(Space, "load", load)


def test_all_are_listed(cosimo):
    outcome = cosimo("methods")
    assert outcome.code == 0
    assert [row[0] for row in outcome.rows] == [row.name for row in catalogue.rows()]
    assert all(len(row) == 4 for row in outcome.rows)


def test_json_has_the_whole_row(cosimo):
    first = cosimo("methods", "--json").objects[0]
    assert first["name"] == catalogue.rows()[0].name
    assert {"n", "paper", "home", "slot", "summary", "status"} <= set(first)


def test_a_question_is_answered(cosimo):
    outcome = cosimo("methods", "merge several models", "-k", 3)
    assert len(outcome.rows) == 3
    assert outcome.rows[0][0] == catalogue.find("merge several models", k=1)[0].name


def test_filters(cosimo):
    assert {row[1] for row in cosimo("methods", "--room", "refine").rows} == {"refine"}
    assert {row[2] for row in cosimo("methods", "--status", "listed").rows} == {"listed"}
    assert {row[1] for row in cosimo("methods", "vectors", "--room", "refine").rows} == {"refine"}
    one_sentence(cosimo("methods", "--room", "kitchen"), "'kitchen'", "refine")
    one_sentence(cosimo("methods", "--status", "fine"), "'fine'", "measured")
