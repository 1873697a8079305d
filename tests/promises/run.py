"""Runs every simulation of the promises at full size and publishes what came out: python tests/promises/run.py

Writes evidence/promises.json and docs/promises.md. With `--small` the runs are few and nothing is written.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from promises import designs, others, real, transfer  # noqa: E402
from promises.outcomes import Outcome  # noqa: E402

HEAD = """# The promises, tried

Every procedure of `cosimo.decide` was tried on many draws of labels, each judged by the truth of the generator, or
for real data by the whole labelled set from which samples were drawn with replacement. *Made* is how often a rule was
made, *made and false* how often it was made and its promise did not hold (5 % is allowed; *at most* is what chance
alone does not exceed once in 10,000), *gain* the share that is accepted over that of the best cut there is. A rule that
always refuses would never be false, hence the first column. The careless rivals in the same table show that the designs
can tell. `python tests/promises/run.py` gives all figures again (in `evidence/promises.json`).
"""


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def shown(outcomes: Iterable[Outcome]) -> str:
    rows = [
        (
            o.design,
            o.method,
            f"{o.made / o.runs:.1%}",
            f"{o.false / o.runs:.2%}",
            f"{o.limit / o.runs:.2%}",
            "" if o.gain != o.gain else f"{o.gain:.2f}",
        )
        for o in outcomes
    ]
    return table(("design", "method", "made", "made and false", "at most", "gain"), rows)


def timed(name: str, outcomes: Iterable[Outcome]) -> list[Outcome]:
    started, found = time.perf_counter(), []
    for outcome in outcomes:
        found.append(outcome)
    sys.stderr.write(f"{name}: {time.perf_counter() - started:.0f} s\n")
    return found


def main(small: bool) -> None:
    scale = 100 if small else 1
    simulated = {
        "Independent pairs": timed("independent", designs.all_independent(20_000 // scale)),
        "Clusters": timed(
            "clusters", chain(designs.all_clustered(2_000 // scale), designs.benign_clusters(1_000 // scale))
        ),
        "Pairs that share items, and unequal sampling": timed(
            "sharing", chain(designs.two_sided(2_000 // scale), designs.unequal(2_000 // scale))
        ),
        "What users do": timed("users", designs.users(2_000 // scale)),
        "Recall, false accepts, coverage, no match": timed("others", others.confident(20_000 // scale)),
    }
    average, alarms = others.average(20_000 // scale), others.alarms(max(400 // scale, 4))
    data = list(real.outcomes(1_000 // scale))
    limits, strangers = list(transfer.limits()), transfer.strangers()
    if small:
        return
    record = {
        "simulated": {name: [o.to_json() for o in found] for name, found in simulated.items()},
        "average": average,
        "monitors": alarms,
        "real": [{**about, **outcome.to_json()} for outcome, about in data],
        "transfer": limits,
        "strangers": strangers,
    }
    (ROOT / "evidence" / "promises.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    parts = [HEAD, *(f"\n## {name}\n\n{shown(found)}" for name, found in simulated.items())]
    parts.append("\n## On average, and monitors\n\n" + table(list(average[0]), [row.values() for row in average]))
    parts.append("\n" + table(list(alarms[0]), [row.values() for row in alarms]))
    parts.append(
        "\n## Real data\n\nminilm; the labelled set is the population. *Reachable* (in the JSON) is the largest share "
        "of pairs that any cut accepts at the target: 0 where no cut reaches it, and then a refusal is right.\n\n"
        + shown(outcome for outcome, _ in data)
    )
    parts.append(
        "\n## Limits: where a promise does not reach\n\nThe same rule where something has moved. None of this is "
        "covered by the guarantee, and a collection refuses or warns where it can see it.\n\n"
        + table(list(limits[0]), [row.values() for row in limits])
        + "\n"
        + table(("", "share"), strangers.items())
    )
    (ROOT / "docs" / "promises.md").write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
