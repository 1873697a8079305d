"""Make a threshold of 100,000 labelled scores and decide about 1,000,000, against one sort and one search of the same.

Interleaved with `numpy.sort` of the labelled scores and `numpy.searchsorted` of the others into them: above 1 we are
faster, and 0.33 is the least that is promised.
"""

import numpy as np
from pairs import ratio, report

from cosimo.decide import PrecisionThreshold

LABELLED, DECIDED = 100_000, 1_000_000
PROMISED = 1 / 3


def main() -> None:
    rng = np.random.default_rng(0)
    scores, others = rng.normal(size=LABELLED), rng.normal(size=DECIDED)
    y = rng.random(LABELLED) < 1 / (1 + np.exp(-3 * scores))

    def ours() -> None:
        PrecisionThreshold(0.9).fit(scores, y).predict(others)

    def peer() -> None:
        np.searchsorted(np.sort(scores), others)

    figures = ratio(ours, peer, rounds=15)
    report({"fit and predict against sort and searchsorted": figures, "promised": round(PROMISED, 2)}, about=__doc__)
    assert figures["ratio"] >= PROMISED, "slower than three times one sort and one search"


if __name__ == "__main__":
    main()
