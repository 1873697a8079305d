"""Texts: ids, vectors and columns, and what is refused."""

import io
import sys

import numpy as np
import pytest

from assembly.toys import PAPERS, toy_space
from cosimo.apply import Texts
from cosimo.apply.jobs.texts import as_texts, repeatable
from cosimo.errors import DataError, ShapeError
from cosimo.files.records import read_records


def test_ids_are_numbers_unless_given():
    assert Texts(["x", "y"]).ids == ("1", "2")
    assert Texts(["x", "y"], [7, "b"]).ids == ("7", "b")
    assert as_texts(["x"]).texts == ["x"]


def test_columns_are_joined():
    texts = Texts.read(PAPERS, text=["title", "abstract"], id="id")
    assert texts.ids == ("p1", "p2", "p3", "p4")
    assert texts.texts[1] == "whitening\nisotropic sentence vectors"


def test_a_column_of_a_table():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"name": ["x", "y"]}, index=[5, 9])
    assert Texts(frame["name"]).texts == ["x", "y"]
    assert Texts.read(frame, text="name").texts == ["x", "y"]


def test_what_can_be_read_once_is_gathered(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"rice\nwater\n")))
    records = repeatable(read_records("-"))
    assert [[r.values["text"] for r in records] for _ in range(2)] == [["rice", "water"]] * 2
    assert Texts.read(text for text in ["rice"]).texts == ["rice"]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Texts(["x", "y"], ["a", "a"]), "'a' comes twice"),
        (lambda: Texts("one text"), "wrap one text"),
        (lambda: Texts(["x", None]), "item 1 is NoneType"),
        (lambda: Texts(["x"], ["a", "b"]), "2 ids were given for 1 texts"),
        (lambda: Texts(["x"], vectors=np.zeros((3, 2))), "3 vectors were given for 1 texts"),
        (lambda: Texts.read(PAPERS, text="body"), "no column 'body'"),
        (lambda: Texts.read(PAPERS, text="year"), "wanted a text"),
        (lambda: Texts.read([{"id": 1, "text": "x"}, {"id": 1, "text": "y"}], id="id"), "same id"),
        (lambda: Texts.read([]), "no records"),
    ],
)
def test_refused(made, message):
    with pytest.raises((DataError, ShapeError), match=message):
        made()


def test_vectors_of_another_width_are_refused():
    with pytest.raises(ShapeError, match=r"\(n, 64\)"), Texts(["x"], vectors=np.zeros((1, 2))).side(
        toy_space(), np.arange(1)
    ):  # fmt: skip
        pass
