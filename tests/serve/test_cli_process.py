"""The command line as a process: pipes, signals, what it loads, and what it says about itself."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

import cosimo as package
from cosimo.errors import DataError, PassportMismatch
from cosimo.serve.cli import COMMANDS, application
from cosimo.serve.cli.command import guarded

PROGRAM = [sys.executable, "-c", "from cosimo.serve.cli import main; main()"]
HEAVY = ("torch", "sklearn", "scipy", "pandas", "pyarrow", "transformers", "sentence_transformers", "onnx", "rich")


def test_version(cosimo):
    outcome = cosimo("--version")
    assert (outcome.code, outcome.out) == (0, f"cosimo {package.__version__}\n")


def test_help_names_every_command(cosimo):
    outcome = cosimo("--help")
    assert outcome.code == 0
    assert all(f"\n  {command} " in outcome.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(cosimo, command):
    outcome = cosimo(command, "--help")
    assert outcome.code == 0
    assert f"\n    cosimo {command} " in outcome.out or f"| cosimo {command} " in outcome.out


@pytest.mark.parametrize("command", COMMANDS)
def test_only_the_chosen_command_is_there(command):
    assert [info.name for info in application([command]).registered_commands] == [command]


def test_every_command_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert [f"\n## cosimo {command}\n" in page for command in COMMANDS] == [True] * len(COMMANDS)


def test_the_script_is_this_command_line():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"cosimo": "cosimo.serve.cli:main"}


def test_a_search_loads_nothing_heavy(collection):
    program = (
        "import sys\nfrom cosimo.serve.cli import main\n"
        "try: main()\nfinally: print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "search", str(collection), "rice", "--hybrid"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert set(HEAVY) & set(done.stderr.split()) == set()


def test_pipe_that_closes_early_is_quiet(collection, tmp_path):
    (tmp_path / "q.txt").write_text("rice\n" * 20_000)
    with subprocess.Popen(
        [*PROGRAM, "search", str(collection), "--queries", str(tmp_path / "q.txt")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (141, b"")


def test_interrupt_leaves_nothing_behind(space, tmp_path):
    # A job in the background ignores interrupts, and so would its children: this one listens wherever it runs.
    listening = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {PROGRAM[-1]}"
    with subprocess.Popen(
        [*PROGRAM[:-1], listening, "build", "-", "--space", str(space), "--into", str(tmp_path / "x.cosimo")],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write(b"rice\n" * 3000)
        process.stdin.flush()
        while not any(tmp_path.iterdir()):  # the collection is being made
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_output_is_utf8_whatever_the_locale(collection):
    done = subprocess.run(
        [*PROGRAM, "search", str(collection), "--queries", "-"],
        input="שלום\n".encode(),
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
    )
    assert done.returncode == 0, done.stderr
    assert "שלום 🦊" in done.stdout.decode()


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (DataError("no good"), 1, "error: no good\n"),
        (PassportMismatch("not the same"), 3, "error: not the same\n"),
        (FileNotFoundError(2, "No such file or directory", "x.csv"), 1, "error: No such file or directory: x.csv\n"),
        (PermissionError(13, "Permission denied", "x.csv"), 1, "error: Permission denied: x.csv\n"),
        (OSError(28, "No space left on device"), 1, "error: No space left on device\n"),
        (OSError("something odd"), 1, "error: something odd\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_exit_codes(error, code, shown, capsys, monkeypatch):
    monkeypatch.delenv("COSIMO_DEBUG", raising=False)
    with pytest.raises(typer.Exit) as end, guarded():
        raise error
    assert end.value.exit_code == code
    assert capsys.readouterr().err == shown


def test_debugging_shows_the_error_itself(monkeypatch):
    monkeypatch.setenv("COSIMO_DEBUG", "1")
    with pytest.raises(DataError), guarded():
        raise DataError("no good")


def test_bugs_keep_their_traceback():
    with pytest.raises(ZeroDivisionError), guarded():
        1 / 0  # noqa: B018


def test_warnings_are_one_line(capsys):
    import warnings

    with guarded():
        warnings.simplefilter("always")
        warnings.warn("2 of 3 texts were cut", stacklevel=1)
    assert capsys.readouterr().err == "warning: 2 of 3 texts were cut\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_on_a_terminal_there_are_tables(collection):
    import pty

    main, side = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "search", str(collection), "cooking [red]rice"],
        stdout=side,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "60", "TERM": "xterm", "NO_COLOR": "1"},
    ) as process:
        err = process.stderr.read()
    os.close(side)
    shown = os.read(main, 1 << 16).decode()
    os.close(main)
    assert process.returncode == 0, err
    assert "cooking [red]rice" in shown
    assert "cosine" in shown and "Cooking rice water and heat" in shown
    assert re.search(r"\x1b\[[39]\d", shown) is None, "NO_COLOR is kept"
    assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in shown.splitlines()) <= 60


@pytest.mark.parametrize("word", ["-h", "--help"])
@pytest.mark.parametrize("program", [PROGRAM, [sys.executable, "-m", "cosimo"]], ids=["cosimo", "python -m cosimo"])
def test_help_by_either_word_and_program(program, word):
    shown = subprocess.run([*program, "search", word], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert "Usage: cosimo search" in shown.stdout


def test_commands_complete_in_a_shell():
    asked = {"_COSIMO_COMPLETE": "complete_bash", "COMP_WORDS": "cosimo se", "COMP_CWORD": "1"}
    found = subprocess.run(PROGRAM, env={**os.environ, **asked}, capture_output=True, text=True)
    assert found.stdout.split() == ["search"]
