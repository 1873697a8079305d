"""The designs: independent pairs, clusters, pairs that share items, known unequal sampling, and what users do."""

from collections.abc import Iterator

import numpy as np

from cosimo.decide import PrecisionThreshold, node_disjoint
from cosimo.statistics import exact_p_value
from promises.curves import FLAT, HARD, SMOOTH, Curve, P
from promises.outcomes import Outcome, Unjudged, certified, simulate

DELTA = 0.05


def ours(look: int | None = None, **how) -> PrecisionThreshold:
    return PrecisionThreshold(how.pop("target", P), look=look, calibrator=Unjudged(), **how)


def lowest(S: np.ndarray, y: np.ndarray, holds) -> float | None:
    """The lowest cut at which `holds(right, accepted)`, as one would look for it: through all of them."""
    order = np.argsort(-S, kind="stable")
    accepted, right = np.arange(1, len(S) + 1), np.cumsum(y[order])
    good = np.flatnonzero(holds(right, accepted))
    return float(S[order][good[-1]]) if len(good) else None


def naive(S, y):
    """The lowest cut whose precision on the labels reaches the target."""
    return lowest(S, y, lambda right, accepted: right >= P * accepted)


def one_test(S, y):
    """The lowest cut that passes an exact test at 5 %, as if it were the only one looked at."""
    return lowest(S, y, lambda right, accepted: exact_p_value(right, accepted, P) <= DELTA)


def independent(curve: Curve, n: int, runs: int) -> Iterator[Outcome]:
    design, truth = f"{curve.name}, {n} labels", curve.truth()
    rivals = {
        "cosimo": lambda sample: certified(ours(), *sample),
        "one exact test a cut": lambda sample: one_test(*sample),
        "precision on the labels": lambda sample: naive(*sample),
    }
    for method, certify in rivals.items():
        yield simulate(design, method, lambda rng: curve.draw(n, rng), certify, truth, runs=runs)


def all_independent(runs: int, sizes=(300, 600, 2000)) -> Iterator[Outcome]:
    for n in sizes:
        for curve in (SMOOTH, *HARD):
            yield from independent(curve, n, runs)


def _beta(mean, icc, size, rng):
    k = 1 / icc - 1
    return rng.beta(mean * k, (1 - mean) * k, size)


def clustered(kind: str, count: int, icc: float, rng: np.random.Generator):
    """Scores, labels and clusters with a precision just below the target at every cut.

    `even`: 1 to 20 pairs a cluster whatever its precision; `informative`: few small clusters are nearly always right
    and the big ones worse, so that only the precision over pairs is below the target; `all or none`.
    """
    sizes = rng.integers(1, 21, count)
    low = P - 0.005
    if kind == "all or none":
        q = (rng.uniform(size=count) < low).astype(float)
    elif kind == "informative":
        sizes = np.where(rng.uniform(size=count) < 0.7, 1, 18)  # 18 / 25 = 0.885 of the pairs are in big clusters
        share = 0.3 * 18 / (0.3 * 18 + 0.7)
        q = np.where(sizes == 1, 0.99, _beta((low - 0.99 * (1 - share)) / share, icc, count, rng))
    else:
        q = _beta(low, icc, count, rng)
    codes = np.repeat(np.arange(count), sizes)
    return rng.uniform(size=len(codes)), rng.uniform(size=len(codes)) < q[codes], codes.astype(str)


def all_clustered(
    runs: int, counts=(20, 60, 150), iccs=(0.1, 0.3, 0.5), kinds=("even", "informative", "all or none")
) -> Iterator[Outcome]:
    """Every certificate is false here, so that a rule that is made counts against the procedure."""
    for kind in kinds:
        for icc in iccs if kind != "all or none" else (1.0,):
            for count in counts:
                design = f"clusters, {kind}, ICC {icc:g}, {count}"
                how = {"per": "pair", "at_most": 20} if kind == "informative" else {"per": "cluster"}

                def draw(rng, kind=kind, count=count, icc=icc):
                    return clustered(kind, count, min(icc, 0.999), rng)

                def by_cluster(sample, how=how):
                    S, y, codes = sample
                    return certified(ours(**how), S, y, clusters=codes)

                false = lambda cut: (False, np.nan)  # noqa: E731
                yield simulate(design, "cosimo", draw, by_cluster, false, runs=runs)
                yield simulate(
                    design, "blind to clusters", draw, lambda sample: certified(ours(), *sample[:2]), false, runs=runs
                )


def benign_clusters(runs: int, count: int = 600) -> Iterator[Outcome]:
    """Clusters of a smooth curve, shifted a little each: a rule should be made, and be true."""

    def draw(rng, count=count):
        sizes = rng.integers(1, 11, count)
        codes = np.repeat(np.arange(count), sizes)
        S = rng.uniform(size=len(codes))
        logit = 12 * (S - 0.45) + rng.normal(0, 0.7, count)[codes]
        return S, rng.uniform(size=len(codes)) < 1 / (1 + np.exp(-logit)), codes.astype(str)

    S, y, codes = draw(np.random.default_rng(99), 40_000)
    cuts = np.linspace(0, 0.99, 200)
    codes = codes.astype(int)

    def share(cut):
        at = cut <= S
        sizes = np.bincount(codes[at])
        return float((np.bincount(codes[at], y[at])[sizes > 0] / sizes[sizes > 0]).mean())

    precision = np.array([share(cut) for cut in cuts])
    best = cuts[precision >= P].min()

    def truth(cut):
        return bool(np.interp(cut, cuts, precision) >= P - 0.001), (1 - cut) / (1 - best)  # the truth is known to 0.001

    yield simulate(
        f"clusters, smooth, {count}",
        "cosimo",
        draw,
        lambda s: certified(ours(), *s[:2], clusters=s[2]),
        truth,
        runs=runs,
    )


def two_sided(runs: int, left: int = 60, right: int = 60, pairs: int = 900) -> Iterator[Outcome]:
    """Pairs whose items make them right or wrong on both sides; all items are new to the rule, which is never true."""

    def draw(rng):
        a, b = rng.integers(0, left, pairs), rng.integers(0, right, pairs)
        effect = np.sqrt(0.5) * (rng.normal(size=left)[a] + rng.normal(size=right)[b])
        from scipy.stats import norm

        y = effect < norm.ppf(P - 0.005)
        return rng.uniform(size=pairs), y, [f"a{i}" for i in a], [f"b{i}" for i in b]

    def thinned(sample):
        S, y, a, b = sample
        kept = node_disjoint(a, b)
        return certified(ours(), S[kept], y[kept])

    false = lambda cut: (False, np.nan)  # noqa: E731
    design = f"pairs share items on both sides, {left} by {right}"
    yield simulate(design, "cosimo (node-disjoint)", draw, thinned, false, runs=runs)
    yield simulate(design, "blind to sharing", draw, lambda s: certified(ours(), *s[:2]), false, runs=runs)


def unequal(runs: int, n: int = 800) -> Iterator[Outcome]:
    """Labels drawn with known unequal probabilities, and labels balanced one to one."""
    base = Curve("base", lambda s: 0.99 / (1 + np.exp(-14 * (s - 0.6))))
    truth = base.truth()

    def drawn(rng):
        S, y = base.draw(40 * n, rng)
        chance = np.where(S > 0.6, 0.05, 0.01)
        kept = rng.uniform(size=len(S)) < chance
        return S[kept], y[kept], 1 / chance[kept]

    def balanced(rng):
        S, y = base.draw(40 * n, rng)
        places = np.concatenate([rng.choice(np.flatnonzero(y), n // 2), rng.choice(np.flatnonzero(~y), n // 2)])
        return S[places], y[places]

    design = f"known unequal probabilities, about {n} labels"
    yield simulate(
        design, "cosimo (weighted)", drawn, lambda s: certified(ours(), *s[:2], weights=s[2]), truth, runs=runs
    )
    yield simulate(
        f"matches and non-matches one to one, {n} labels", "blind to prevalence", balanced,
        lambda s: certified(ours(), *s), truth, runs=runs,
    )  # fmt: skip


def users(runs: int) -> Iterator[Outcome]:
    """What people do: label on until it passes, lower the target until it passes, take the best of five encoders."""
    false = lambda cut: (False, np.nan)  # noqa: E731

    def until_pass(spending):
        def certify(sample):
            S, y = sample
            looks = (
                certified(ours(look if spending else None), S[: 100 * look], y[: 100 * look]) for look in range(1, 21)
            )
            return next((cut for cut in looks if cut is not None), None)

        return certify

    for method, spending in (("cosimo (delta spent over looks)", True), ("every look at full delta", False)):
        yield simulate(
            "label on until it passes, 20 looks", method, lambda rng: FLAT.draw(2000, rng), until_pass(spending), false,
            runs=runs,
        )  # fmt: skip

    targets = [0.99 - 0.01 * i for i in range(12)]
    truths = {target: Curve("", lambda s: 0.5 + 0.42 * s).truth(target) for target in targets}
    sloping = Curve("sloping", lambda s: 0.5 + 0.42 * s)

    def lowering(spending):
        def certify(sample):
            for look, target in enumerate(targets, 1):
                cut = certified(ours(look if spending else None, target=target), *sample)
                if cut is not None:
                    return (target, cut)
            return None

        return certify

    for method, spending in (("cosimo (delta spent over looks)", True), ("every look at full delta", False)):
        yield simulate(
            "lower the target until it passes", method, lambda rng: sloping.draw(800, rng), lowering(spending),
            lambda found: (truths[found[0]](found[1])[0], np.nan), runs=runs,
        )  # fmt: skip

    def five(spending):
        def certify(samples):
            cuts = [certified(ours(i + 1 if spending else None), *sample) for i, sample in enumerate(samples)]
            return next((cut for cut in cuts if cut is not None), None)

        return certify

    for method, spending in (("cosimo (delta spent over looks)", True), ("every look at full delta", False)):
        yield simulate(
            "the best of five encoders, on the labels that certify", method,
            lambda rng: [FLAT.draw(600, rng) for _ in range(5)], five(spending), false, runs=runs,
        )  # fmt: skip
