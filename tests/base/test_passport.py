import json
from dataclasses import replace

import numpy as np
import pytest

from cosimo._arrays import unit
from cosimo.errors import DataError, PassportMismatch
from cosimo.passport import AGREEMENT, Passport, fingerprint


def turned(X: np.ndarray, cosine: float) -> np.ndarray:
    """Vectors (n, d) at exactly this cosine from those of `X`."""
    rng = np.random.default_rng(7)
    X = unit(X)
    aside = rng.normal(size=X.shape)
    aside = unit(aside - (aside * X).sum(axis=1, keepdims=True) * X)
    return (cosine * X + np.sqrt(1 - cosine**2) * aside).astype(np.float32)


PROBE = unit(np.random.default_rng(0).normal(size=(16, 8))).astype(np.float32)
MINE = Passport(
    "onnx", "mine", 8, {"weights": "aa" * 32, "similarity": "cosine", "prompts": {"query": "q: "}}, probe=PROBE
)


def test_same_facts_are_identical():
    other = replace(MINE, name="another name", facts=dict(reversed(MINE.facts.items())))
    assert MINE.compare(other).verdict == "identical"
    assert MINE.digest == other.digest


def test_a_callable_is_never_identical_on_paper():
    mine = replace(MINE, content=False)
    assert mine.compare(mine).verdict == "compatible"


@pytest.mark.parametrize(("cosine", "verdict"), [(0.99995, "compatible"), (0.9998, "different"), (0.95, "different")])
def test_probe_vectors_decide_when_facts_differ(cosine, verdict):
    other = replace(MINE, facts=MINE.facts | {"runtime": "torch"}, probe=turned(PROBE, cosine))
    comparison = MINE.compare(other)
    assert comparison.verdict == verdict
    assert bool(comparison) == (verdict != "different")
    assert comparison.agreement == pytest.approx(cosine, abs=1e-6)
    assert any("runtime" in difference for difference in comparison.differences)


def test_one_probe_that_disagrees_is_enough():
    probe = PROBE.copy()
    probe[11] = turned(PROBE, 0.9)[11]
    assert MINE.compare(replace(MINE, content=False, probe=probe)).verdict == "different"


def test_the_bar_is_the_one_promised():
    assert AGREEMENT == 0.9999


def test_length_of_probe_vectors_does_not_matter():
    assert MINE.compare(replace(MINE, content=False, probe=3 * PROBE)).verdict == "compatible"


def test_same_dimension_other_model_is_different():
    other = replace(MINE, facts=MINE.facts | {"weights": "bb" * 32}, probe=PROBE[::-1].copy())
    with pytest.raises(PassportMismatch, match=r"weights: .* here, .* there; probe vectors: cosine"):
        MINE.require(other, "The collection")


def test_another_similarity_is_different_though_vectors_agree():
    other = replace(MINE, facts=MINE.facts | {"similarity": "dot"})
    assert MINE.compare(other).verdict == "different"
    with pytest.raises(
        PassportMismatch, match=r'The index was made by "mine" .* similarity: "cosine" here, "dot" there'
    ):
        MINE.require(other, "The index")


def test_another_dimension_is_different():
    assert MINE.compare(replace(MINE, dim=4, probe=PROBE[:, :4])).verdict == "different"


def test_without_probes_facts_decide():
    other = replace(MINE, facts=MINE.facts | {"weights": "bb" * 32}, probe=None)
    assert MINE.compare(other).verdict == "different"


def test_neither_facts_nor_probes_is_different():
    blank = replace(MINE, content=False, probe=None)
    assert blank.compare(blank).verdict == "different"
    assert "probe vectors" in blank.compare(blank).differences[0]


def test_nested_facts_are_shown_by_path():
    other = replace(MINE, facts=MINE.facts | {"prompts": {"query": "search: "}}, probe=PROBE[::-1].copy())
    assert 'prompts.query: "q: " here, "search: " there' in MINE.compare(other).differences


def test_json_round_trip():
    again = Passport.from_json(json.loads(json.dumps(MINE.to_json())))
    assert MINE.compare(again).verdict == "identical"
    np.testing.assert_array_equal(again.probe, MINE.probe)
    assert (again.kind, again.name, again.dim, again.content) == (MINE.kind, MINE.name, MINE.dim, MINE.content)


def test_json_round_trip_without_probe():
    assert Passport.from_json(replace(MINE, probe=None).to_json()).probe is None


@pytest.mark.parametrize(
    "change",
    [{"dim": "eight"}, {"dim": 7}, {"facts": 3}, {"probe": "not base64!"}, {"probe": 4}],
    ids=["dim-text", "dim-misfit", "facts-number", "probe-text", "probe-number"],
)
def test_damaged_json_refused(change):
    with pytest.raises(DataError, match="not a passport written by cosimo"):
        Passport.from_json(MINE.to_json() | change)


@pytest.mark.parametrize("key", ["kind", "name", "dim", "facts", "content", "probe"])
def test_missing_key_refused(key):
    data = MINE.to_json()
    del data[key]
    with pytest.raises(DataError, match=key):
        Passport.from_json(data)


def test_fingerprint_is_stable():
    assert fingerprint({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_fingerprint_refuses_nan():
    with pytest.raises(ValueError, match="JSON"):
        fingerprint({"a": float("nan")})


def test_probe_vectors_are_made_when_hashes_do_not_decide():
    calls = []
    lazy = replace(MINE, probe=lambda: calls.append(1) or PROBE)
    assert MINE.compare(lazy).verdict == lazy.compare(MINE).verdict == "identical"
    assert calls == []
    other = replace(MINE, facts=MINE.facts | {"runtime": "torch"})
    assert other.compare(lazy).verdict == "compatible"
    np.testing.assert_array_equal(lazy.probe, PROBE)
    assert calls == [1]
    assert replace(MINE, probe=lambda: None).probe is None
