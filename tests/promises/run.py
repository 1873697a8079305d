"""Runs every simulation of the promises at full size and publishes what came out: python tests/promises/run.py

Writes evidence/promises.json and docs/promises.md. With `--small` the runs are few and nothing is written.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
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
alone does not exceed once in 10,000), *gain* the share that is accepted over that of the best threshold there is. A
rule that always refuses would never be false, hence the first column. The careless rivals in the same table show that
the designs can tell. `python tests/promises/run.py` gives all figures again (in `evidence/promises.json`).
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


def simulated(scale: int) -> dict:
    """Draws from generators."""
    parts = {
        "Independent pairs": designs.all_independent(20_000 // scale),
        "Clusters": chain(designs.all_clustered(2_000 // scale), designs.benign_clusters(1_000 // scale)),
        "Pairs that share items, and unequal sampling": chain(
            designs.two_sided(2_000 // scale), designs.unequal(2_000 // scale)
        ),
        "What users do": designs.users(2_000 // scale),
        "Recall, false accepts, coverage, no match": others.confident(20_000 // scale),
    }
    found = {name: timed(name, outcomes) for name, outcomes in parts.items()}
    average, alarms = others.average(20_000 // scale), others.alarms(max(400 // scale, 4))
    return {"simulated": found, "average": average, "monitors": alarms}


def measured(scale: int) -> dict:
    """Draws from labelled data."""
    data = list(real.outcomes(1_000 // scale))
    return {"real": data, "transfer": list(transfer.limits()), "strangers": transfer.strangers()}


def main(small: bool) -> None:
    scale = 100 if small else 1
    with ProcessPoolExecutor(2) as pool:
        parts = pool.submit(simulated, scale), pool.submit(measured, scale)
        found = parts[0].result() | parts[1].result()
    if small:
        return
    record = found | {
        "simulated": {name: [o.to_json() for o in outcomes] for name, outcomes in found["simulated"].items()},
        "real": [{**about, **outcome.to_json()} for outcome, about in found["real"]],
    }
    (ROOT / "evidence" / "promises.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (ROOT / "docs" / "promises.md").write_text(page(found), encoding="utf-8")


def page(found: dict) -> str:
    """The figures as tables."""
    average, alarms, limits = found["average"], found["monitors"], found["transfer"]
    parts = [HEAD, *(f"\n## {name}\n\n{shown(outcomes)}" for name, outcomes in found["simulated"].items())]
    parts.append("\n## On average, and monitors\n\n" + table(list(average[0]), [row.values() for row in average]))
    parts.append("\n" + table(list(alarms[0]), [row.values() for row in alarms]))
    parts.append(
        "\n## Real data\n\nminilm; the labelled set is the population. *Reachable* (in the JSON) is the largest share "
        "of pairs that any threshold accepts at the target: 0 where no threshold reaches it, and then a refusal is "
        "right.\n\n" + shown(outcome for outcome, _ in found["real"])
    )
    parts.append(
        "\n## Limits: where a promise does not reach\n\nThe same rule where something has moved. None of this is "
        "covered by the guarantee, and a collection refuses or warns where it can see it.\n\n"
        + table(list(limits[0]), [row.values() for row in limits])
        + "\n"
        + table(("", "share"), found["strangers"].items())
    )
    return "".join(parts)


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
