"""Figures that the claims of layer-linearity compare."""

from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import data
from cosimo.measure import layer_linearity, linear_map, replace_blocks
from cosimo.refine import Affine

TOKENS, SENTENCES = 20_000, 200


COUNTS = {"minilm": (1, 2, 3), "smollm2": (1, 3, 6)}


def stsb(split):

    table = data.parquet("stsb", "stsb_en")
    return table[table.split == split]


@cache
def fitted_on():
    """Distinct sentences of the training pairs, in an order drawn once."""
    pairs = stsb("train")
    return list(np.random.default_rng(0).permutation(np.unique([*pairs.sentence1, *pairs.sentence2])))


def linearity(name, states, first):
    """Scores (L - 1,) of each block, on all tokens and on all but the first of each text."""
    rest = [np.delete(X, first, axis=0) for X in states]
    found = {"with residual": layer_linearity(states), "without residual": layer_linearity(states, residual=False)}
    found |= {"with residual, no first tokens": layer_linearity(rest)}
    return {f"{name}, {system}": scores for system, scores in found.items()}


@cache
def minilm():
    """The encoder, its maps by block, the blocks from the most linear on, and the figures of its blocks."""
    from cosimo.encode import load_encoder

    encoder = load_encoder("minilm")
    layers = [encoder.encode_tokens(fitted_on()[:2000], layers=(layer,)) for layer in range(7)]
    kept = int(np.searchsorted(layers[0].offsets, TOKENS))
    first = layers[0].offsets[:kept]
    states = [T.values[: layers[0].offsets[kept]] for T in layers]
    figures = linearity("minilm", states, first)
    maps = {block: linear_map(states[block - 1], states[block]) for block in range(1, 7)}
    order = [int(i) + 1 for i in np.argsort(-figures["minilm, with residual"])]
    return encoder, maps, order, figures


def identity(d):
    return Affine(np.eye(d), np.zeros(d))


@cache
def sts_pseudo(maps):
    """Spearman x 100 on the test pairs as pseudo-values (n,), some blocks of MiniLM replaced: ((block, map), ...)."""
    from tempfile import TemporaryDirectory

    from claims import pseudo

    encoder, pairs = minilm()[0], stsb("test")
    with TemporaryDirectory() as folder:
        changed = replace_blocks(encoder, dict(maps), Path(folder) / "new") if maps else encoder
        A, B = (changed.encode(list(side)) for side in (pairs.sentence1, pairs.sentence2))
    cosines = (A * B).sum(axis=1)  # both are of length 1
    return pseudo(lambda a, b: 100 * spearmanr(a, b).statistic, cosines, pairs.score.to_numpy())


class Language:
    """SmolLM2 with blocks that can be replaced, its own file untouched."""

    def __init__(self):
        from models import smollm2

        states = smollm2()
        self.model, self.tokenizer, self.blocks = states.model, states.tokenizer, states.model.model.layers
        self.original = list(self.blocks)

    def ids(self, text):
        import torch

        return torch.tensor([self.tokenizer(text)["input_ids"]])

    def states(self, texts):
        """States (n, d) before the first block and after each, before the final norm, and rows of first tokens."""
        import torch

        found, hooks = [[] for _ in range(len(self.blocks) + 1)], []
        hooks.append(self.blocks[0].register_forward_pre_hook(lambda _, given: found[0].append(given[0][0])))
        for i, block in enumerate(self.blocks):
            hooks.append(block.register_forward_hook(lambda *given, i=i: found[i + 1].append(given[2][0])))
        with torch.inference_mode():
            for text in texts:
                self.model.model(self.ids(text))
        for hook in hooks:
            hook.remove()
        first = np.cumsum([0, *(len(X) for X in found[0][:-1])])
        return [torch.cat(layer).numpy() for layer in found], first

    def log_likelihood(self, texts, maps):
        """(n,) mean log-likelihood of a token of each text, some blocks (from 1) replaced by maps."""
        import torch

        for block, fitted in maps:
            self.blocks[block - 1] = straight(fitted)
        values = []
        with torch.inference_mode():
            for text in texts:
                ids = self.ids(text)
                logits = self.model(ids, use_cache=False).logits[0, :-1].log_softmax(-1)
                values.append(float(logits.gather(1, ids[0, 1:, None]).mean()))
        for i, block in enumerate(self.original):
            self.blocks[i] = block
        return np.array(values)


def straight(fitted):
    """A block that is an affine map."""
    import torch

    W, b = (torch.tensor(array, dtype=torch.float32) for array in fitted.affine())

    class Straight(torch.nn.Module):
        attention_type = "full_attention"

        def forward(self, hidden_states, **_):
            return hidden_states @ W + b

    return Straight()


@cache
def language():
    """The model, its maps, the blocks from the most linear on, and the figures of its blocks."""
    model, sentences, count = Language(), fitted_on(), 0
    for n, text in enumerate(sentences):  # noqa: B007
        count += model.ids(text).shape[1]
        if count >= TOKENS:
            break
    states, first = model.states(sentences[: n + 1])
    figures = linearity("smollm2", states, first)
    maps = {block: linear_map(states[block - 1], states[block]) for block in range(1, len(states))}
    order = [int(i) + 1 for i in np.argsort(-figures["smollm2, with residual"])]
    return model, maps, order, figures


@cache
def likelihood(maps):
    pairs = stsb("test")
    texts = [text for text in dict.fromkeys(pairs.sentence1) if len(text.split()) > 3][:SENTENCES]
    return language()[0].log_likelihood(texts, maps)


def replaced(name, made, measure, *, seed):
    """Figures with the most linear blocks linearised, and with blocks drawn by the seed linearised or left out."""
    _, maps, order, figures = made
    out = identity(maps[1].W.shape[0])
    found = figures | {f"{name}, as it is": measure(())}
    for count in COUNTS[name]:
        drawn = np.random.default_rng([seed, count]).permutation(order)[:count]
        systems = {
            "most linear linearised": [(block, maps[block]) for block in order[:count]],
            "random linearised": [(int(block), maps[int(block)]) for block in drawn],
            "random left out": [(int(block), out) for block in drawn],
        }
        found |= {f"{name}, {count} {system}": measure(tuple(chosen)) for system, chosen in systems.items()}
    return found


@cache
def run(seed):
    """The figures of every system; the seed draws which blocks are chosen at random."""
    return (
        {"0.99": 0.99}
        | replaced("minilm", minilm(), sts_pseudo, seed=seed)
        | replaced("smollm2", language(), likelihood, seed=seed)
    )
