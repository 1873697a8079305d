r"""Text encoders on onnxruntime: a transformer's vectors, pooled as its folder says, without torch.

$$x = \mathrm{norm}\big(\mathrm{pool}(T, m)_{1..k}\big)$$

$T$ (n, t, d) and $m$ (n, t) the states and the mask of real tokens, $k$ -> `truncate_dim`, norm where the folder asks
for it. A BERT-shaped folder gets a fused graph of our own, made once from its safetensors; others bring an ONNX file.

Pitfalls: vectors shortened after they were normalised, so that they are no longer unit vectors; prompts of one
side on both; texts cut without a word.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from cosimo._arrays import unit
from cosimo.encode.items import check_texts, distinct, kept_dimensions, no_condition, probe_vectors
from cosimo.encode.models.homes import sha256_of
from cosimo.encode.models.model_folder import ModelFolder, read_model_folder
from cosimo.encode.pooling.poolings import POOLINGS, Mask
from cosimo.encode.texts import int8_graph
from cosimo.encode.texts.batching import token_ids
from cosimo.encode.texts.bert_graph import bert_shape, cached_graph, why_not_bert
from cosimo.encode.texts.onnx_runs import Runs
from cosimo.encode.texts.onnx_session import Session
from cosimo.encode.texts.token_spans import token_spans
from cosimo.encode.texts.workers import cores
from cosimo.encode.truncation import note
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError
from cosimo.passport import Passport
from cosimo.types import Role, Rows, Tokens, Vectors

PRECISIONS = ("fp32", "int8")


@final
class OnnxEncoder(Sides):
    """Encodes texts with a transformer; equals sentence-transformers to 1e-4, but for `int8`.

    folder
        What the model's folder says.
    name
        What people call it; the folder's own name when left out.
    precision
        Of the arithmetic: `fp32`, or `int8`, which is faster and nearly as good. A text's int8 vector is the same to
        the last bit whatever it is encoded with.
    truncate_dim
        Dimensions that are kept of each vector, for models trained to allow it; the folder's own setting when left
        out.
    threads
        Processor cores to use, all that this process may use when left out.
    device
        `cpu`, which None means as well, or `cuda`, which needs onnxruntime-gpu in place of onnxruntime.

    Raises
    ------
    DataError
        The model cannot be run here; the message says what would help.

    >>> from cosimo.encode import load_encoder
    >>> encoder = load_encoder("minilm")  # doctest: +SKIP
    >>> encoder.encode(["a man plays the guitar", "someone makes music"]).shape  # doctest: +SKIP
    (2, 384)
    """

    def __init__(
        self,
        folder: ModelFolder,
        *,
        name: str | None = None,
        precision: str = "fp32",
        truncate_dim: int | None = None,
        threads: int | None = None,
        device: str | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise DataError(f'precision must be "fp32" or "int8", got {precision!r}')
        if precision == "int8" and device not in (None, "cpu"):
            raise DataError(f"int8 runs on the processor, got device {device!r}; leave one of the two out")
        if threads is not None and threads < 1:
            raise DataError(f"threads must be at least 1, got {threads}; leave it out for all cores")
        self.folder = folder
        self.name = name or folder.path.resolve().name
        self.precision = precision
        self.truncate_dim = folder.truncate_dim if truncate_dim is None else truncate_dim
        self.threads = threads or cores()
        self.device = device
        self._source, graph = _graph(folder)
        self._session = Session(int8_graph.cached_int8(graph) if precision == "int8" else graph, device)
        self.tokenizer_json = folder.tokenizer.read_text(encoding="utf-8")
        self._tokenizer = _tokenizer(folder, self.tokenizer_json)
        self._pad = int(folder.config.get("pad_token_id") or 0)
        workers = self.threads if self._session.on_processor else 1
        self._runs = Runs(self._session, alone=precision == "int8", workers=workers, pad=self._pad)
        full = self._session.dim * (len(folder.poolings) if self._session.states else 1)
        self._dim = kept_dimensions(full, self.truncate_dim)

    @classmethod
    def from_folder(
        cls,
        path: str | Path,
        *,
        name: str | None = None,
        precision: str = "fp32",
        truncate_dim: int | None = None,
        threads: int | None = None,
        device: str | None = None,
    ) -> "OnnxEncoder":
        """The encoder in a folder of sentence-transformers or transformers."""
        folder = read_model_folder(path)
        return cls(folder, name=name, precision=precision, truncate_dim=truncate_dim, threads=threads, device=device)

    @property
    def dim(self) -> int:
        """Dimensions of the vectors."""
        return self._dim

    @cached_property
    def passport(self) -> Passport:
        """Hashes of weights and tokenizer, everything the folder says that changes vectors, and probe vectors."""
        folder = self.folder
        facts = {
            "weights": sha256_of(self._source),
            "tokenizer": sha256_of(folder.tokenizer),
            "architecture": asdict(bert_shape(folder.config)) if self._source == folder.weights else None,
            "pooling": list(folder.poolings),
            "normalize": folder.normalize,
            "prompts": {name: text for name, text in folder.prompts.items() if text},
            "default_prompt": folder.default_prompt,
            "lowercase": folder.lowercase,
            "max_tokens": folder.max_tokens,
            "precision": self.precision,
            "truncate_dim": self.truncate_dim,
        }
        if self.precision == "int8":
            facts["rounding"] = int8_graph.VERSION
        return Passport("onnx", self.name, self.dim, facts, probe=partial(probe_vectors, self.encode))

    def encode(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) float32, one row a text, in the order given; equal texts are encoded once.

        role
            Picks the model's prompt for queries or documents; without it the model's default prompt, often none.
        batch_size
            Texts run together at most; speed and memory only.
        """
        no_condition(given)
        texts = check_texts(items)
        unique, inverse = distinct(texts)
        rows, cut = self._read(unique, role)
        X = np.empty((len(unique), self.dim), np.float32)
        runs = self._runs.over(rows, [self._session.output], batch_size=batch_size, progress=progress)
        for chosen, (T,), mask in runs:
            X[chosen] = self._pool(T, mask)
        note(int(cut[inverse].sum()), n=len(texts), limit=self.folder.max_tokens, texts=cut[inverse])
        return X if len(unique) == len(texts) else X[inverse]

    def encode_tokens(
        self,
        items: Sequence[Any],
        *,
        role: Role | None = None,
        layers: Sequence[int] = (-1,),
        batch_size: int | None = None,
        progress: bool = False,
    ) -> Tokens:
        """States of the tokens of each text, special tokens included, neither pooled nor normalised.

        layers
            Layers whose states are averaged: 0 is the embeddings, 1 the first layer, -1 the last.

        Raises
        ------
        DataError
            The model has no such layer, or its file does not give token states.
        """
        texts = check_texts(items)
        outputs = self._session.layers(layers)
        unique, inverse = distinct(texts)
        rows, cut = self._read(unique, role)
        states: list[Vectors] = [np.empty((0, self._session.dim), np.float32)] * len(unique)
        for chosen, found, mask in self._runs.over(rows, outputs, batch_size=batch_size, progress=progress):
            T = sum(found[1:], start=found[0]) / np.float32(len(found))
            for i, values, length in zip(chosen, T, mask.sum(axis=1), strict=True):
                states[i] = values[:length].copy()
        note(int(cut[inverse].sum()), n=len(texts), limit=self.folder.max_tokens)
        return Tokens.stack([states[i] for i in inverse], dim=self._session.dim)

    @cached_property
    def window(self) -> int:
        """Tokens of a document that are read, special tokens and prompt aside."""
        return max(0, self.folder.max_tokens - len(self._whole.encode(self.folder.prompt("document")).ids))

    def token_spans(self, text: str) -> Rows:
        """(t, 2) characters of each token of a text, as far as it goes, without special tokens and prompt."""
        lowered = text.lower() if self.folder.lowercase else text
        # A few letters become two in lower case; places in such a text would not be those in the original.
        return token_spans(self._whole, lowered if len(lowered) == len(text) else text)

    @cached_property
    def _whole(self) -> Tokenizer:
        """The tokenizer without a window."""
        tokenizer = Tokenizer.from_str(self.tokenizer_json)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer

    def _read(self, texts: list[str], role: Role | None) -> tuple[list[NDArray[np.int32]], NDArray[np.bool_]]:
        prompt = self.folder.prompt(role)
        if prompt:
            texts = [prompt + text for text in texts]
        if self.folder.lowercase:
            texts = [text.lower() for text in texts]
        return token_ids(self._tokenizer, texts, limit=self.folder.max_tokens, pad=self._pad)

    def _pool(self, T: Vectors, mask: Mask) -> Vectors:
        X = np.concatenate([POOLINGS[name](T, mask) for name in self.folder.poolings], axis=1) if T.ndim == 3 else T
        X = X[:, : self.dim]
        return unit(X) if self.folder.normalize else X


def _graph(folder: ModelFolder) -> tuple[Path, Path]:
    """The file that pins the weights, and the graph to run."""
    reason = why_not_bert(folder.config)
    if folder.weights and reason is None:
        return folder.weights, cached_graph(folder.weights, bert_shape(folder.config))
    if folder.onnx:
        return folder.onnx, folder.onnx
    raise DataError(
        f"{folder.path} can only be run as an ONNX file, because {reason} (built here are bert models with absolute "
        "positions and gelu); export it to onnx/model.onnx, for instance with optimum-cli export onnx"
    )


def _tokenizer(folder: ModelFolder, tokenizer_json: str) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_str(tokenizer_json)
    except Exception as error:  # the library raises a bare Exception
        raise DataError(f"{folder.tokenizer} is not a tokenizer that can be read: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(folder.max_tokens)
    return tokenizer
