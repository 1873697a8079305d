"""Processes that the tests of faults start."""

import os
from pathlib import Path

TESTS = Path(__file__).parents[1]


def environment(*, threads: int = 1) -> dict[str, str]:
    """That of this process, with the tests to import from and a bound on the threads of libraries."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}
