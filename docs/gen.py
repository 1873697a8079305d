"""Writes what the catalogue and the evidence say into README.md and docs/methods/: python docs/gen.py [--check]

Nothing about methods is typed by hand. With --check nothing is written, and the exit code is 1 when a page is stale.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from cosimo import catalogue

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- catalogue:begin -->", "<!-- catalogue:end -->"
ROOMS = ("encode", "learn", "refine", "compare", "search", "decide", "measure", "explain", "apply", "serve")
STATES = get_args(catalogue.State)


def table(head: Sequence[str], body: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def counts() -> str:
    """How many rows of each room have come how far; claims count only where their evidence is not stale."""
    rows = [(row.home, catalogue.status(row)) for row in catalogue.rows()]
    body = [[f"[{room}](docs/methods/{room}.md)", *_tally([s for home, s in rows if home == room])] for room in ROOMS]
    body.append(["**all**", *_tally([status for _, status in rows])])
    return f"{len(rows)} methods.\n\n{table(['room', *STATES, 'claims held'], body)}"


def _tally(statuses: Sequence[catalogue.Status]) -> list[str]:
    states = Counter(status.state for status in statuses)
    fresh = [status for status in statuses if status.state == "measured"]
    held = f"{sum(s.held for s in fresh)} of {sum(s.claims for s in fresh)}" if fresh else ""
    return [*(str(states[state] or "") for state in STATES), held]


def room_page(room: str) -> str:
    """One room: all its methods in a table, then the evidence of those that have any."""
    rows = [row for row in catalogue.rows() if row.home == room]
    body = [
        [row.n, f"`{row.name}`", row.slot, row.summary, f"[{row.paper}]({row.link})" if row.link else row.paper, where]
        for row in rows
        for where in [f"{catalogue.status(row)}{_module(row)}"]
    ]
    parts = [f"# {room}: {len(rows)} methods", table(["n", "key", "slot", "what it does", "paper", "status"], body)]
    parts += [part for row in rows if (found := catalogue.evidence(row)) for part in _evidence(row, found)]
    return "\n\n".join(parts) + "\n"


def _module(row: catalogue.Row) -> str:
    module = catalogue.module(row)
    return f", `{module}`" if module else ""


def _evidence(row: catalogue.Row, found: dict[str, Any]) -> Iterator[str]:
    status = catalogue.status(row)
    yield f"## {row.name}: {status}"
    if row.assumes:
        yield f"*Assumed:* {row.assumes}"
    if status.changed:
        yield f"Changed since it was measured: {', '.join(f'`{name}`' for name in status.changed)}."
    body = [
        [
            claim["claim"],
            f"{claim['metric']}, {claim['data']}",
            claim["paper"],
            " / ".join(f"{claim[name]:.2f}" for name in ("ours", "baseline")),
            f"{claim['difference']:+.2f} {_interval(claim['interval'])}",
            f"{claim['margin']:+.2f}",
            claim["verdict"],
        ]
        for claim in found["claims"]
    ]
    head = ["claim", "measured by", "in the paper", "ours / baseline", "difference", "must be at least", "verdict"]
    yield table(head, body)
    yield from (f"*{claim['claim']}* {claim['reason']}" for claim in found["claims"] if claim["reason"])


def _interval(interval: dict[str, Any] | None) -> str:
    if interval is None:
        return "(no interval)"
    return f"({interval['low']:+.2f} to {interval['high']:+.2f}, {interval['level']:.0%}, {interval['units']} units)"


def pages() -> dict[Path, str]:
    """The text every generated file should have."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"README.md has no {BEGIN} ... {END}")
    texts = {ROOT / "README.md": f"{before}{BEGIN}\n{counts()}\n{END}{after}"}
    return texts | {ROOT / "docs" / "methods" / f"{room}.md": room_page(room) for room in ROOMS}


def main(arguments: Sequence[str]) -> int:
    """Write all pages, or say which are stale."""
    wanted = pages()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        print(f"{'stale' if '--check' in arguments else 'written'}: {path.relative_to(ROOT)}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
