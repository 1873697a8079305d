"""A model's folder in the layout of sentence-transformers, or a plain one of transformers, as plain data.

Only JSON is read here. Files that can hold code (pickles) and ONNX files that point at other files are refused, and so
is any module that this package does not run: a vector that lacks its last layer looks like a vector.

Reference: sentence-transformers, the layout, https://github.com/huggingface/sentence-transformers
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosimo.errors import DataError
from cosimo.types import Role

POOLING_NAMES: Mapping[str, str] = {
    "cls": "cls",
    "cls_token": "cls",
    "max": "max",
    "max_tokens": "max",
    "mean": "mean",
    "mean_tokens": "mean",
    "mean_sqrt_len_tokens": "mean_sqrt_len",
    "weightedmean": "weighted_mean",
    "weightedmean_tokens": "weighted_mean",
    "lasttoken": "last",
}
"""Their names of poolings, old and new, to those of `encode.pooling.poolings`; combined ones come in this order."""

ROLE_PROMPTS: Mapping[Role, Sequence[str]] = {"query": ("query",), "document": ("document", "passage", "corpus")}
"""Names under which models keep the prompt of a role; the first that is not empty counts."""

COUNT_FROM_PADDING = ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer")
"""Architectures whose first position has the number after the padding token's id."""


@dataclass(frozen=True)
class ModelFolder:
    """What a folder says about its model.

    config
        `config.json` of the transformer.
    tokenizer
        `tokenizer.json`.
    weights, onnx
        `model.safetensors` and `onnx/model.onnx`; at least one is there.
    poolings
        Names in `cosimo.encode.pooling.poolings.POOLINGS`; the vectors of several are put side by side.
    normalize
        Whether vectors are divided by their length.
    max_tokens
        Tokens that are read of a text, special tokens included.
    lowercase
        Whether texts are lower-cased before the tokenizer sees them.
    prompts, default_prompt
        Texts put before an item by name, and the name used when no role is given.
    truncate_dim
        Dimensions that are kept, `None` for all.
    similarity
        What vectors are to be compared with, as the model's makers say.
    """

    path: Path
    config: Mapping[str, Any]
    tokenizer: Path
    weights: Path | None
    onnx: Path | None
    poolings: tuple[str, ...]
    normalize: bool
    max_tokens: int
    lowercase: bool
    prompts: Mapping[str, str]
    default_prompt: str | None
    truncate_dim: int | None
    similarity: str | None

    def prompt(self, role: Role | None) -> str:
        """What is put before an item of that role, often nothing."""
        if role is None:
            return self.prompts.get(self.default_prompt, "") if self.default_prompt else ""
        if role not in ROLE_PROMPTS:
            raise DataError(f'role must be "query" or "document", got {role!r}')
        return next((self.prompts[name] for name in ROLE_PROMPTS[role] if self.prompts.get(name)), "")


def read_model_folder(path: str | Path) -> ModelFolder:
    """The model in a folder: with `modules.json` as that says, without as mean pooling over the transformer.

    Raises
    ------
    DataError
        Something is missing, damaged, or not supported; the message names the file or module.
    """
    root = Path(path)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; a model is a folder with config.json, tokenizer.json and weights")
    modules = _modules(root)
    base = root / modules.get("Transformer", "")
    config = _read(base / "config.json")
    layout = _read(base / "sentence_bert_config.json", optional=True)
    general = _read(root / "config_sentence_transformers.json", optional=True)
    pooling = _read(root / modules["Pooling"] / "config.json") if "Pooling" in modules else {}
    prompts = {name: text or "" for name, text in (general.get("prompts") or {}).items()}
    default_prompt = general.get("default_prompt_name")
    if default_prompt is not None and default_prompt not in prompts:
        raise DataError(f'{root}: the default prompt "{default_prompt}" is not among the prompts {sorted(prompts)}')
    if not pooling.get("include_prompt", True) and any(prompts.values()):
        raise DataError(f"{root} leaves its prompts out of pooling (include_prompt), which is not supported")
    weights, onnx = _weights(base)
    return ModelFolder(
        path=root,
        config=config,
        tokenizer=_tokenizer(base),
        weights=weights,
        onnx=onnx,
        poolings=_poolings(root, pooling),
        normalize="Normalize" in modules,
        max_tokens=_max_tokens(base, config, layout),
        lowercase=bool(layout.get("do_lower_case", False)),
        prompts=prompts,
        default_prompt=default_prompt,
        truncate_dim=general.get("truncate_dim"),
        similarity=general.get("similarity_fn_name"),
    )


def _read(file: Path, *, optional: bool = False) -> dict[str, Any]:
    """The object in a JSON file; an optional file that is not there is an empty one."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if optional:
            return {}
        raise DataError(f"{file.parent} is no model folder that can be read: {file.name} is missing") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{file} must hold a JSON object, got {type(content).__name__}")
    return content


def _modules(root: Path) -> dict[str, str]:
    """The folder of each module by its class; empty without `modules.json`."""
    file = root / "modules.json"
    if not file.is_file():
        return {}
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))
        modules = {str(module["type"]).rpartition(".")[2]: str(module["path"]) for module in listed}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} is not a list of modules: {error!r}") from error
    order = list(modules)
    if order not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        extra = [name for name in order if name not in ("Transformer", "Pooling", "Normalize")]
        what = f"the module {extra[0]}" if extra else f"the modules {', '.join(order)}"
        raise DataError(
            f"{root}: {what} cannot be run here; supported are Transformer, Pooling and, after them, Normalize"
        )
    return modules


def _poolings(root: Path, pooling: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the poolings, from the new form (`pooling_mode`) or the old one (a flag each)."""
    named = pooling.get("pooling_mode")
    if named is None:
        flags = [name.removeprefix("pooling_mode_") for name, on in pooling.items() if on is True]
        named = [name for name in POOLING_NAMES if name in flags] or ["mean"]
    names = [named] if isinstance(named, str) else named
    unknown = [name for name in names if name not in POOLING_NAMES]
    if unknown:
        raise DataError(f'{root}: pooling "{unknown[0]}" is not known; known are {", ".join(POOLING_NAMES)}')
    return tuple(POOLING_NAMES[name] for name in names)


def _tokenizer(base: Path) -> Path:
    file = base / "tokenizer.json"
    if not file.is_file():
        raise DataError(
            f"{base} is no model folder that can be read: tokenizer.json is missing; "
            "transformers writes it when a fast tokenizer is saved there"
        )
    return file


def _weights(base: Path) -> tuple[Path | None, Path | None]:
    """The safetensors and the ONNX file, whichever are there."""
    weights = base / "model.safetensors"
    candidates = (base / "onnx" / "model.onnx", base / "model.onnx")
    onnx = next((file for file in candidates if file.is_file()), None)
    if weights.is_file() or onnx:
        return weights if weights.is_file() else None, onnx
    if any(base.glob("*.bin")):
        raise DataError(
            f"{base} holds its weights as a pickle (.bin), which may run code when read; save it as safetensors"
        )
    raise DataError(f"{base} has no weights: neither model.safetensors nor onnx/model.onnx is there")


def _max_tokens(base: Path, config: Mapping[str, Any], layout: Mapping[str, Any]) -> int:
    """The window the model was made for, at most as many tokens as it has positions."""
    positions = config.get("max_position_embeddings")
    if positions and config.get("model_type") in COUNT_FROM_PADDING:
        positions -= int(config.get("pad_token_id") or 0) + 1
    declared = layout.get("max_seq_length") or _read(base / "tokenizer_config.json", optional=True).get(
        "model_max_length"
    )
    # Tokenizers without a limit of their own write 10^30.
    limits = [int(limit) for limit in (declared, positions) if limit and limit < 1_000_000]
    return min(limits, default=512)
