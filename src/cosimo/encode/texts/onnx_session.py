"""An ONNX text model: which outputs it has, and one way to run them all.

Models exported by different tools name their outputs differently and want different inputs; after this file nobody
needs to know. Weights in files beside the model would escape the model's hash, so such files are refused.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from cosimo.encode.pooling.poolings import Mask
from cosimo.errors import DataError
from cosimo.types import Rows, Vectors

SENTENCE = "sentence_embedding"
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""What runs a model on each device."""
INSTALL = "pip uninstall -y onnxruntime && pip install onnxruntime-gpu"


class Session:
    """A loaded model, run with one thread a call.

    states
        Outputs with the states of tokens (n, t, d): of every layer, the embeddings first, where the file gives them;
        of the last layer elsewhere; none for a file that pools by itself.
    output
        The output a text's vector is made from.
    dim
        Dimensions of that output.
    on_processor
        Whether it runs there, and not on an accelerator.
    """

    def __init__(self, file: Path, device: str | None = None) -> None:
        self.file = file
        self.on_processor = device in (None, "cpu")
        self._session = _open(file, device or "cpu")
        self._inputs = {node.name: node.type for node in self._session.get_inputs()}
        unknown = self._inputs.keys() - {"input_ids", "attention_mask", "token_type_ids"}
        if unknown or "input_ids" not in self._inputs:
            raise DataError(
                f"{file} wants the inputs {', '.join(self._inputs)}; wanted input_ids, attention_mask and perhaps "
                "token_type_ids"
            )
        outputs = {node.name: node.shape for node in self._session.get_outputs()}
        self.states = _token_outputs(outputs)
        if not self.states and SENTENCE not in outputs:
            raise DataError(
                f"{file} gives {', '.join(outputs)}; wanted last_hidden_state, token_embeddings or sentence_embedding"
            )
        self.output = self.states[-1] if self.states else SENTENCE
        width = outputs[self.output][-1]
        self.dim = width if isinstance(width, int) else self._measured()

    def run(self, ids: Rows, mask: Mask, outputs: Sequence[str]) -> list[Vectors]:
        """The outputs for token ids (n, t) under their mask; safe in several threads."""
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        typed = {
            name: feeds[name].astype(np.int32 if "int32" in kind else np.int64, copy=False)
            for name, kind in self._inputs.items()
        }
        found: list[NDArray[Any]] = self._session.run(outputs, typed)
        return [values.astype(np.float32, copy=False) for values in found]

    def layers(self, wanted: Sequence[int]) -> list[str]:
        """The outputs that hold the states of these layers."""
        count = len(self.states)
        if not count:
            raise DataError(f"{self.file} gives one vector a text and no states of tokens")
        if not wanted:
            raise DataError("layers must name at least one layer, such as (-1,) for the last")
        for layer in wanted:
            if not (layer == -1 or (count > 1 and -count <= layer < count)):
                has = f"0 (the embeddings) to {count - 1}" if count > 1 else "only its last one, -1"
                raise DataError(f"there is no layer {layer}; this model gives {has}")
        return [self.states[layer] for layer in wanted]

    def _measured(self) -> int:
        """The width of a vector when the file does not say."""
        found = self.run(np.zeros((1, 1), np.int64), np.ones((1, 1), np.bool_), [self.output])
        return int(found[0].shape[-1])


def _token_outputs(outputs: Mapping[str, Any]) -> list[str]:
    """Outputs that hold token states, one a layer where the file gives all of them, else the last layer's."""
    hidden = [f"hidden_{i}" for i in range(len(outputs)) if f"hidden_{i}" in outputs]
    if hidden:
        return hidden
    last: list[str] = [name for name in ("last_hidden_state", "token_embeddings") if name in outputs]
    return last[:1]


def _open(file: Path, device: str) -> Any:
    if device not in PROVIDERS:
        raise DataError(f"device must be {' or '.join(PROVIDERS)}, got {device!r}")
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise DataError(f"the device {device!r} needs another onnxruntime; run: {INSTALL}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # Under a file there is no folder, so weights in other files are never found.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(file))
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=[provider])
    except Exception as error:  # onnxruntime's errors share no base
        if "xternal data" in str(error):
            raise DataError(
                f"{file} keeps its weights in other files (external data); export it as one file"
            ) from error
        raise DataError(f"{file} is no ONNX model that onnxruntime can load: {error}") from error
    if provider not in session.get_providers():  # it falls back to the processor by itself
        raise DataError(f"onnxruntime could not start the device {device!r}: its driver or libraries are missing here")
    return session
