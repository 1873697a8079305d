"""Folders of static token vectors, as model2vec 0.10 and sentence-transformers write and read them.

`config.json`, `tokenizer.json`, and `model.safetensors` with `embeddings` (V, d) and, where the vocabulary was
clustered, `mapping` (a row for each token) and `weights` (a factor for each token). Both are worked into the table when
it is read; the plain table is written.

Reference: model2vec, https://github.com/MinishLab/model2vec
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cosimo.errors import DataError
from cosimo.types import Vectors

CONFIG, TENSORS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"

Made = TypeVar("Made")


def read_folder(path: str | Path, make: Callable[..., Made]) -> Made:
    """What `make(table, tokenizer_json, normalize=..., max_length=...)` makes of a folder.

    Raises
    ------
    DataError
        When files are missing, damaged, or do not fit together.
    """
    folder = Path(path)
    missing = [file for file in (CONFIG, TENSORS, TOKENIZER) if not (folder / file).is_file()]
    if missing:
        raise DataError(f"{folder} is not a folder of static vectors: {', '.join(missing)} not found there")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return make(
            _fold(load_file(folder / TENSORS)),
            (folder / TOKENIZER).read_text(encoding="utf-8"),
            normalize=bool(config.get("normalize", False)),
            max_length=config.get("max_length", 512),
        )
    except (SafetensorError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{folder} cannot be read as static vectors: {error}") from error


def write_folder(path: str | Path, table: Vectors, tokenizer_json: str, settings: Mapping[str, Any]) -> None:
    """Write table (V, d), tokenizer and settings, of which `normalize` decides."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "embedding_dtype": table.dtype.name,
        **settings,
    }
    stages = {"StaticEmbedding": "."} | ({"Normalize": "1_Normalize"} if settings["normalize"] else {})
    modules = [
        {"idx": i, "name": str(i), "path": place, "type": f"sentence_transformers.models.{stage}"}
        for i, (stage, place) in enumerate(stages.items())
    ]
    # Other readers would obey padding and truncation that are left in the file.
    tokenizer = json.loads(tokenizer_json) | {"padding": None, "truncation": None}
    for file, content in ((CONFIG, config), ("modules.json", modules), (TOKENIZER, tokenizer)):
        (folder / file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    save_file({"embeddings": np.ascontiguousarray(table)}, folder / TENSORS)


def _fold(tensors: dict[str, NDArray[Any]]) -> Vectors:
    """(V, d) one row a token, with mapping and weights worked in."""
    table = tensors["embeddings"].astype(np.float32, copy=False)
    if "mapping" in tensors:
        table = table[tensors["mapping"]]
    if "weights" in tensors:
        table = table * tensors["weights"].astype(np.float32)[:, None]
    return table
