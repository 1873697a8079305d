"""`--precision`: chosen when a collection is built, and kept by it."""

import pytest

import cosimo as library
from encode.tiny_bert import write_tiny_bert
from serve.scene import one_sentence


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_bert(tmp_path_factory.mktemp("models") / "bert")


def test_build_in_8_bits_and_search(cosimo, papers, model, tmp_path):
    path = tmp_path / "papers.cosimo"
    words = ("build", papers, "--text", "title", "--id", "id", "--space", model, "--into", path)
    built = cosimo(*words, "--precision", "int8")
    assert built.code == 0, built.err
    found = cosimo("search", path, "late interaction", "-k", "1", "--json")
    (hit,) = found.objects
    with library.Collection.open(path) as collection:
        assert collection.space.encoder.precision == "int8"
        assert hit["hits"][0]["score"] == pytest.approx(
            float(collection.search("late interaction", k=1).scores[0, 0]), abs=1e-6
        )
    other = cosimo(*words, "--update")
    assert other.code == 3
    assert 'precision: "int8" here, "fp32" there' in other.err
    again = cosimo(*words, "--update", "--precision", "int8")
    assert again.code == 0, again.err


def test_similar_in_8_bits(cosimo, model):
    fp32, int8 = (
        cosimo("similar", "a cat", "the man", "--space", model, *more) for more in ([], ["--precision", "int8"])
    )
    space = library.Space.load(model, precision="int8")
    assert float(int8.out) == pytest.approx(float(space.similarity_pairwise(["a cat"], ["the man"])[0]), abs=1e-4)
    assert abs(float(fp32.out) - float(int8.out)) < 0.05


def test_other_precisions_are_a_usage_error(cosimo, model):
    outcome = cosimo("similar", "a", "b", "--space", model, "--precision", "int4")
    assert outcome.code == 2
    assert "fp32" in outcome.err


def test_tables_have_no_precision(cosimo, space):
    one_sentence(cosimo("similar", "a", "b", "--space", space, "--precision", "int8"), "table", "precision")
