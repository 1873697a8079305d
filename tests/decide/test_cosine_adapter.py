import json

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from cosimo._arrays import unit
from cosimo.decide import CosineAdapter
from cosimo.decide.calibrators.cosine_adapter import hold_out
from cosimo.decide.calibrators.query_curves import Pairs, backward, forward, loss_and_slopes
from cosimo.errors import DataError, Refused, ScaleMismatch, ShapeError

EXAMPLES = [CosineAdapter(epochs=20), CosineAdapter("sqrt", (8,), epochs=20), CosineAdapter("linear", (), epochs=20)]

FORMS = ["power", "sqrt", "linear"]


def shifted(n=60, per=20, d=6, seed=0, dtype=np.float64):
    """Queries whose cosines sit at different levels: a pair matches above 0.4 or 0.6, by the query's first number."""
    rng = np.random.default_rng(seed)
    Q = np.repeat(rng.normal(size=(n, d)), per, axis=0)
    s = rng.uniform(-0.1, 0.95, n * per)
    y = rng.random(n * per) < 1 / (1 + np.exp(-20 * (s - 0.5 - 0.2 * np.sign(Q[:, 0]))))
    return s.astype(dtype), y, {"query": Q.astype(dtype)}


def queries_of(context):
    """(n,) the query of each pair as a number, as the adapter counts them."""
    return np.unique(unit(context["query"]), axis=0, return_inverse=True)[1]


@pytest.fixture(scope="module", params=FORMS)
def fitted(request):
    s, y, context = shifted()
    return CosineAdapter(request.param, epochs=200).fit(s, y, context=context)


@pytest.mark.parametrize("exponent", [None, 0.5, 1.0])
def test_oracle_gradients_of_torch(exponent):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    outputs = 2 if exponent else 3
    layers = [(rng.normal(size=(5, 7)), rng.normal(size=7)), (rng.normal(size=(7, outputs)), rng.normal(size=outputs))]
    X, u = rng.normal(size=(9, 5)), np.abs(rng.normal(size=40))
    u[:3] = 0.0
    pairs = Pairs(rng.integers(9, size=40), u, rng.random(40) < 0.4, rng.uniform(0.5, 2, 40))

    tensors = [torch.tensor(value, requires_grad=True) for layer in layers for value in layer]
    raw = torch.relu(torch.tensor(X) @ tensors[0] + tensors[1]) @ tensors[2] + tensors[3]
    of = raw[torch.tensor(pairs.query)]
    a, b = torch.nn.functional.softplus(of[:, 0]), of[:, 1]
    p = exponent or torch.nn.functional.softplus(of[:, 2])
    g = a * (torch.tensor(u) ** p - 1) + b
    weight, y = torch.tensor(pairs.weight), torch.tensor(pairs.y, dtype=torch.float64)
    losses = torch.nn.functional.binary_cross_entropy_with_logits(g, y, reduction="none")
    loss = (losses * weight).sum() / weight.sum()
    loss.backward()

    outputs = forward(layers, X)
    ours, slopes = loss_and_slopes(outputs[-1], pairs, exponent)
    assert ours == pytest.approx(loss.item(), rel=1e-12)
    gradients = [value for layer in backward(layers, outputs, slopes) for value in layer]
    for gradient, tensor in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-13)


def test_oracle_the_formula_pair_by_pair(fitted):
    s, _, context = shifted(seed=2)
    a, b, p = fitted._curves(context["query"])
    for i in range(0, len(s), 37):
        clipped = s[i] if fitted.form == "linear" else min(max(s[i], 0), 1)
        slope, offset = a[i] / fitted.typical_ ** p[i], b[i] - a[i]
        expected = 1 / (1 + np.exp(-(slope * clipped ** p[i] + offset)))
        one = fitted.probability(s[i : i + 1], context={"query": context["query"][i : i + 1]})
        assert one[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("form", ["sqrt", "linear"])
def test_without_a_step_it_is_one_logistic_curve_for_all(form):
    s, y, context = shifted()
    adapter = CosineAdapter(form, epochs=0).fit(s, y, context=context)
    assert len(np.unique(adapter.query_threshold(context["query"], 0.5))) == 1
    held = hold_out(queries_of(context), np.random.default_rng(0))
    h = s if form == "linear" else np.sqrt(np.clip(s, 0, 1))
    model = LogisticRegression(C=1e8).fit(h[~held, None], y[~held])
    theirs = model.predict_proba(h[:, None])[:, 1]
    np.testing.assert_allclose(adapter.probability(s, context=context), theirs, atol=0.01)


def test_learns_what_depends_on_the_query():
    s, y, context = shifted()
    fresh, truth, there = shifted(seed=3)
    P = CosineAdapter().fit(s, y, context=context).probability(fresh, context=there)
    assert average_precision_score(truth, P) > average_precision_score(truth, fresh) + 0.03


def test_a_query_that_tells_nothing_leaves_one_curve():
    """Labels that depend on the score alone: the held-out queries keep the cuts together."""
    rng = np.random.default_rng(4)
    s, _, context = shifted(n=200, per=10)
    y = rng.random(len(s)) < 1 / (1 + np.exp(-20 * (s - 0.5)))
    cuts = CosineAdapter().fit(s, y, context=context).query_threshold(context["query"], 0.5)
    assert np.abs(cuts - 0.5).max() < 0.06


def test_the_order_within_a_query_stays(fitted):
    s = np.sort(np.random.default_rng(5).uniform(0.0, 1.0, 500))
    for q in np.random.default_rng(6).normal(size=(5, 6)):
        P = fitted.probability(s, context={"query": np.tile(q, (500, 1))})
        assert (np.diff(P) > 0).all()


def test_the_cut_is_where_the_probability_is_reached(fitted):
    Q = shifted(seed=7)[2]["query"][::20]
    cuts = fitted.query_threshold(Q, 0.6)
    there = np.isfinite(cuts)
    assert there.sum() > 20
    P = fitted.probability(cuts[there], context={"query": Q[there]})
    np.testing.assert_allclose(P, 0.6, rtol=1e-9)
    lower = fitted.query_threshold(Q, 0.5)
    assert (lower[there] < cuts[there]).all()


def test_cuts_outside_all_cosines():
    """A power is flat below 0 and ends at 1: every cosine, or none, reaches an extreme probability."""
    s, y, context = shifted()
    adapter = CosineAdapter(epochs=50).fit(s, y, context=context)
    Q = context["query"][::20]
    low, high = adapter.query_threshold(Q, 1e-9), adapter.query_threshold(Q, 1 - 1e-12)
    assert (low == -np.inf).all()
    assert (high == np.inf).all()
    misses = (
        CosineAdapter(cut=1e-9, epochs=50).fit(s, y, context=context).predict([-np.inf, 0.1], context={"query": Q[:2]})
    )
    assert misses.tolist() == [0, 1]
    at_zero = adapter.probability(np.full(len(Q), -0.5), context={"query": Q})
    np.testing.assert_array_equal(at_zero, adapter.probability(np.zeros(len(Q)), context={"query": Q}))


def test_decisions_are_the_range_search(fitted):
    s, _, context = shifted(seed=8)
    decision = fitted.predict(s, context=context)
    np.testing.assert_array_equal(decision == 1, fitted.query_threshold(context["query"], 0.5) <= s)
    P = fitted.probability(s, context=context)
    clear = np.abs(P - 0.5) > 1e-6
    np.testing.assert_array_equal((decision == 1)[clear], (P > 0.5)[clear])
    assert set(decision.tolist()) == {0, 1}


def test_what_is_no_number_has_no_probability(fitted):
    context = {"query": np.ones((2, 6))}
    P = fitted.probability(np.array([np.nan, 0.5]), context=context)
    assert np.isnan(P[0])
    assert fitted.predict(np.array([np.nan, 0.99]), context=context)[0] == 0


def test_only_the_direction_of_a_query_counts(fitted):
    s, _, context = shifted(seed=9)
    longer = fitted.probability(s, context={"query": 7 * context["query"]})
    np.testing.assert_allclose(longer, fitted.probability(s, context=context), rtol=1e-9)


def test_order_of_the_labels_does_not_count():
    s, y, context = shifted()
    order = np.random.default_rng(10).permutation(len(s))
    shuffled = CosineAdapter(epochs=30).fit(s[order], y[order], context={"query": context["query"][order]})
    P = CosineAdapter(epochs=30).fit(s, y, context=context).probability(s, context=context)
    np.testing.assert_allclose(shuffled.probability(s, context=context), P, rtol=1e-6)


def test_a_weight_of_two_is_a_pair_twice():
    s, y, context = shifted()
    twice = np.arange(len(s)) % 3 == 0
    again = np.concatenate([np.arange(len(s)), np.flatnonzero(twice)])
    weighted = CosineAdapter(epochs=30).fit(s, y, weights=1.0 + twice, context=context)
    repeated = CosineAdapter(epochs=30).fit(s[again], y[again], context={"query": context["query"][again]})
    P = weighted.probability(s, context=context)
    np.testing.assert_allclose(P, repeated.probability(s, context=context), rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_type_kept(dtype):
    s, y, context = shifted(dtype=dtype)
    adapter = CosineAdapter(epochs=10).fit(s, y, context=context)
    assert adapter.probability(s, context=context).dtype == dtype
    assert adapter.query_threshold(context["query"], 0.5).dtype == dtype


def test_whole_units_are_held_out():
    units = np.repeat(np.arange(23), 7)
    held = hold_out(units, np.random.default_rng(0))
    assert len(np.unique(units[held])) == 23 // 5
    assert not set(units[held]) & set(units[~held])


def test_clusters_are_held_out_together_and_counted():
    s, y, context = shifted()
    topics = np.repeat(np.arange(20), 60)  # three queries each
    promise = CosineAdapter(epochs=10).fit(s, y, clusters=topics, context=context).guarantee
    assert (promise.unit, promise.n_units) == ("cluster", 4)
    promise = CosineAdapter(epochs=10).fit(s, y, context=context).guarantee
    assert (promise.unit, promise.n_units) == ("query", 12)


def test_it_promises_nothing():
    s, y, context = shifted()
    adapter = CosineAdapter(epochs=50)
    assert adapter.guarantee is None
    promise = adapter.fit(s, y, context=context).guarantee
    assert promise.kind == "estimate"
    assert "guarantee" not in str(promise).lower()
    held = hold_out(queries_of(context), np.random.default_rng(0))
    accepted = held & (adapter.predict(s, context=context) == 1)
    assert (promise.n_accepted, promise.errors) == (accepted.sum(), (accepted & ~y).sum())


def test_saved_and_loaded_through_json(fitted):
    saved, arrays = fitted.state()
    again = CosineAdapter.from_state(json.loads(json.dumps(saved)), arrays)
    s, _, context = shifted(seed=11)
    np.testing.assert_array_equal(again.probability(s, context=context), fitted.probability(s, context=context))
    np.testing.assert_array_equal(again.predict(s, context=context), fitted.predict(s, context=context))
    assert again.guarantee == fitted.guarantee


def test_unfitted_refused():
    with pytest.raises(NotFittedError, match="not fitted"):
        CosineAdapter().query_threshold(np.ones((1, 3)), 0.5)
    with pytest.raises(NotFittedError, match="not fitted"):
        CosineAdapter().state()


def test_queries_are_needed_one_a_score():
    s, y, context = shifted()
    for missing in (None, {}, {"scale": "cosine"}):
        with pytest.raises(DataError, match="reads the query of each score"):
            CosineAdapter().fit(s, y, context=missing)
    with pytest.raises(ShapeError, match="one row a score, 1200, got 5"):
        CosineAdapter().fit(s, y, context={"query": context["query"][:5]})
    with pytest.raises(ShapeError, match="shape"):
        CosineAdapter().fit(s, y, context={"query": s})
    adapter = CosineAdapter(epochs=1).fit(s, y, context=context)
    with pytest.raises(ShapeError, match="3 dimensions, wanted 6"):
        adapter.probability(s[:2], context={"query": np.ones((2, 3))})


def test_labels_that_teach_nothing_refused():
    s, y, context = shifted()
    with pytest.raises(Refused, match="all 1200 labels are 1"):
        CosineAdapter().fit(s, np.ones(len(s)), context=context)
    with pytest.raises(Refused, match="cannot be learned from 4 queries"):
        CosineAdapter().fit(s[:80], y[:80], context={"query": context["query"][:80]})
    with pytest.raises(Refused, match="cannot be learned from 3 queries or clusters"):
        CosineAdapter().fit(s, y, clusters=np.arange(len(s)) % 3, context=context)
    held = hold_out(queries_of(context), np.random.default_rng(0))
    with pytest.raises(Refused, match="of one class"):
        CosineAdapter().fit(s, y & held, context=context)
    with pytest.raises(Refused, match="no cosine is above 0"):
        CosineAdapter().fit(-np.abs(s), y, context=context)
    assert CosineAdapter("linear", epochs=1).fit(-np.abs(s), y, context=context).guarantee


def test_what_is_no_cosine_refused():
    s, y, context = shifted()
    with pytest.raises(DataError, match="must be cosines"):
        CosineAdapter().fit(10 * s, y, context=context)
    with pytest.raises(DataError, match="never retrieved"):
        CosineAdapter().fit(np.where(y & (s > 0.9), -np.inf, s), y, context=context)
    adapter = CosineAdapter(epochs=1).fit(s, y, context=context | {"scale": "cosine"})
    with pytest.raises(DataError, match="must be cosines"):
        adapter.predict(10 * s, context=context)
    with pytest.raises(ScaleMismatch, match="bm25"):
        adapter.probability(s, context=context | {"scale": "bm25"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"form": "cubic"}, "form is one of power, sqrt, linear"),
        ({"cut": 1.0}, "cut must lie strictly between"),
        ({"epochs": -1}, "cannot be negative"),
        ({"learning_rate": 0}, "must be positive"),
        ({"hidden": (0,)}, "must be positive"),
    ],
)
def test_bad_arguments_refused(given, message):
    s, y, context = shifted()
    with pytest.raises(DataError, match=message):
        CosineAdapter(**given).fit(s, y, context=context)


def test_arguments_without_use_refused():
    s, y, context = shifted()
    with pytest.raises(DataError, match="one promise for all"):
        CosineAdapter().fit(s, y, by=["a"] * len(s), context=context)
    with pytest.raises(DataError, match="unlabelled"):
        CosineAdapter().fit(s, y, unlabelled=s, context=context)


RECALL, FOLDS = 0.9, 5


def curve(P, y):
    """Precision and recall at every cut, from the highest, and the cuts; equal scores fall together."""
    order = np.argsort(-P, kind="stable")
    P, right = P[order], np.cumsum(y[order])
    ends = np.flatnonzero(np.append(np.diff(P) != 0, True))
    return right[ends] / (ends + 1), right[ends] / right[-1], P[ends]


def average_precision(P, y):
    precision, recall, _ = curve(P, y)
    return 100 * float(np.diff(recall, prepend=0.0) @ precision)


def at_recall(P, y):
    """Precision and cut where the recall is first reached, and the precision of what lies around that cut."""
    precision, recall, cuts = curve(P, y)
    place, *around = np.searchsorted(recall, [RECALL - 1e-12, RECALL - 0.05, RECALL + 0.05])
    local = np.diff(recall[around]) / np.diff(recall[around] / precision[around])
    return precision[place], cuts[place], local[0]


def precision_units(P, y):
    """(n,) units x 100 whose mean is the precision at that recall, linearised in the queries of P (n, k).

    A jackknife will not do: the cut is a quantile, and leaving one query out moves it by steps. To first order query q
    adds r N_q matches to those found, and A_q - (T_q - r N_q) / local to the A results shown, with A_q and T_q its own
    shown and found at the cut, N_q its matches, and `local` the precision around the cut, which gives way.
    """
    precision, cut, local = at_recall(P.ravel(), y.ravel())
    shown = cut <= P
    A, T, N = shown.sum(axis=1), (shown & y).sum(axis=1), y.sum(axis=1)
    r = T.sum() / N.sum()
    return 100 * (precision + len(P) / A.sum() * (r * N - precision * (A - (T - r * N) / local)))


def test_units_of_the_precision_spread_as_resampled_queries_do():
    rng = np.random.default_rng(13)
    level = rng.normal(size=(300, 1))
    y = rng.random((300, 40)) < 0.2
    P = y + level + rng.normal(size=(300, 40))
    units = precision_units(P, y)
    assert units.mean() == pytest.approx(100 * at_recall(P.ravel(), y.ravel())[0])
    draws = rng.integers(300, size=(500, 300))
    drawn = [100 * at_recall(P[rows].ravel(), y[rows].ravel())[0] for rows in draws]
    assert units.std() / np.sqrt(300) == pytest.approx(np.std(drawn), rel=0.2)


def test_oracle_average_precision_of_scikit_learn():
    rng = np.random.default_rng(12)
    P, y = rng.integers(20, size=300) / 20, rng.random(300) < 0.2
    assert average_precision(P, y) == pytest.approx(100 * average_precision_score(y, P))
