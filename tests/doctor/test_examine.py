"""The doctor: what it sees in spaces with a defect, what it does not see in healthy ones, and what it refuses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from assembly.toys import DIM, bag_of_words, toy_space
from cosimo import Collection, Space
from cosimo.doctor import limits
from cosimo.encode import FunctionEncoder, Precomputed
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Examination, examine
from doctor.healthy import TEXTS, space, spread

DOCS = Path(__file__).parents[2] / "docs" / "doctor.md"


@pytest.fixture(scope="module")
def healthy() -> Examination:
    return examine(space(), items=TEXTS)


def test_a_healthy_space_gives_no_cause(healthy):
    assert [finding.name for finding in healthy.findings if finding.matters] == []
    assert healthy.worst in ("fine", "unclear")
    assert {"hubs", "copies", "batches", "noise: typos", "8-bit storage", "cut texts"} <= {f.name for f in healthy.fine}
    assert healthy.summary == f"240 vectors of 64 dimensions. No issues found; {len(healthy.fine)} checks passed."


def test_the_same_seed_says_the_same(healthy):
    again = examine(space(), items=TEXTS).to_json()
    assert again == healthy.to_json()


def test_json_is_json(healthy):
    text = json.dumps(healthy.to_json(), allow_nan=False)
    assert json.loads(text)["figures"]["Norms"]["mean"]["value"] == pytest.approx(1.0)


def constant(X):
    return np.column_stack([X[:, :-1], np.full(len(X), 1.5)])


DEFECTS = {
    "dominating dimension": constant,
    "common direction": lambda X: X + 2 * np.eye(1, DIM)[0] + 2 * np.eye(1, DIM, 3)[0],
    "coarse values": lambda X: np.round(X * 3),
    "few directions": lambda X: np.tile(X[:, :2], DIM // 2),
    "batches": lambda X: X - X.mean(axis=0) / 2,
    "zero vectors": lambda X: X * (np.abs(X).max(axis=1, keepdims=True) > 0.3),
    "different texts, equal vectors": lambda X: np.round(X[:, :1] * 4) * np.ones((1, DIM)) + 1.0,
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_of_the_encoder_is_seen(name):
    found = examine(space(DEFECTS[name]), items=TEXTS)
    assert found[name].matters, found[name]
    assert name in found
    assert found[name].advice


def test_a_hub_is_named():
    X = spread(TEXTS) + 0.15
    X[17] = X.mean(axis=0)
    found = examine(X)
    assert found["hubs"].matters
    assert "item 18" in found["hubs"].what
    assert found.hubs[0][0] == "18"
    assert "item 18" in found.to_html()


def test_equal_lengths_are_not_drawn():
    X = spread(TEXTS)
    unit_vectors = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert "Lengths of the vectors" in examine(X * np.linspace(1, 2, len(X))[:, None]).to_html()
    assert "Lengths of the vectors" not in examine(unit_vectors).to_html()


def test_lengths_count_where_they_are_seen():
    def stretched(X):
        return X * np.exp(X[:, :1] * 3)

    by_dot, by_cosine = (examine(space(stretched, similarity=name), items=TEXTS) for name in ("dot", "cosine"))
    assert by_dot["unequal lengths"].severity == "serious"
    assert by_cosine["unequal lengths"].severity == "fine"
    assert examine(stretched(spread(TEXTS)))["unequal lengths"].severity == "minor"


def test_copies_are_told_by_their_texts():
    items = [*TEXTS[:200], *(text.upper() for text in TEXTS[:30])]
    found = examine(space(), items=items)["copies"]
    assert found.severity == "serious"
    assert found.measured.value == pytest.approx(30 / 230)
    assert examine(np.tile(spread(TEXTS[:100]), (2, 1)))["copies"].measured.value == 0.5


def test_texts_that_are_cut_are_told():
    class Short:
        def __init__(self):
            self.inner = space().encoder
            self.dim, self.passport = DIM, self.inner.passport

        def encode(self, items, *, role=None, given=None, batch_size=None, progress=False):
            from cosimo.encode.truncation import note

            note(sum(len(text.split()) > 12 for text in items), n=len(items), limit=12)
            return self.inner.encode([" ".join(text.split()[:12]) for text in items])

    found = examine(Short(), items=TEXTS)
    share = np.mean([len(text.split()) > 12 for text in TEXTS])
    assert found["cut texts"].measured.value == pytest.approx(share)
    assert found["cut texts"].severity == "serious"
    assert found["cut texts"].trial is not None


class TestCollection:
    @pytest.fixture
    def collection(self, tmp_path):
        with Collection.create(tmp_path / "items.cosimo", space()) as made:
            made.add(TEXTS)
            yield made

    def test_a_healthy_one(self, collection):
        found = examine(collection)
        assert found.target == "items.cosimo"
        assert not [finding.name for finding in found.findings if finding.matters]
        assert found["vectors of another encoder"].severity == "fine"

    def test_passages_are_compared_with_their_own_texts(self, tmp_path):
        with Collection.create(tmp_path / "parts.cosimo", space(), chunk="6/0") as parts:
            parts.add(TEXTS)
            found = examine(parts)
        assert found.n > 2 * len(TEXTS)
        assert found["vectors of another encoder"].measured.value == 0
        assert any("passages" in remark for remark in found.remarks)

    def test_strange_vectors_among_them(self, tmp_path):
        strange = spread(TEXTS)
        strange[:60] = bag_of_words(TEXTS[:60])
        calls = {"build": True}

        def made(texts):
            built = dict(zip(TEXTS, strange, strict=True)) if calls["build"] else {}
            return np.stack([built.get(text, spread([text])[0]) for text in texts])

        with Collection.create(tmp_path / "mixed.cosimo", Space(FunctionEncoder(made, dim=DIM))) as mixed:
            mixed.add(TEXTS)
            calls["build"] = False
            found = examine(mixed)
        finding = found["vectors of another encoder"]
        assert finding.severity == "serious"
        assert finding.measured.value == pytest.approx(0.25)
        assert finding.trial.chosen == "encode anew"
        assert finding.trial.helps

    def test_vectors_made_for_the_other_side(self, tmp_path):
        both = space(query=lambda texts: spread([f"word1 word2 {text}" for text in texts]))
        with Collection.create(tmp_path / "sides.cosimo", both) as sides:
            sides.add(TEXTS)
            assert examine(sides)["prompts"].severity == "fine"
        with Collection.create(tmp_path / "swapped.cosimo", both) as swapped:
            with Collection.open(tmp_path / "sides.cosimo", space=both) as sides:
                items = list(sides.scan())
            swapped._store.add(items, {"whole": tokens(both.encode_query(TEXTS))})  # as if encoded elsewhere
            found = examine(swapped)
        assert found["prompts"].severity == "serious"
        assert "as a query" in found["prompts"].what

    def test_without_its_encoder_the_vectors_are_looked_at(self, collection, tmp_path):
        path = tmp_path / "given.cosimo"
        with Collection.create(path, Space(Precomputed(DIM, name="elsewhere"))) as given:
            given.add([{"id": str(i)} for i in range(len(TEXTS))], text=None, vectors=spread(TEXTS))
            found = examine(given)
        assert found["hubs"].severity == "fine"
        assert "vectors of another encoder" not in {finding.name for finding in found.fine}
        assert any("made elsewhere" in remark for remark in found.remarks)

    def test_another_encoder_is_a_finding(self, collection):
        collection._space = None
        Space(FunctionEncoder(bag_of_words, dim=DIM, name="spread")).save(collection.path / "space")
        found = examine(collection)
        assert any("encoder is not here" in remark for remark in found.remarks) or "another encoder" in found

    def test_an_empty_one(self, tmp_path):
        with (
            Collection.create(tmp_path / "empty.cosimo", space()) as empty,
            pytest.raises(DataError, match="is empty: there is nothing"),
        ):
            examine(empty)

    def test_items_of_its_own(self, collection):
        with pytest.raises(DataError, match="has its own items"):
            examine(collection, items=TEXTS)


def tokens(X):
    from cosimo.types import Tokens

    return Tokens(X.astype(np.float32), np.arange(len(X) + 1))


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_a_few_items_are_not_enough_to_tell(n):
    found = examine(space(), items=TEXTS[:n])
    assert not [finding.name for finding in found.findings if finding.matters]
    assert found.n == n
    assert found.worst == "unclear"
    json.dumps(found.to_json(), allow_nan=False)
    assert "inconclusive (too few items)" in found.to_html()


def test_constant_vectors():
    found = examine(np.full((80, 6), 0.5))
    assert found["common direction"].severity == "serious"
    assert found["copies"].severity == "serious"
    found.to_html()


def test_all_zero_vectors():
    found = examine(np.zeros((80, 6)))
    assert found["zero vectors"].severity == "serious"
    found.to_html()


def test_long_lists_of_items_are_sampled(monkeypatch):
    monkeypatch.setattr("cosimo.doctor.examine.SAMPLE", 90)
    found = examine(space(), items=TEXTS, seed=4)
    assert found.n == 90
    assert "90 of 240 items were drawn" in found.remarks[0]


def test_texts_beside_given_vectors():
    found = examine(spread(TEXTS), items=TEXTS)
    assert found["copies"].measured.value == 0
    assert "noise: typos" not in {finding.name for finding in found.fine}


@pytest.mark.parametrize(
    ("target", "items", "error", "message"),
    [
        (np.full((5, 3), np.nan), None, DataError, "NaN"),
        (np.ones((0, 3)), None, DataError, "no vector"),
        (np.ones(3), None, ShapeError, "shape"),
        ([[1.0, 2.0], [3.0]], None, ShapeError, "one length"),
        (["a text", "another"], None, DataError, "examine\\(space, items=texts\\)"),
        ("papers.cosimo", None, DataError, "expected a Collection"),
        (None, None, DataError, "got NoneType"),
        (np.ones((3, 2)), ["a"], ShapeError, "one text per vector"),
        (toy_space(), None, DataError, "no items of its own"),
        (toy_space(), [], DataError, "items is empty"),
        (toy_space(), [1, 2], DataError, "item 0 is int"),
        (toy_space(), "a text", DataError, "list of texts"),
        (Space(Precomputed(3, name="x")), ["a"], DataError, "no encoder here"),
    ],
    ids=str,
)
def test_what_cannot_be_examined(target, items, error, message):
    with pytest.raises(error, match=message):
        examine(target, items=items)


def test_names_that_are_not_there(healthy):
    with pytest.raises(KeyError):
        healthy["no such finding"]


def test_spaces_of_other_things_than_vectors():
    with pytest.raises(DataError, match="compares tokens"):
        examine(Space(FunctionEncoder(spread, dim=DIM), similarity="maxsim"), items=TEXTS)


def test_the_page_of_the_docs_names_the_limits_in_use():
    rows = [line.split("|") for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    told = {row[1].split(",")[0].split(":")[0].strip(): row[3] for row in rows if len(row) == 5}
    names = {
        "unequal lengths": limits.LENGTHS,
        "common direction": limits.COMMON,
        "dominating dimension": limits.DOMINATING,
        "few directions": limits.RANK,
        "hubs": limits.HUB,
        "coarse values": limits.BITS,
        "8-bit storage": limits.INT8,
        "copies": limits.COPIES,
        "cut texts": limits.CUT,
        "noise": limits.LOST,
    }
    for name, (minor, serious) in names.items():
        numbers = re.findall(r"([\d.]+)( %)?", told[name])
        assert [float(number) / (100 if share else 1) for number, share in numbers] == [serious, minor], name
    for name, serious in {"zero vectors": limits.ZERO, "batches": limits.STRAY, "prompts": limits.STRAY}.items():
        assert f"{serious:.0%}".replace("%", " %") in told[name]
    for name, (minor, _) in {"length": limits.LENGTH_BIAS, "word frequency": limits.FREQUENCY}.items():
        assert told[name].strip() == f"never, {minor:g}"
