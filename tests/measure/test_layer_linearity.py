import numpy as np
import onnx
import pytest

from contracts.collect import case
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


EXAMPLES = [case(layer_linearity, states_of(40))]


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
