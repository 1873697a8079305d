import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError

from cosimo.errors import DataError, Refused
from cosimo.refine import (
    PCA,
    Affine,
    Centre,
    Chain,
    Normalise,
    Truncate,
    Whitening,
    load_state,
    save_state,
    state_digest,
)

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=(60, 8)) + 1).astype(np.float32), RNG.normal(size=(9, 8)).astype(np.float32)

FITTED = [
    Affine(np.ones((8, 2)), np.zeros(2)),
    Centre().fit(X),
    Normalise(),
    PCA(3).fit(X),
    Truncate(3),
    Truncate(np.int64(3), normalise=False),
    Whitening().fit(X),
    Chain([Whitening(5), Chain([Truncate(2)]), Normalise()]).fit(X),
    Chain([Centre() for _ in range(11)]).fit(X),
    Chain([]),
]


def through_files(refiner):
    """As a space keeps it: JSON text and the bytes of a safetensors file."""
    saved, arrays = save_state(refiner)
    return json.loads(json.dumps(saved, sort_keys=True)), load(save(arrays))


@pytest.mark.parametrize("refiner", FITTED, ids=repr)
def test_what_is_loaded_gives_the_same_bytes(refiner):
    loaded = load_state(*through_files(refiner))
    np.testing.assert_array_equal(loaded.transform(Y), refiner.transform(Y))
    assert loaded.transform(Y).dtype == np.float32
    assert loaded.fit(X) is loaded
    assert loaded.transform(Y[:0]).shape == refiner.transform(Y[:0]).shape


@pytest.mark.parametrize("refiner", FITTED, ids=repr)
def test_what_is_loaded_can_be_saved_again(refiner):
    assert state_digest(load_state(*through_files(refiner))) == state_digest(refiner)


def test_sides():
    sides = {"query": Whitening(2).fit(X), "document": Chain([Centre().fit(X), Truncate(2)])}
    loaded = load_state(*through_files(sides))
    assert loaded.keys() == sides.keys()
    for side, refiner in loaded.items():
        np.testing.assert_array_equal(refiner.transform(Y), sides[side].transform(Y))


def test_nothing():
    assert save_state(None) == (None, {})
    assert load_state(None, {}) is None
    assert state_digest(None) is None


def test_digest_sees_every_number_and_setting():
    W, b = np.ones((8, 2)), np.zeros(2)
    changed = W.copy()
    changed[0, 0] = np.nextafter(1, 2)
    refiners = [Affine(W, b), Affine(changed, b), Affine(W, b + 1), Normalise(), Chain([Normalise()])]
    refiners += [Truncate(2), Truncate(3), Truncate(2, normalise=False)]
    refiners += [Chain([Truncate(3), Truncate(2)]), Chain([Truncate(2), Truncate(3)])]
    assert len({state_digest(refiner) for refiner in refiners}) == len(refiners)


def test_unfitted_refused():
    with pytest.raises(NotFittedError):
        save_state(Whitening())


class Impostor:
    """Has a state, of a kind nothing would read back."""

    def state(self):
        return {"kind": "impostor"}, {}


FOREIGN = [TruncatedSVD(), Impostor(), Chain([TruncatedSVD()]), {"query": Impostor()}]


@pytest.mark.parametrize("foreign", FOREIGN, ids=["scikit-learn", "impostor", "in a chain", "on a side"])
def test_what_cannot_be_read_back_is_refused(foreign):
    with pytest.raises(Refused, match=r"(TruncatedSVD|Impostor) cannot be saved.* affine\(\)"):
        save_state(foreign)


@pytest.mark.parametrize(
    "saved",
    [
        {},
        [],
        "affine",
        {"kind": "os.system"},
        {"kind": ["affine"]},
        {"kind": "affine"},
        {"kind": "truncate", "dims": "2", "normalise": True},
        {"kind": "truncate", "dims": 2},
        {"kind": "chain", "parts": {"1": {"kind": "normalise"}}},
        {"kind": "chain", "parts": [{"kind": "normalise"}]},
        {"kind": "chain", "parts": {"0": None}},
        {"kind": "sides", "parts": {"query": {"kind": "pickle"}}},
    ],
    ids=lambda saved: str(saved)[:40],
)
def test_hostile_or_broken_states_are_refused(saved):
    with pytest.raises(DataError, match="this is not a refiner written by cosimo"):
        load_state(saved, {})


def test_a_state_nested_without_end_is_refused():
    saved = {"kind": "normalise"}
    for _ in range(10_000):
        saved = {"kind": "chain", "parts": {"0": saved}}
    with pytest.raises(DataError, match="RecursionError"):
        load_state(saved, {})


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"not a refiner written by cosimo .*W \(d, k\)"):
        load_state({"kind": "affine"}, {"W": np.ones((2, 2)), "b": np.ones(3)})


LOADING = """
import json, sys
from safetensors.numpy import load_file
from cosimo.refine import load_state
refiner = load_state(json.loads(sys.argv[1]), load_file(sys.argv[2]))
import numpy as np
refiner.transform(np.ones((1, 8), np.float32))
print(sorted({"sklearn", "scipy", "torch", "pandas", "joblib"} & set(sys.modules)))
"""


def test_loading_needs_numpy_alone(tmp_path):
    saved, arrays = save_state({"query": Chain([Whitening(4), Truncate(2)]).fit(X), "document": PCA(2).fit(X)})
    (tmp_path / "refiner.safetensors").write_bytes(save(arrays))
    script = LOADING.replace("refiner.transform", 'refiner["query"].transform')
    command = [sys.executable, "-c", script, json.dumps(saved), str(tmp_path / "refiner.safetensors")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
