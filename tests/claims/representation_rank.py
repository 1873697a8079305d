"""Figures that the claims of representation-rank compare."""

from functools import cache

import numpy as np
from scipy.stats import spearmanr

import data
from cosimo.compare import Cosine
from cosimo.measure import alignments, effective_rank, phase_split, rank_curve, uniformity

SEEDS = range(5)


STEPS, EVERY, BATCH = 200, 20, 32


RATE, TEMPERATURE, DROPOUT = 1e-3, 0.05, 0.1


WEIGHT = 0.05
"""Of the entropy that rank reduction adds to the loss."""


def table(name):
    import pandas as pd

    return pd.read_parquet(data.folder() / name)


def sts(X, rows, scores):
    """Spearman x 100 of cosine and human score; rows (2, n) say which vectors are a pair."""
    return 100 * spearmanr(Cosine().pairs(X[rows[0]], X[rows[1]]), scores).statistic


def all_layers(model, texts, layers):
    """{layer: (n, d)} means over tokens, from one pass over the texts."""
    import torch

    found = {layer: [] for layer in layers}
    for start in range(0, len(texts), 50):
        batch = model.tokenizer(texts[start : start + 50], return_tensors="pt", padding=True, padding_side="right")
        mask = batch["attention_mask"]
        with torch.inference_mode():
            states = model.model(**batch, output_hidden_states=True).hidden_states
        for layer, means in found.items():
            means.append((states[layer] * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True))
    return {layer: torch.cat(means).numpy() for layer, means in found.items()}


@cache
def frozen_spaces():
    """{variant: (n, d)} of the sentences of STS-B, dev and test, (2, p) rows of its pairs, and their scores."""
    from cosimo.encode import load_encoder
    from cosimo.refine import Whitening
    from cosimo.refine.whiteningbert import token_mean
    from models import smollm2

    pairs = table("stsb/stsb_en.parquet").query("split != 'train'")
    texts, rows = np.unique([pairs.sentence1, pairs.sentence2], return_inverse=True)
    texts = [str(text) for text in texts]
    minilm = load_encoder("minilm")
    raw = {f"minilm {layer}": token_mean(minilm.encode_tokens(texts, layers=(layer,))) for layer in range(7)}
    raw |= {f"smollm2 {layer}": X for layer, X in all_layers(smollm2(), texts, range(0, 31, 5)).items()}
    spaces = raw | {f"{name} whitened": Whitening(dims=256).fit_transform(X) for name, X in raw.items()}
    return spaces, rows.reshape(2, -1), pairs.score.to_numpy()


def run_frozen(seed):
    """Rank against quality over variants of two frozen encoders, on half of the pairs; and rank against rows."""
    rng = np.random.default_rng(seed)
    spaces, rows, scores = frozen_spaces()
    half = rng.permutation(len(scores))[: len(scores) // 2]
    some = rng.permutation(len(next(iter(spaces.values()))))
    found = {"nothing": 0.0}
    for family in ("minilm", "smollm2"):
        chosen = [X for name, X in spaces.items() if name.startswith(family)]
        ranks = [effective_rank(X[some[:2500]]) for X in chosen]
        quality = [sts(X, rows[:, half], scores[half]) for X in chosen]
        found[f"{family}, rank with quality"] = spearmanr(ranks, quality).statistic
        top = spaces["minilm 6" if family == "minilm" else "smollm2 30"]
        found |= {f"{family}, rank of {n}": effective_rank(top[some[:n]]) for n in (250, 2500)}
    return found


class Student:
    """The word vectors of SmolLM2, changed by one layer with a hidden one, and their mean: a tiny encoder to train."""

    def __init__(self, seed):
        import torch

        from models import smollm2

        source = smollm2()
        torch.manual_seed(seed)
        self.tokenizer, self.words, self.seed = source.tokenizer, source.model.model.embed_tokens, seed
        layers = torch.nn.Linear(source.dim, source.dim), torch.nn.GELU(), torch.nn.Linear(source.dim, source.dim)
        self.change = torch.nn.Sequential(*layers)

    def __call__(self, texts, dropout=0.0):
        import torch.nn.functional as F  # noqa: N812

        limits = {"padding": True, "padding_side": "right", "truncation": True, "max_length": 32}
        batch = self.tokenizer(texts, return_tensors="pt", **limits)
        mask = batch["attention_mask"]
        words = F.normalize(self.words(batch["input_ids"]).detach(), dim=-1) * 24  # entries near 1, as layers want
        states = words + F.dropout(self.change(F.dropout(words, dropout)), dropout)
        return (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)

    def vectors(self, texts):
        import torch

        with torch.inference_mode():
            parts = [self(texts[start : start + 100]) for start in range(0, len(texts), 100)]
        return torch.cat(parts).numpy()

    def train(self, texts, weight):
        """Yield each step, before it is made: a sentence's two dropouts attract each other, all others repel."""
        import torch

        rng = np.random.default_rng(self.seed)
        optimiser = torch.optim.AdamW(self.change.parameters(), lr=RATE)
        for step in range(STEPS + 1):
            yield step
            chosen = [texts[i] for i in rng.choice(len(texts), BATCH, replace=False)]
            Z = torch.nn.functional.normalize(torch.cat([self(chosen, DROPOUT), self(chosen, DROPOUT)]))
            S = Z[:BATCH] @ Z[BATCH:].T / TEMPERATURE
            loss = torch.nn.functional.cross_entropy(S, torch.arange(BATCH))
            if weight:
                spectrum = torch.linalg.eigvalsh(Z @ Z.T / len(Z)).clamp(min=1e-12)
                loss = loss - weight * (spectrum * spectrum.log()).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


@cache
def trained(seed, weight):
    """What a training went through: the rank curve, and alignment, uniformity and STS-B every `EVERY` steps."""
    news, pairs = list(table("ag_news/ag_news.parquet").title), table("stsb/stsb_en.parquet").query("split == 'dev'")
    held_out, texts = news[:2000], news[2000:]
    sentences, rows = np.unique([pairs.sentence1, pairs.sentence2], return_inverse=True)
    rows, scores = rows.reshape(2, -1), pairs.score.to_numpy()
    close = rows[:, scores >= 4]
    student = Student(seed)
    snapshots, seen = [], []
    for step in student.train(texts, weight):
        if step % EVERY == 0:
            X = student.vectors([str(sentence) for sentence in sentences])
            snapshots.append((step, student.vectors(held_out)))
            seen.append((alignments(X[close[0]], X[close[1]]).mean(), uniformity(X), sts(X, rows, scores)))
    return rank_curve(snapshots), np.array(seen)


def run_trained(seed):
    """Trainings of one seed with and without rank reduction, and how far its end lies off that of all seeds."""
    found = {"nothing": 0.0}
    for name, weight in (("plain", 0.0), ("reduced", WEIGHT)):
        curve, seen = trained(seed, weight)
        rise, fall = phase_split(curve)
        ends = [trained(other, weight)[1][-1, 2] for other in SEEDS]
        found |= {
            f"{name}, rank at the start": rise.ranks[0],
            f"{name}, rank at the peak": fall.ranks[0],
            f"{name}, rank at the end": fall.ranks[-1],
            f"{name}, quality": seen[-1, 2],
            f"{name}, minus distance from the mean quality": -abs(seen[-1, 2] - np.mean(ends)),
        }
    return found
