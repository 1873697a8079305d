"""Where models and caches lie on this machine, and files in them that appear whole or not at all.

Data (models) and caches (whatever can be made again) live in the user's own folders, where each system wants them (on
Linux by the XDG base directory specification); the environment variable COSIMO_HOME moves both into one place.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from cosimo.errors import DataError
from cosimo.files.atomic import replacing


def data_home() -> Path:
    """The folder of fetched models."""
    return _home("data", "XDG_DATA_HOME", ".local/share")


def cache_home() -> Path:
    """The folder of what can be made again: graphs, remembered hashes, cached vectors."""
    return _home("cache", "XDG_CACHE_HOME", ".cache")


def _home(part: Literal["data", "cache"], variable: str, default: str) -> Path:
    """The user's folder; where XDG puts it if that is set or there, as it once was on every system."""
    if chosen := os.environ.get("COSIMO_HOME"):
        return Path(chosen).expanduser() / part
    earlier = Path(os.environ.get(variable) or Path.home() / default) / "cosimo"
    if os.environ.get(variable) or earlier.exists():
        return earlier
    import platformdirs

    find = {"data": platformdirs.user_data_path, "cache": platformdirs.user_cache_path}[part]
    return find("cosimo", appauthor=False)


def model_home(name: str) -> Path:
    """Where the model of that name is installed, whether or not it is there."""
    return data_home() / "models" / name


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, remembered for as long as its size, time and inode stay the same."""
    stat = path.stat()
    seen = [stat.st_size, stat.st_mtime_ns]
    note = cache_home() / "hashes" / f"{stat.st_dev}-{stat.st_ino}.json"
    try:
        remembered = json.loads(note.read_text(encoding="utf-8"))
        if remembered["file"] == seen:
            return str(remembered["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there or not readable: it is only a memory
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with suppress(DataError):  # a home that cannot be written costs time only
        write_whole(note, json.dumps({"file": seen, "sha256": digest}).encode())
    return digest


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise DataError(f"cannot write {path} ({error.strerror}); COSIMO_HOME moves it to a folder of yours") from error


def cached_file(name: str, make: Callable[[], bytes]) -> Path:
    """A file in the cache, made when it is not there or not as it was written."""
    file = cache_home() / name
    record = file.with_suffix(".sha256")
    try:
        if sha256_of(file) == record.read_text(encoding="ascii"):
            return file
    except (OSError, UnicodeDecodeError):
        pass  # never made, or half of it is gone
    write_whole(file, make())
    write_whole(record, sha256_of(file).encode())
    return file
