"""Whether intervals of metrics hold the truth as often as they say, and tests err as seldom.

Every metric's interval as `estimate` gives it, and its test as `compare` does. `python tests/promises/intervals.py`
writes evidence/intervals.json and docs/intervals.md; with `--small` the runs are few and nothing is written.

Bootstraps are of 399 resamples here instead of 1,999, which takes a fifth of the time.
"""

import json
import re
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from cosimo import statistics  # noqa: E402
from cosimo.measure import compare, estimate  # noqa: E402
from promises.interval_designs import Design, designs, pairs  # noqa: E402

SIZES, RUNS, RESAMPLES = (50, 100, 200), 1000, 399
DEFAULTS = {"ties='average'", "k=None", "folds=5", "seed=0"}


def cheaper() -> Any:
    """Fewer resamples."""
    names = ("bootstrap_interval", "compare_statistics")
    few = {name: partial(getattr(statistics, name), n_resamples=RESAMPLES) for name in names}
    return patch.multiple("cosimo.measure.estimating", **few)


def covered(design: Design, n: int, runs: int = RUNS) -> dict:
    """How often the interval held the truth."""
    rng, truth, found, metric = np.random.default_rng(n), design.truth(n), [], design.metric
    with cheaper():
        for _ in range(runs):
            gold, pred, clusters = design.draw(rng, n)
            found.append(estimate(metric, gold, pred, clusters=clusters))
    made = [each.interval for each in found if each.interval is not None]
    holds = sum(each.low <= truth <= each.high for each in made)
    return {
        "metric": repr(design.metric),
        "design": design.name,
        "n": n,
        "runs": runs,
        "made": len(made),
        "coverage": round(holds / len(made), 4),
        "below": round(sum(each.high < truth for each in made) / len(made), 4),
        "width": round(float(np.median([each.high - each.low for each in made])), 4),
        "truth": round(truth, 4),
        "bias": round(float(np.mean([each.value for each in found])) - truth, 4),
        "methods": sorted({re.sub(r"\d+ (disjoint)", r"\1", each.method) for each in made}),
    }


def told_apart(design: Design, n: int, runs: int = RUNS) -> dict:
    """How often equally good systems were found to differ, at 5 %."""
    rng, metric = np.random.default_rng(n), design.metric
    with cheaper():
        found = [compare(metric, *design.draw(rng, n)) for _ in range(runs)]
    false = sum(each.p_value <= 0.05 for each in found)
    tests = sorted({each.test for each in found})
    return {"metric": repr(design.metric), "design": design.name, "n": n, "runs": runs, "false": false, "tests": tests}


HEAD = """# Intervals of metrics, tried

Every metric of `cosimo.measure` was measured 1,000 times on draws of 50, 100 and 200 units (clusters where these are
named) from generators whose truth is known. The table says how often the 95 % interval held it, and how often the truth
lay above the whole interval, from the rarest to the commonest of the three sizes. The standard error of a coverage is
.7 points, and what lies outside of 93 to 97 % is marked. Below, two equally good systems were compared on 100 units:
*told apart* is how often p was at most 5 %, which should be 5 % and chance keeps below 7.1 % (99.9 %). Bootstraps are
of 399 resamples here. `python tests/promises/intervals.py` gives all figures again; `evidence/intervals.json` has them
with widths and biases.

**Too narrow** are the intervals of `BestAccuracy`: a best threshold looks better than it is, no bootstrap takes all of
that off (a basic and a bias-corrected normal one were tried, and held less), and the number is optimistic itself. Take
`HeldOutAccuracy`. What lies below 93 % beside it is within the error of 1,000 repetitions. **Too wide** are those of
pairs that share items on both sides, of rates near 0 or 1, of few positives, and of clusterings with several seeds.

"""


def table(names: tuple[str, ...], rows: Iterable[tuple]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def percent(share: float) -> str:
    return f"{share:.1%}" + ("" if 0.93 <= share <= 0.97 else " *")


def page(found: dict) -> str:
    names = ("metric", "design", *(f"{n} units" for n in SIZES), "missed above", "method")
    by_design: dict[tuple[str, str], list[dict]] = {}
    for row in found["coverage"]:
        by_design.setdefault((row["metric"], row["design"]), []).append(row)
    held = [
        (
            *head(rows[0]),
            *(percent(row["coverage"]) for row in rows),
            f"{min(row['below'] for row in rows):.1%} to {max(row['below'] for row in rows):.1%}",
            "; ".join(sorted({method for row in rows for method in row["methods"]})),
        )
        for rows in by_design.values()
    ]
    apart = [(*head(row), f"{row['false'] / row['runs']:.1%}", "; ".join(row["tests"])) for row in found["tests"]]
    return (
        f"{HEAD}{table(names, held)}\n## Two equally good systems\n\n"
        f"{table(('metric', 'design', 'told apart', 'test'), apart)}"
    )


def head(row: dict) -> tuple:
    """The metric with those of its options that are not as by default, and the design."""
    name, _, options = row["metric"].rstrip(")").partition("(")
    chosen = ", ".join(option for option in options.split(", ") if option and option not in DEFAULTS)
    return f"`{name}({chosen})`" if chosen else f"`{name}`", row["design"]


def work(kind: str, place: int, n: int, runs: int) -> dict:
    started = time.process_time()
    row = covered(list(designs())[place], n, runs) if kind == "coverage" else told_apart(list(pairs())[place], n, runs)
    sys.stderr.write(f"{row['metric']}, {row['design']}, {n}: {time.process_time() - started:.0f} s\n")
    return row


def main(runs: int) -> None:
    jobs = [("coverage", i, n) for i in range(len(list(designs()))) for n in SIZES]
    jobs += [("tests", i, 100) for i in range(len(list(pairs())))]
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(work, *zip(*jobs, strict=True), [runs] * len(jobs)))
    found: dict = {"coverage": [], "tests": []}
    for (kind, *_), row in zip(jobs, rows, strict=True):
        found[kind].append(row)
    if runs < RUNS:
        sys.stdout.write(page(found))
        return
    (ROOT / "evidence" / "intervals.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (ROOT / "docs" / "intervals.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main(10 if "--small" in sys.argv[1:] else RUNS)
