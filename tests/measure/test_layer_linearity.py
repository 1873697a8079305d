import os
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from scipy.stats import spearmanr

from cosimo import Space
from cosimo.encode import OnnxEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import block_norms, layer_linearity, linear_map, linearize, replace_blocks
from cosimo.refine import Affine
from encode.tiny_bert import CONFIG, WORDS, write_tiny_bert


def states_of(n=400, d=6, *, seed=0):
    """Three layers: a bent one, and a linear one after it, all beside the origin."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3
    Y = X - np.tanh(X @ rng.normal(size=(d, d)))
    return [X, Y, Y @ rng.normal(size=(d, d)) - 5]


def score_by_lstsq(X, Y):
    """The definition: both centred and of unit norm, then the best map."""
    X, Y = (V - V.mean(axis=0) for V in (X, Y))
    X, Y = X / np.linalg.norm(X), Y / np.linalg.norm(Y)
    A = np.linalg.lstsq(X, Y, rcond=None)[0]
    return 1 - np.linalg.norm(X @ A - Y) ** 2


def test_score_oracle_lstsq():
    X, Y, Z = states_of()
    found = layer_linearity([X, Y, Z])
    np.testing.assert_allclose(found, [score_by_lstsq(X, Y), score_by_lstsq(Y, Z)], atol=1e-10)
    without = layer_linearity([X, Y, Z], residual=False)
    np.testing.assert_allclose(without, [score_by_lstsq(X, Y - X), score_by_lstsq(Y, Z - Y)], atol=1e-10)
    assert found[1] == pytest.approx(1) and without[0] < found[0] < 1


def test_score_oracle_scikit_learn():
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score

    X, Y, _ = states_of()
    explained = r2_score(Y, LinearRegression().fit(X, Y).predict(X), multioutput="variance_weighted")
    assert layer_linearity([X, Y])[0] == pytest.approx(explained, abs=1e-10)


def test_unrelated_layers_score_as_much_as_chance_gives():
    """d of n - 1 directions are explained whatever they are."""
    rng = np.random.default_rng(1)
    scores = [layer_linearity([rng.normal(size=(200, 20)) for _ in range(2)])[0] for _ in range(30)]
    assert np.mean(scores) == pytest.approx(20 / 199, abs=0.005)


def test_a_layer_that_adds_nothing_or_a_constant_is_linear():
    X = states_of()[0]
    assert layer_linearity([X, X, X + 2], residual=False).tolist() == [1.0, 1.0]


def test_score_is_the_same_for_float32_and_after_any_linear_map():
    X, Y, _ = states_of()
    turn = np.random.default_rng(2).normal(size=(6, 6))
    expected = layer_linearity([X, Y])[0]
    assert layer_linearity([X.astype(np.float32), Y.astype(np.float32)])[0] == pytest.approx(expected, abs=1e-5)
    assert layer_linearity([-2 * X @ turn + 1, Y])[0] == pytest.approx(expected, abs=1e-9)


def test_a_direction_that_is_only_rounding_gets_no_weight():
    """As after a layer norm; a map that leans on it is ruined by the next thing that is a little off."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(500, 5)).astype(np.float32)
    X = (X - X.mean(axis=1, keepdims=True)).astype(np.float32)
    Y = np.tanh(X)
    found = linear_map(X, Y)
    assert np.abs(found.W).max() < 2
    assert layer_linearity([X, Y])[0] == pytest.approx(score_by_lstsq(X[:, :4], Y), abs=1e-6)


def test_norms_of_what_is_added():
    X, Y, Z = states_of()
    expected = [np.sqrt(((b - a) ** 2).sum() / (a**2).sum()) for a, b in ((X, Y), (Y, Z))]
    np.testing.assert_allclose(block_norms([X, Y, Z]), expected)


def test_map_oracle_lstsq():
    X, Y, _ = states_of()
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), Y[:, :2], rcond=None)[0]
    found = linear_map(X, Y[:, :2])
    np.testing.assert_allclose(found.W, expected[:-1], atol=1e-9)
    np.testing.assert_allclose(found.b, expected[-1], atol=1e-9)


@pytest.mark.parametrize("measure", [layer_linearity, block_norms, lambda states: linear_map(*states)])
def test_too_few_tokens(measure):
    with pytest.raises(DataError, match="7 tokens in 6 dimensions are fitted by any map"):
        measure([X[:7] for X in states_of()[:2]])


def test_layers_that_do_not_belong_together():
    X, Y, _ = states_of()
    for states in ([X], [], [X, Y[:-1]], [X, Y[:, :3]]):
        with pytest.raises(ShapeError, match="two layers or more, all alike"):
            layer_linearity(states)
    with pytest.raises(ShapeError, match="all alike"):
        linear_map(X, Y[:-1])
    with pytest.raises(DataError, match=r"states\[1\] contains NaN"):
        layer_linearity([X, np.where(Y > 0, Y, np.nan)])


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(4)
    return [" ".join(rng.choice(WORDS, size=rng.integers(2, 9))) for _ in range(150)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return OnnxEncoder.from_folder(write_tiny_bert(tmp_path_factory.mktemp("tiny")))


def hidden(encoder, texts, layer):
    return encoder.encode_tokens(texts, layers=(layer,)).values


def test_a_block_becomes_its_map(tiny, texts, tmp_path):
    faster = linearize(tiny, texts, tmp_path / "first", blocks=[1])
    before = hidden(tiny, texts, 0)
    expected = linear_map(before, hidden(tiny, texts, 1)).transform(before)
    np.testing.assert_allclose(hidden(faster, texts, 1), expected, atol=1e-4)
    np.testing.assert_array_equal(hidden(faster, texts, 0), before)
    last = linearize(tiny, texts, tmp_path / "last", blocks=(2,))
    np.testing.assert_array_equal(hidden(last, texts, 1), hidden(tiny, texts, 1))
    pooled = [item.mean(axis=0) for item in last.encode_tokens(texts)]
    expected = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(last.encode(texts), expected, atol=1e-5)


def test_the_most_linear_block_goes_first(tiny, texts, tmp_path):
    scores = layer_linearity([hidden(tiny, texts, layer) for layer in range(3)])
    chosen = linearize(tiny, texts, tmp_path / "auto")
    named = linearize(tiny, texts, tmp_path / "named", blocks=[int(scores.argmax()) + 1])
    np.testing.assert_array_equal(chosen.encode(texts), named.encode(texts))


def test_maps_of_the_blocks_themselves_change_nothing_where_they_are_exact(tiny, texts, tmp_path):
    """A map that was put in is found again, and put in again."""
    d = CONFIG["hidden_size"]
    W = np.random.default_rng(5).normal(size=(d, d)) / d**0.5
    once = replace_blocks(tiny, {1: Affine(W, np.full(d, -0.5))}, tmp_path / "once")
    np.testing.assert_allclose(hidden(once, texts, 1), hidden(tiny, texts, 0) @ W - 0.5, atol=1e-4)
    twice = linearize(once, texts, tmp_path / "twice", blocks=[1])
    np.testing.assert_allclose(twice.encode(texts), once.encode(texts), atol=1e-4)


def test_a_block_can_be_left_out(tiny, texts, tmp_path):
    d = CONFIG["hidden_size"]
    shorter = replace_blocks(tiny, {2: Affine(np.eye(d), np.zeros(d))}, tmp_path / "shorter")
    np.testing.assert_allclose(hidden(shorter, texts, 2), hidden(tiny, texts, 1), atol=1e-6)


def test_weights_of_replaced_blocks_are_not_kept(tiny, texts, tmp_path):
    linearize(tiny, texts, tmp_path / "new", blocks=2)
    graph = onnx.load(tmp_path / "new" / "onnx" / "model.onnx").graph
    onnx.checker.check_model(tmp_path / "new" / "onnx" / "model.onnx")
    assert not [tensor.name for tensor in graph.initializer if tensor.name.startswith("encoder.layer")]
    assert [node.op_type for node in graph.node[-4:]] == ["MatMul", "Add"] * 2
    assert {path.suffix for path in (tmp_path / "new").rglob("*") if path.is_file()} == {".json", ".onnx"}


def test_the_folder_is_a_space_of_its_own(tiny, texts, tmp_path):
    faster = linearize(tiny, texts, tmp_path / "new")
    space = Space.load(tmp_path / "new")
    np.testing.assert_array_equal(space.encode(texts), faster.encode(texts))
    assert faster.passport.digest == space.encoder.passport.digest != tiny.passport.digest
    assert not tiny.passport.compare(faster.passport)
    assert faster.folder.poolings == tiny.folder.poolings and faster.folder.max_tokens == tiny.folder.max_tokens


def test_settings_of_the_encoder_stay(tmp_path, texts):
    folder = write_tiny_bert(tmp_path)
    encoder = OnnxEncoder.from_folder(folder, precision="int8", truncate_dim=8, threads=1)
    faster = linearize(encoder, texts, tmp_path / "new")
    assert (faster.precision, faster.dim, faster.threads) == ("int8", 8, 1)


@pytest.mark.parametrize("blocks", [0, 3, -1, [], [0], [1, 3]], ids=str)
def test_blocks_that_are_not_there(tiny, texts, tmp_path, blocks):
    with pytest.raises(DataError, match="blocks"):
        linearize(tiny, texts, tmp_path / "new", blocks=blocks)
    assert not (tmp_path / "new").exists()


def test_maps_of_another_width(tiny, tmp_path):
    with pytest.raises(ShapeError, match="states have 32 dimensions"):
        replace_blocks(tiny, {1: Affine(np.eye(3), np.zeros(3))}, tmp_path / "new")


def test_nothing_is_written_over(tiny, texts, tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    for path in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(DataError, match="is there already"):
            linearize(tiny, texts, path)


def test_models_without_states_of_layers(tiny, texts, tmp_path):
    folder = write_tiny_bert(tmp_path / "shown")
    model = onnx.load(tiny._session.file)
    model.graph.output[-1].name = model.graph.node[-1].output[0] = "last_hidden_state"
    del model.graph.output[:-1]
    (folder / "onnx").mkdir()
    onnx.save(model, folder / "onnx" / "model.onnx")
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match="shows last_hidden_state, not the states of each layer"):
        linearize(OnnxEncoder.from_folder(folder), texts, tmp_path / "new")


# What follows measures the claims of the row.

TOKENS, SENTENCES = 20_000, 200
COUNTS = {"minilm": (1, 2, 3), "smollm2": (1, 3, 6)}


def stsb(split):
    import pandas as pd

    table = pd.read_parquet(Path(os.environ["COSIMO_DATA"]) / "stsb" / "stsb_en.parquet")
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
