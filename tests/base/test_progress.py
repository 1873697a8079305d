import pytest

from cosimo._progress import bar


@pytest.fixture
def clock(monkeypatch):
    """A clock that only a test moves."""
    now = [100.0]
    monkeypatch.setattr("rich.console.monotonic", lambda: now[0])
    return now


def shown(clock, capsys, *, total, steps) -> str:
    """The last line of a bar that takes one step every two seconds."""
    with bar(True, total, "encoding") as advance:
        for step in steps:
            clock[0] += 2
            advance(step)
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()[-1]


def test_rate_and_time_left(clock, capsys):
    line = shown(clock, capsys, total=20_000, steps=[2_000] * 4)
    assert line.startswith("encoding")
    assert "8000/20000" in line
    assert "1,000/s" in line
    assert "0:00:12" in line


def test_without_a_total_there_is_a_rate(clock, capsys):
    line = shown(clock, capsys, total=None, steps=[500] * 3)
    assert "1500/?" in line and "250/s" in line


def test_the_rate_is_that_of_the_last_minutes(clock, capsys):
    """What was there already goes past quickly, and says nothing about the rest."""
    assert "10/s" in shown(clock, capsys, total=10**6, steps=[100_000] * 3 + [20] * 100)


def test_one_step_has_no_rate_yet(clock, capsys):
    assert "/s" not in shown(clock, capsys, total=10, steps=[5])


def test_nothing_is_shown_unless_asked_for(capsys):
    with bar(False, 3, "encoding") as advance:
        advance(3)
    assert capsys.readouterr() == ("", "")
