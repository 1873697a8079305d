"""Figures that the claims of conflare compare."""

import numpy as np

from cosimo.decide import ConformalRetriever
from decide.test_conflare import kept, percentile_cut, scored


def splits(A, n, rng, *, draws=200):
    """200 random splits into n calibrating queries and the others."""
    for _ in range(draws):
        order = rng.permutation(len(A))
        yield order[:n], order[n:]


def served(source, model, alpha, rng):
    """Coverage and mean number of hits of the rule and of a fixed number, (200,) each, after 50 queries."""
    S, A, place, ordered = scored(source, model)
    found = []
    for fitted, rest in splits(A, 50, rng):
        rule = ConformalRetriever(alpha).fit(A[fitted], context={"rank": place[fitted]})
        t = rule.threshold_
        hits = len(ordered) - np.searchsorted(ordered, ordered.dtype.type(t)) - (t <= S[fitted]).sum()
        found.append(((t <= A[rest]).mean(), hits / len(rest), rule.top_k_))
    return dict(zip(("coverage", "size", "top-k size"), np.transpose(found), strict=True))


def run(seed):
    """The figures of every system, for one seed of the splits."""
    rng = np.random.default_rng(seed)
    found = {"0.95": np.full(200, 0.95), "0.25": np.full(200, 0.25)}
    for alpha in (0.05, 0.1, 0.2):
        found[f"{alpha}, promised"] = np.full(200, 1 - alpha)
    for source in ("cranfield", "banking77"):
        for model, alphas in (("minilm", (0.05, 0.1, 0.2)), ("wordllama", (0.1,))):
            for alpha in alphas:
                for what, figures in served(source, model, alpha, rng).items():
                    found[f"{source}, {model}, {alpha}, {what}"] = figures
        A = scored(source, "minilm")[1]
        for n, alpha in ((20, 0.1), (50, 0.05)):
            figures = [(percentile_cut(A[fitted], alpha) < A[rest]).mean() for fitted, rest in splits(A, n, rng)]
            found[f"{source}, minilm, {alpha}, percentile after {n}"] = np.array(figures)
        found[f"{source}, minilm, 0.1, confident kept"] = kept(source, "minilm", 0.1, rng, "confident")
        found[f"{source}, minilm, 0.1, average broken"] = 1 - kept(source, "minilm", 0.1, rng, "average")
    return found
