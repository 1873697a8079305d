"""info and fetch: what is on this machine, and how it gets there."""

import pytest

from cosimo import Collection, Space, __version__
from cosimo.encode.models.homes import model_home
from cosimo.encode.models.known import KNOWN
from cosimo.errors import Refused
from serve.scene import one_sentence


@pytest.fixture(autouse=True)
def empty_home(monkeypatch, tmp_path):
    monkeypatch.setenv("COSIMO_HOME", str(tmp_path / "home"))


def test_the_machine(cosimo):
    assert ["version", __version__] in cosimo("info").rows
    model_home("minilm").mkdir(parents=True)
    (machine,) = cosimo("info", "--json").objects
    assert {model["name"]: model["here"] for model in machine["models"]} == {name: name == "minilm" for name in KNOWN}
    assert ["static", "cosimo fetch static", KNOWN["static"].about] in cosimo("info").rows


def test_a_collection(cosimo, collection):
    (facts,) = cosimo("info", collection, "--json").objects
    with Collection.open(collection, mode="r") as opened:
        assert facts == opened.info()
    assert facts["items"] == 4
    assert ["fields", "year: int, venue: str"] in cosimo("info", collection).rows


def test_a_model_folder_and_a_saved_space(cosimo, space, tmp_path):
    (model,) = cosimo("info", space, "--json").objects
    assert (model["dim"], model["similarity"], model["kind"]) == (24, "cosine", "static")
    Space.load(space).save(tmp_path / "saved")
    assert cosimo("info", tmp_path / "saved", "--json").objects == [model]


def test_what_is_not_there(cosimo, tmp_path):
    one_sentence(cosimo("info", "minilm"), "cosimo fetch minilm")
    one_sentence(cosimo("info", tmp_path / "none"), "none")


def test_fetch_goes_through_the_names(cosimo, monkeypatch, tmp_path):
    fetched = []

    def fetch(name, *, progress, force):
        fetched.append((name, force))
        return tmp_path / name

    monkeypatch.setattr("cosimo.encode.models.fetching.fetch", fetch)
    outcome = cosimo("fetch", "minilm", "static", "--force")
    assert fetched == [("minilm", True), ("static", True)]
    assert outcome.err == f"minilm: {tmp_path / 'minilm'}\nstatic: {tmp_path / 'static'}\n"


def test_fetch_of_a_wrong_file_is_refused(cosimo, monkeypatch):
    def fetch(name, *, progress, force):
        raise Refused("another hash")

    monkeypatch.setattr("cosimo.encode.models.fetching.fetch", fetch)
    refused = cosimo("fetch", "minilm")
    assert (refused.code, refused.err) == (3, "error: another hash\n")


def test_fetch_of_nothing_known(cosimo):
    one_sentence(cosimo("fetch", "no-such-model"), "no-such-model")
    assert cosimo("fetch").code == 2
