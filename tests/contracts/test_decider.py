"""What every decider keeps; what it promises is simulated in its own test file."""

import numpy as np
import pytest

from contracts.collect import Example, Kind, where
from cosimo.contracts import Decider
from cosimo.decide import load_decider, save_decider
from cosimo.errors import CosimoError, DataError, Refused, ScaleMismatch, ShapeError
from cosimo.guarantee import Guarantee

N = 800


def labels(dtype: type = np.float32, n: int = N, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels of a score that is worth something: most pairs above 0.7 match, few below 0.4 do."""
    rng = np.random.default_rng(seed)
    S = rng.uniform(0, 1, n)
    return S.astype(dtype), (rng.uniform(size=n) < 1 / (1 + np.exp(-25 * (S - 0.5)))).astype(np.int8)


def context(decider: Decider, n: int) -> dict:
    """Whatever the decider cannot do without."""
    rng = np.random.default_rng(7)
    given = {"scale": "cosine"}
    if "query" in decider.needs:
        given["query"] = rng.normal(size=(n, 5)).astype(np.float32)
    if "by" in decider.needs:
        given["by"] = ["a" if i % 2 else "b" for i in range(n)]
    return given


def clusters(decider: Decider, n: int) -> list[int] | None:
    """The query of each pair, for what is promised of queries."""
    return [i // 2 for i in range(n)] if getattr(decider, "of_queries", False) else None


def learnt(decider: Decider, dtype: type = np.float32) -> Decider:
    S, y = labels(dtype)
    only = getattr(decider, "learns_from", None)
    if only is not None:
        S, y = S[y == only], None
    given = context(decider, len(S))
    return decider.fit(S, y, clusters=clusters(decider, len(S)), by=given.get("by"), context=given)


def _inputs(example: Example, n: int, dtype: type) -> tuple:
    return (labels(dtype, n, seed=5)[0],)


def _answer(value: Decider, S: np.ndarray) -> list[np.ndarray]:
    return [learnt(value).predict(S, context=context(value, len(S)))]


KIND = Kind("decider", Decider, inputs=_inputs, answer=_answer, seed_shows=False)


def judged(decider: Decider, S: np.ndarray, veto=None) -> np.ndarray:
    return decider.predict(S, context=context(decider, len(S)), veto=veto)


def one_group(decider: Decider, n: int) -> dict:
    """The same context for all of n scores."""
    whole = context(decider, 1)
    return {key: value if key == "scale" else np.repeat(np.asarray(value), n, axis=0) for key, value in whole.items()}


def test_fit_returns_itself(decider):
    value = decider.fresh()
    assert learnt(value) is value


def test_decisions_are_plus_one_zero_and_minus_one(decider):
    decision = judged(learnt(decider.fresh()), labels(n=50)[0])
    assert decision.dtype == np.int8
    assert decision.shape == (50,)
    assert set(decision.tolist()) <= {-1, 0, 1}


def test_monotone_in_the_score(decider):
    value = learnt(decider.fresh())
    S = np.linspace(0, 1, 200, dtype=np.float32)
    decision = value.predict(S, context=one_group(value, len(S)))
    assert (np.diff(decision.astype(int)) >= 0).all()
    assert decision[-1] == 1


def test_what_is_no_number_is_asked(decider):
    assert judged(learnt(decider.fresh()), np.array([np.nan, 0.99], np.float32))[0] == 0


def test_what_is_vetoed_is_asked(decider):
    S = np.array([0.99, 0.99, 0.01], np.float32)
    decision = judged(learnt(decider.fresh()), S, np.array([True, False, True]))
    assert decision[0] == decision[2] == 0


def test_veto_of_another_length_refused(decider):
    with pytest.raises(ShapeError):
        judged(learnt(decider.fresh()), np.array([0.5, 0.6], np.float32), np.array([True]))


def test_unfitted_refused(decider):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        judged(decider.fresh(), np.array([0.5], np.float32))
    assert decider.fresh().guarantee is None


def test_guarantee_is_said_in_words(decider):
    guarantee = learnt(decider.fresh()).guarantee
    assert isinstance(guarantee, Guarantee)
    said = str(guarantee)
    assert ("Guarantee" in said) == (guarantee.kind != "estimate")
    assert guarantee.n_units > 0
    assert Guarantee.from_json(guarantee.to_json()) == guarantee


def test_probabilities_are_between_0_and_1_and_monotone(decider):
    value = learnt(decider.fresh())
    S = np.linspace(0, 1, 100, dtype=np.float32)
    try:
        P = value.probability(S, context=one_group(value, len(S)))
    except Refused:
        return  # one class alone says nothing about probabilities
    assert ((P >= 0) & (P <= 1)).all()
    assert (np.diff(P) >= -1e-9).all()


def test_another_scale_refused(decider):
    value = learnt(decider.fresh())
    given = {**context(value, 2), "scale": "bm25"}
    with pytest.raises(ScaleMismatch, match="bm25"):
        value.predict(np.array([0.1, 0.9], np.float32), context=given)


@where(lambda decider: decider.value.needs)
def test_needs_are_asked_for(decider):
    with pytest.raises(CosimoError, match=next(iter(decider.value.needs))):
        learnt(decider.fresh()).predict(np.array([0.1, 0.9], np.float32))


def test_scores_that_are_no_numbers_refused_at_fit(decider):
    S, y = labels()
    S[3] = np.nan
    only = getattr(decider.value, "learns_from", None)
    given = context(decider.value, len(S))
    with pytest.raises(DataError, match="NaN"):
        decider.fresh().fit(
            S,
            y if only is None else None,
            clusters=clusters(decider.value, len(S)),
            by=given.get("by"),
            context=given,
        )


def test_labels_of_other_values_refused(decider):
    S, y = labels()
    given = context(decider.value, len(S))
    with pytest.raises(DataError, match="labels must be 1"):
        decider.fresh().fit(S, y * 2, clusters=clusters(decider.value, len(S)), by=given.get("by"), context=given)


def test_inputs_stay(decider):
    S, y = labels()
    before = S.copy(), y.copy()
    learnt(decider.fresh())
    judged(learnt(decider.fresh()), S)
    np.testing.assert_array_equal(S, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_stored_and_loaded_is_equal(decider):
    value = learnt(decider.fresh())
    again = load_decider(*save_decider(value))
    S = labels(n=100, seed=9)[0]
    np.testing.assert_array_equal(judged(again, S), judged(value, S))
    assert again.guarantee == value.guarantee
