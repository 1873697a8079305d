"""A BERT of random weights in the layout of sentence-transformers: made in milliseconds, run in microseconds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = [*ascii_lowercase, *digits, *".,!?'"]
WORDS = ["the", "man", "cat", "guitar", "plays", "a", "sleeps", "music", "query", "passage"]
VOCABULARY = {
    token: i for i, token in enumerate(dict.fromkeys([*SPECIAL, *WORDS, *LETTERS, *(f"##{c}" for c in LETTERS)]))
}

CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_act": "gelu",
    "vocab_size": len(VOCABULARY),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}


def tiny_tokenizer() -> Tokenizer:
    """WordPiece over letters and a few words, set up as BERT's."""
    tokenizer = Tokenizer(models.WordPiece(VOCABULARY, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(token, VOCABULARY[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.add_special_tokens(list(SPECIAL))
    # As published files often are: what they say about padding and truncation must not matter.
    tokenizer.enable_padding(length=20)
    tokenizer.enable_truncation(7)
    return tokenizer


def tiny_weights(*, seed: int = 0, prefix: str = "") -> dict[str, np.ndarray]:
    """Random tensors under BERT's names, large enough that every part changes the outcome."""
    rng = np.random.default_rng(seed)
    d, wide = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), d),
        "embeddings.position_embeddings.weight": (CONFIG["max_position_embeddings"], d),
        "embeddings.token_type_embeddings.weight": (CONFIG["type_vocab_size"], d),
    }
    norms = ["embeddings.LayerNorm"]
    for i in range(CONFIG["num_hidden_layers"]):
        at = f"encoder.layer.{i}."
        dense = {f"attention.self.{part}": (d, d) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (d, d), "intermediate.dense": (wide, d), "output.dense": (d, wide)}
        for name, shape in dense.items():
            shapes |= {f"{at}{name}.weight": shape, f"{at}{name}.bias": shape[:1]}
        norms += [f"{at}attention.output.LayerNorm", f"{at}output.LayerNorm"]
    tensors = {name: rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
    for norm in norms:
        tensors |= {f"{norm}.weight": rng.uniform(0.5, 1.5, d), f"{norm}.bias": rng.normal(0, 0.1, d)}
    return {prefix + name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def write_tiny_bert(
    folder: Path,
    *,
    seed: int = 0,
    pooling: str | Sequence[str] = "mean",
    normalize: bool = True,
    max_tokens: int | None = 48,
    config: Mapping[str, Any] = {},
    general: Mapping[str, Any] = {},
) -> Path:
    """Write the model; `config` changes `config.json`, `general` is `config_sentence_transformers.json`."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), *([("2_Normalize", "Normalize")] if normalize else [])]
    listed = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules)
    ]
    files = {
        "config.json": CONFIG | dict(config),
        "modules.json": listed,
        "1_Pooling/config.json": {"embedding_dimension": CONFIG["hidden_size"], "pooling_mode": pooling},
        "config_sentence_transformers.json": dict(general),
        "sentence_bert_config.json": {"max_seq_length": max_tokens} if max_tokens else {},
        "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "model_max_length": 50},
    }
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(json.dumps(content), encoding="utf-8")
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    save_file(tiny_weights(seed=seed), folder / "model.safetensors")
    return folder
