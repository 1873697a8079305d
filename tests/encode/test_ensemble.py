import json
import warnings

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from cosimo.compare import Cosine
from cosimo.encode import EnsembleEncoder, FunctionEncoder, StaticEncoder, Table, TruncationWarning, tally
from cosimo.errors import DataError, ShapeError
from cosimo.passport import Passport

KEYS = ["tea", "coffee", "salt", "pepper", "sugar", "rice"]
ITEMS = KEYS


def table(dim, seed):
    """Vectors of every length, one of them zero."""
    X = np.random.default_rng(seed).normal(size=(len(KEYS), dim)) * np.arange(len(KEYS))[:, None]
    return Table(KEYS, X, name=f"table{seed}")


EXAMPLES = [
    EnsembleEncoder([table(4, 0), table(4, 1)]),
    EnsembleEncoder([table(4, 0), table(3, 1)], how="concat"),
    EnsembleEncoder([table(4, 0)], normalise=False),
]


def normalised(X):
    return [[x / max(sum(y * y for y in row) ** 0.5, 1e-12) for x in row] for row in X.tolist()]


def test_mean_oracle_loop():
    a, b = table(4, 0), table(4, 1)
    X = EnsembleEncoder([a, b]).encode(KEYS)
    pairs = zip(normalised(a.X), normalised(b.X), strict=True)
    loop = [[(x + y) / 2 for x, y in zip(left, right, strict=True)] for left, right in pairs]
    np.testing.assert_allclose(X, loop, atol=1e-6)
    np.testing.assert_allclose(
        EnsembleEncoder([a, b], normalise=False).encode(KEYS), (a.X + b.X) / 2, rtol=1e-6, atol=1e-6
    )


def test_concat_oracle_loop():
    a, b = table(4, 0), table(3, 1)
    X = EnsembleEncoder([a, b], how="concat").encode(KEYS)
    loop = [left + right for left, right in zip(normalised(a.X), normalised(b.X), strict=True)]
    np.testing.assert_allclose(X, loop, atol=1e-6)
    assert X.shape == (6, 7)


def test_cosine_of_concatenated_vectors_is_the_mean_of_cosines():
    a, b = table(4, 0), table(3, 1)
    X = EnsembleEncoder([a, b], how="concat").encode(KEYS[1:])
    cosines = [Cosine()(each.X[1:], each.X[1:]) for each in (a, b)]
    np.testing.assert_allclose(Cosine()(X, X), np.mean(cosines, axis=0), atol=1e-6)


def test_without_normalising_the_longer_vectors_decide():
    loud = Table(KEYS, 1000 * table(4, 1).X)
    X = EnsembleEncoder([table(4, 0), loud], how="concat", normalise=False).encode(KEYS[1:])
    np.testing.assert_allclose(Cosine()(X, X), Cosine()(loud.X[1:], loud.X[1:]), atol=1e-3)


def test_passport_tells_encoders_order_and_way_apart():
    a, b = table(4, 0), table(4, 1)
    made = EnsembleEncoder([a, b])
    assert made.passport.name == "table0+table1"
    others = [
        EnsembleEncoder([b, a]),
        EnsembleEncoder([a, a]),
        EnsembleEncoder([a, b], how="concat"),
        EnsembleEncoder([a, b], normalise=False),
    ]
    assert [made.passport.compare(other.passport).verdict for other in others] == ["different"] * 4
    assert made.passport.compare(EnsembleEncoder([table(4, 0), table(4, 1)]).passport).verdict == "identical"


def test_behaviour_is_compared_where_no_hash_pins_an_encoder():
    def shape(texts):
        return np.array([[len(text), text.count("a") - 1.0] for text in texts])

    made = EnsembleEncoder([FunctionEncoder(shape), FunctionEncoder(lambda texts: shape(texts) ** 2)])
    assert not made.passport.content
    assert made.passport.probe.shape == (16, 2)
    again = EnsembleEncoder([FunctionEncoder(shape), FunctionEncoder(lambda texts: shape(texts) * shape(texts))])
    other = EnsembleEncoder([FunctionEncoder(shape), FunctionEncoder(lambda texts: -shape(texts))])
    assert made.passport.compare(again.passport).verdict == "compatible"
    assert made.passport.compare(other.passport).verdict == "different"
    assert EnsembleEncoder([FunctionEncoder(shape), table(2, 0)]).passport.probe is None
    assert Passport.from_json(json.loads(json.dumps(made.passport.to_json()))).compare(made.passport)


def test_roles_reach_every_encoder():
    one = FunctionEncoder(lambda texts: np.ones((len(texts), 2)), query=lambda texts: -np.ones((len(texts), 2)))
    made = EnsembleEncoder([one, one], how="concat", normalise=False)
    np.testing.assert_array_equal(made.encode_query(["a"]), -made.encode_document(["a"]))


def words(max_length):
    vocabulary = {"good": 0, "nice": 1, "????": 2}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="????"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return StaticEncoder([[1, 1], [-1, 3], [9, 9]], tokenizer.to_str(), max_length=max_length)


def test_a_text_cut_by_two_encoders_is_cut_once():
    made = EnsembleEncoder([words(1), words(3)])
    with tally() as seen:
        made.encode(["good", "good nice", "good nice nice"])
    assert (seen.cut, seen.limit) == (2, 1)
    with pytest.warns(TruncationWarning, match="2 of 3 texts were longer than 1 tokens"):
        made.encode(["good", "good nice", "good nice nice"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.encode(["good"])


def test_what_cannot_be_put_together_is_refused():
    with pytest.raises(ShapeError, match=r'same dimensions, got \[4, 3\]; how="concat"'):
        EnsembleEncoder([table(4, 0), table(3, 1)])
    with pytest.raises(DataError, match="how is"):
        EnsembleEncoder([table(4, 0)], how="sum")
    with pytest.raises(DataError, match="at least one encoder"):
        EnsembleEncoder([])
