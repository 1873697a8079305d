"""The encoder in a model's folder: the folder says which it is. Never touches the network."""

import json
from pathlib import Path

from cosimo.contracts import Encoder
from cosimo.encode.models.known import find_model
from cosimo.errors import DataError


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
    from cosimo.encode.texts.wordllama_wheel import WEIGHTS, wordllama

    folder = find_model(name_or_path)
    # A folder is called by its whole path, so that whoever stores the name finds it again.
    name = str(folder.resolve()) if folder == Path(name_or_path) else str(name_or_path)
    tables = (folder / WEIGHTS).is_file()
    if tables or _is_static(folder):
        if precision != "fp32" or device not in (None, "cpu"):
            raise DataError(f'"{name}" looks its vectors up in a table: leave out precision and device')
        if tables:
            return wordllama(folder, name=name, truncate_dim=truncate_dim)
        from cosimo.encode.texts.static import StaticEncoder

        return StaticEncoder.from_folder(folder, name=name, truncate_dim=truncate_dim)
    from cosimo.encode.texts.onnx_text import OnnxEncoder  # onnxruntime, which token tables do without

    return OnnxEncoder.from_folder(folder, name=name, precision=precision, device=device, truncate_dim=truncate_dim)


def _is_static(folder: Path) -> bool:
    """Whether the folder holds token vectors in the format of model2vec."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        return config.get("model_type") == "model2vec" or "StaticEmbedding" in str(modules[0]["type"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False  # whoever reads the folder will say what is wrong with it
