"""What every test may rely on: models and real data where they are, and a home directory that is nobody's own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cosimo.encode import KNOWN
from cosimo.encode.models import homes

HOME = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the tests a home of their own, with links to the models that are there already."""
    there = {name: homes.model_home(name) for name in KNOWN if homes.model_home(name).is_dir()}
    if "COSIMO_TEST_MINILM" in os.environ:
        there["minilm"] = Path(os.environ["COSIMO_TEST_MINILM"])
    config.stash[HOME] = Path(tempfile.mkdtemp(prefix="cosimo-tests-"))
    os.environ["COSIMO_HOME"] = str(config.stash[HOME])
    for name, folder in there.items():
        homes.model_home(name).parent.mkdir(parents=True, exist_ok=True)
        homes.model_home(name).symlink_to(folder.resolve())


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[HOME], ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A data test that skips fails where the data are said to be."""
    report = yield
    unexpected = report.skipped and item.get_closest_marker("data") and not hasattr(report, "wasxfail")
    if unexpected and "COSIMO_DATA" in os.environ:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped though COSIMO_DATA is set: {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was not tried for want of data."""
    skipped = [report for report in terminalreporter.getreports("skipped") if "data" in report.keywords]
    terminalreporter.write_line(f"data skips: {len(skipped)}")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data."""
    if "COSIMO_DATA" not in os.environ:
        pytest.skip("COSIMO_DATA is not set: no real data here")
    return Path(os.environ["COSIMO_DATA"])


@pytest.fixture(scope="session")
def minilm_files() -> Path:
    """The folder of minilm's files; `Space.load("minilm")` finds it too, in this process and in others."""
    folder = homes.model_home("minilm")
    if not folder.is_dir():
        pytest.skip("minilm is not on this machine: cosimo fetch minilm, or COSIMO_TEST_MINILM=FOLDER")
    return folder


@pytest.fixture(scope="session")
def minilm(minilm_files: Path) -> str:
    """The name of the default model, which is there."""
    return "minilm"
