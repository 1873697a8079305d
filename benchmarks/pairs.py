"""Ours and a peer in turn, in one run: the ratio of their times, with its spread."""

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ratio(ours: Callable[[], object], peer: Callable[[], object], *, rounds: int = 9, warm: int = 1) -> dict:
    """Peer's time over ours, round by round in turn: above 1 we are faster."""
    for _ in range(warm):
        ours(), peer()
    pairs = [(seconds(ours), seconds(peer)) for _ in range(rounds)]
    ratios = sorted(theirs / mine for mine, theirs in pairs)
    return {
        "ratio": round(median(ratios), 2),
        "lowest": round(ratios[0], 2),
        "highest": round(ratios[-1], 2),
        "rounds": rounds,
        "ours_s": round(median(mine for mine, _ in pairs), 4),
        "peer_s": round(median(theirs for _, theirs in pairs), 4),
    }


def report(figures: dict, *, about: str) -> None:
    """Print the figures as one JSON object, and write them where `--out` says."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    text = json.dumps({"machine": f"{platform.machine()}, Python {platform.python_version()}", **figures}, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
