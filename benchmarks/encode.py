"""Encoding texts on the processor: ours against sentence-transformers and model2vec, in turn.

    COSIMO_DATA=... python benchmarks/encode.py [--out figures.json]

Short texts are sentences of STS-B, long ones abstracts of Cranfield (about 200 tokens). sentence-transformers runs
with the faster of two batch sizes. Its ONNX backend needs optimum-onnx, and in COSIMO_ST_ONNX a folder with the file
COSIMO_ST_ONNX_FILE (model_O3.onnx, written by its export_optimized_onnx_model, is the fastest). Where optimum is not
installed its place is taken by what the backend comes down to, with everything else left out: onnxruntime with its
default settings over a fused graph, batches by length, mean pooling.
"""

import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
from pairs import ratio, report, seconds
from scipy.stats import spearmanr
from tokenizers import Tokenizer

from cosimo.encode import OnnxEncoder, find_model, load_encoder, tally
from cosimo.measure import batch_sensitivity

DATA = Path(os.environ["COSIMO_DATA"])
SENTENCES, ABSTRACTS = 600, 30
BATCHES = (32, 128)
ROUNDS = 5

Texts = Sequence[str]
Encode = Callable[[Texts, int], np.ndarray]


def torch_backend() -> Encode:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find_model("minilm")), device="cpu", local_files_only=True)
    return lambda texts, batch: model.encode(texts, batch_size=batch)


def onnx_backend() -> tuple[str, Encode]:
    if importlib.util.find_spec("optimum") is None:
        return "onnxruntime as sentence-transformers uses it", bare_onnxruntime()
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        os.environ.get("COSIMO_ST_ONNX", str(find_model("minilm"))),
        backend="onnx",
        device="cpu",
        local_files_only=True,
        model_kwargs={"file_name": os.environ.get("COSIMO_ST_ONNX_FILE", "model.onnx")},
    )
    return "sentence-transformers ONNX backend", lambda texts, batch: model.encode(texts, batch_size=batch)


def bare_onnxruntime() -> Encode:
    ours = OnnxEncoder.from_folder(find_model("minilm"))
    session = onnxruntime.InferenceSession(str(ours._session.file), providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_str(ours.tokenizer_json)
    tokenizer.enable_truncation(ours.folder.max_tokens)
    tokenizer.enable_padding()

    def encode(texts: Texts, batch: int) -> np.ndarray:
        order = np.argsort([-len(text) for text in texts])
        X = np.empty((len(texts), ours.dim), np.float32)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            encodings = tokenizer.encode_batch([texts[i] for i in rows])
            ids, mask = (np.array([getattr(e, part) for e in encodings]) for part in ("ids", "attention_mask"))
            (T,) = session.run([ours._session.output], {"input_ids": ids, "attention_mask": mask})
            pooled = (T * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            X[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return X

    return encode


def best_batch(encode: Encode, texts: Texts) -> int:
    encode(texts[:64], BATCHES[0])
    times = {batch: min(seconds(lambda: encode(texts, batch)) for _ in range(2)) for batch in BATCHES}  # noqa: B023
    return min(times, key=times.__getitem__)


def against(ours: OnnxEncoder, peer: Encode, texts: Texts, about: dict) -> dict:
    batch = best_batch(peer, texts)
    with tally():  # both read 256 tokens of an abstract
        figures = ratio(lambda: ours.encode(texts), lambda: peer(texts, batch), rounds=ROUNDS)
    tokens = sum(map(len, ours._read(list(texts), None)[0]))
    speed = {"ours_tokens_per_s": round(tokens / figures["ours_s"]), "peer_batch": batch}
    return figures | speed | about


def one_by_one(ours: OnnxEncoder, peer: Encode, texts: Texts) -> dict:
    """Each text in a call of its own, as queries come."""
    return ratio(
        lambda: [ours.encode([text]) for text in texts], lambda: [peer([text], 1) for text in texts], rounds=ROUNDS
    )


def spearman(encoder: OnnxEncoder, pairs: pd.DataFrame) -> float:
    A, B = (encoder.encode(pairs[side].tolist()) for side in ("sentence1", "sentence2"))
    return round(100 * float(spearmanr((A * B).sum(axis=1), pairs["score"]).statistic), 2)


def quality(fp32: OnnxEncoder, int8: OnnxEncoder, pairs: pd.DataFrame, texts: Texts) -> dict:
    usual = load_encoder("minilm", precision="int8")
    usual._runs = replace(usual._runs, alone=False)  # the same graph, a batch a call
    moved, moved_usually = (batch_sensitivity(encoder, texts[:200]).metrics for encoder in (int8, usual))
    scores = {"spearman_fp32": spearman(fp32, pairs), "spearman_int8": spearman(int8, pairs)}
    return scores | {
        "loss": round(scores["spearman_fp32"] - scores["spearman_int8"], 2),
        "lowest_cosine_alone_and_in_a_batch": moved["lowest"].value,
        "identical_alone_and_in_a_batch": moved["identical"].value,
        "lowest_cosine_of_batched_int8": round(moved_usually["lowest"].value, 4),
    }


def tables(texts: Texts) -> dict:
    from model2vec import StaticModel

    ours, theirs = load_encoder("static"), StaticModel.from_pretrained(find_model("static"))
    np.testing.assert_allclose(ours.encode(texts), theirs.encode(texts), atol=1e-5)
    return ratio(lambda: ours.encode(texts), lambda: theirs.encode(texts), rounds=3 * ROUNDS)


def main() -> None:
    pairs = pd.read_parquet(DATA / "stsb" / "stsb_en.parquet")
    every = list(dict.fromkeys([*pairs["sentence1"], *pairs["sentence2"]]))
    short = [every[i] for i in np.random.default_rng(0).permutation(len(every))[:SENTENCES]]
    long = pd.read_parquet(DATA / "cranfield" / "docs.parquet")["text"].tolist()[:ABSTRACTS]
    fp32, int8 = (load_encoder("minilm", precision=precision) for precision in ("fp32", "int8"))
    torch, (name, onnx) = torch_backend(), onnx_backend()
    for peer in (torch, onnx):
        # onnxruntime's optimiser takes an approximate gelu
        np.testing.assert_allclose(fp32.encode(short[:50]), peer(short[:50], 32), atol=1e-3)
    figures = {
        "fp32 / torch, sentences": against(fp32, torch, short, {}),
        "fp32 / onnx, sentences": against(fp32, onnx, short, {"peer": name}),
        "int8 / torch, sentences": against(int8, torch, short, quality(fp32, int8, pairs, short)),
        "fp32 / torch, abstracts": against(fp32, torch, long, {}),
        "fp32 / onnx, abstracts": against(fp32, onnx, long, {"peer": name}),
        "int8 / torch, abstracts": against(int8, torch, long, {}),
        "fp32 / torch, one by one": one_by_one(fp32, torch, short[:100]),
        "fp32 / onnx, one by one": one_by_one(fp32, onnx, short[:100]) | {"peer": name},
        "int8 / onnx, one by one": one_by_one(int8, onnx, short[:100]) | {"peer": name},
        "static / model2vec, sentences": tables(every),
    }
    report(figures, about=__doc__)


if __name__ == "__main__":
    main()
