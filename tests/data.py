"""The shared real data, for claims and for tests that say they need them."""

import os
from pathlib import Path
from typing import Any


def folder() -> Path:
    """Where the data lie: the folder that COSIMO_DATA names."""
    return Path(os.environ["COSIMO_DATA"])


def parquet(*path: str) -> Any:
    """A table of the data, by the parts of its path without the ending."""
    import pandas as pd

    return pd.read_parquet(folder().joinpath(*path).with_suffix(".parquet"))
