r"""Layer linearity: how much of a transformer layer is a linear map, and an encoder whose most linear layers are one.

Token states before a layer predict those after it by least squares, both centred and of unit Frobenius norm:

$$ \tilde X = \frac{X - \bar X}{\lVert X - \bar X \rVert_F}, \qquad
   \mathrm{score}(X, Y) = 1 - \min_A \lVert \tilde X A - \tilde Y \rVert_F^2 \in [0, 1] $$

Most layers add a little to what passes through, so that Y looks like X and every model looks linear. Without the
residual the score is that of Y - X, what the layer adds. `linear_map` is the map itself, `linearize` makes a text
encoder in which some layers are replaced by theirs, and `replace_blocks` takes maps that were learned otherwise.

Symbols: X, Y -> consecutive `states` (n, d), one row a token; A -> `W` of `linear_map`.

Pitfalls: fewer tokens than several times the dimensions, which any map fits; transformers' last hidden state,
which comes after a final norm that belongs to no layer (take the last layer's own output); only the score with the
residual; a few tokens of huge norm, often the first of a text, that make up nearly all of the Frobenius norm and so
the score (compare the score without them); Y - X of models that normalise after adding, such as BERT, where it is the
change and not what attention and feed-forward gave. The penalty on linearity in training is not here.

Reference: Your Transformer is Secretly Linear (2024), https://arxiv.org/abs/2405.12250
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cosimo._arrays import as_vectors
from cosimo.errors import DataError, ShapeError
from cosimo.refine.affine import Affine
from cosimo.types import Floats, PerItem, Vectors

if TYPE_CHECKING:  # and imported where blocks are replaced: looking at states needs no runtime
    from cosimo.encode import OnnxEncoder

STILL = 1e-12
"""Share of the size of the states below which what a layer adds does not vary."""

EMPTY = 1e-6
"""Spread, relative to the largest, below which a direction is taken for the rounding of float32 states.

A layer norm leaves one such direction. Weights fitted to it are huge, and ruin whatever does not lie as exactly.
"""


def layer_linearity(states: Sequence[Vectors], residual: bool = True) -> PerItem:
    """(L - 1,) how linear each layer is, 1 for a linear map.

    states
        L arrays (n, d), the states of the same n tokens after each layer, the first layer's input first; from an
        encoder: `[encoder.encode_tokens(texts, layers=(l,)).values for l in range(L)]`.
    residual
        Whether a layer is what it passes on, or only what it adds to its input. A layer that adds the same to every
        token is linear.

    Raises
    ------
    ShapeError
        Fewer than two layers, or layers of different shape.
    DataError
        So few tokens that any of them fits.

    >>> X = np.random.default_rng(0).normal(size=(500, 4))
    >>> layer_linearity([X, X - 0.1 * X**2, -X @ np.diag([1.0, 2.0, 3.0, 4.0])], residual=False)
    array([0.02, 0.99])
    """
    layers = _layers(states)
    return np.array([_solved(X, Y if residual else Y - X)[1] for X, Y in pairwise(layers)])


def block_norms(states: Sequence[Vectors]) -> PerItem:
    """(L - 1,) size of what each layer adds relative to its input, in Frobenius norms.

    >>> X = np.array([[3.0, -4.0], [0.0, 5.0], [5.0, 0.0], [4.0, 3.0]])
    >>> block_norms([X, 1.5 * X])
    array([0.5])
    """
    layers = _layers(states)
    return np.array([np.linalg.norm(Y - X) / np.linalg.norm(X) for X, Y in pairwise(layers)])


def linear_map(X: Vectors, Y: Vectors) -> Affine:
    """The affine map from X (n, d) to Y (n, k) with the smallest squared error.

    >>> X = np.array([[1.0], [-1.0], [2.0]])
    >>> linear_map(X, 1 - 2 * X).transform([[3.0]])
    array([[-5.]])
    """
    X, Y = _layers([X, Y], same_width=False)
    W = _solved(X, Y)[0]
    return Affine(W, Y.mean(axis=0) - X.mean(axis=0) @ W)


def linearize(
    encoder: "OnnxEncoder", texts: Sequence[str], path: str | Path, *, blocks: int | Sequence[int] = 1
) -> "OnnxEncoder":
    """A faster encoder, some of its layers replaced by linear maps, each fitted to what its layer gave.

    encoder
        As `replace_blocks` takes it.
    texts
        What the maps are fitted to: more than ten times as many tokens as dimensions.
    path
        The folder it is written to, empty or not there yet.
    blocks
        How many layers, the most linear first; or which, 1 for the first.

    Raises
    ------
    DataError
        As for `replace_blocks`, and when there are too few tokens.

    >>> from cosimo.encode import load_encoder
    >>> texts = ["a man plays the guitar", "someone makes music"]  # and some thousands more
    >>> faster = linearize(load_encoder("minilm"), texts, "minilm-5")  # doctest: +SKIP
    >>> faster.encode(texts).shape  # doctest: +SKIP
    (2, 384)
    """
    from cosimo.encode import tally

    count = _count(_graph(encoder))
    if isinstance(blocks, int) and not 1 <= blocks <= count:
        raise DataError(f"this model has {count} blocks, wanted {blocks} of them replaced; give a number from 1 on")
    wanted = range(1, count + 1) if isinstance(blocks, int) else blocks
    _check_blocks(wanted, count)
    needed = sorted({layer for block in wanted for layer in (block - 1, block)})
    with tally():  # what lies beyond a text's window has no states, and none are missed
        states = {layer: encoder.encode_tokens(texts, layers=(layer,)).values for layer in needed}
    if isinstance(blocks, int):
        order = np.argsort(-layer_linearity([states[layer] for layer in needed]), kind="stable")
        wanted = [int(i) + 1 for i in order[:blocks]]
    return replace_blocks(encoder, {block: linear_map(states[block - 1], states[block]) for block in wanted}, path)


def replace_blocks(encoder: "OnnxEncoder", maps: Mapping[int, Affine], path: str | Path) -> "OnnxEncoder":
    """An encoder in which each layer that `maps` names, 1 for the first, is that map; written to a model's folder.

    The folder is one that `Space.load` reads. Layers whose output is then unused are left out of it.

    encoder
        A BERT-shaped model, or one that came from here.
    path
        A folder that is empty or not there yet.

    Raises
    ------
    DataError
        The model's file does not show the states of each layer, a layer is not there, or the folder is not empty.
    ShapeError
        A map whose sides are not as wide as the states.
    """
    from cosimo.encode import OnnxEncoder

    folder, target = encoder.folder, Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} is there already; name a folder that is empty or not there yet")
    model = _graph(encoder)
    _check_blocks(maps, _count(model))
    width = model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    for block, affine in maps.items():
        if affine.W.shape != (width, width):
            raise ShapeError(f"states have {width} dimensions, got a map of shape {affine.W.shape} for block {block}")
        _replace(model.graph, block, affine)
    for file in [*folder.path.glob("*.json"), *folder.path.glob("*/*.json")]:  # what it says, without its weights
        copy = target / file.relative_to(folder.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    file = target / folder.tokenizer.parent.relative_to(folder.path) / "onnx" / "model.onnx"
    file.parent.mkdir(parents=True)
    file.write_bytes(model.SerializeToString())
    kept: dict[str, Any] = {name: getattr(encoder, name) for name in ("precision", "truncate_dim", "threads", "device")}
    return OnnxEncoder.from_folder(target, **kept)


def _layers(states: Sequence[Vectors], *, same_width: bool = True) -> list[Vectors]:
    """Checked states in float64."""
    layers: list[Vectors] = [as_vectors(X, name=f"states[{i}]").astype(np.float64) for i, X in enumerate(states)]
    shapes = {X.shape if same_width else len(X) for X in layers}
    if len(layers) < 2 or len(shapes) > 1:
        raise ShapeError(f"wanted states (n, d) of two layers or more, all alike, got {[X.shape for X in layers]}")
    n, d = layers[0].shape
    if n < d + 2:
        raise DataError(f"{n} tokens in {d} dimensions are fitted by any map; give more than ten times as many tokens")
    return layers


def _solved(X: Vectors, Y: Vectors) -> tuple[Floats, float]:
    """Least-squares map (d, k) between centred X (n, d) and Y (n, k), and the share of Y it explains."""
    size = max(float(np.linalg.norm(X)), float(np.linalg.norm(Y)))
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    _, s, Vt = np.linalg.svd(np.linalg.qr(X, mode="r"))
    spanned = s > EMPTY * s[0]
    s, Vt = s[spanned], Vt[spanned]
    onto = Vt @ (X.T @ Y) / s[:, None]  # Y in the orthonormal basis X V / s
    varies = float(np.linalg.norm(Y))
    share = 1.0 if varies <= STILL * size else float(np.linalg.norm(onto) / varies) ** 2
    return Vt.T @ (onto / s[:, None]), min(share, 1.0)


def _graph(encoder: "OnnxEncoder") -> Any:
    """The ONNX model an encoder runs, in full precision."""
    import onnx

    from cosimo.encode.texts.bert_graph import bert_shape, cached_graph, why_not_bert

    folder = encoder.folder
    if folder.weights is not None and why_not_bert(folder.config) is None:
        return onnx.load(cached_graph(folder.weights, bert_shape(folder.config)))
    return onnx.load(folder.onnx, load_external_data=False)


def _count(model: Any) -> int:
    """The number of blocks of a graph that shows the states before and after each."""
    names = {output.name for output in model.graph.output}
    count = sum(f"hidden_{layer}" in names for layer in range(1, len(names)))
    if "hidden_0" not in names or not count:
        raise DataError(f"the model shows {', '.join(sorted(names))}, not the states of each layer; wanted a BERT")
    return count


def _check_blocks(blocks: Iterable[int], count: int) -> None:
    listed = sorted(blocks)
    if not listed or not 1 <= listed[0] <= listed[-1] <= count:
        raise DataError(f"this model has the blocks 1 to {count}, got {listed}")


def _replace(graph: Any, block: int, affine: Affine) -> None:
    """Let `hidden_<block>` be an affine map of the states before it."""
    from onnx import helper, numpy_helper

    before, after, product = f"hidden_{block - 1}", f"hidden_{block}", f"linear_{block}.product"
    names = [f"linear_{block}.{part}" for part in ("weight", "bias")]
    graph.node.remove(next(node for node in graph.node if after in node.output))
    _prune(graph)
    for name, array in zip(names, affine.affine(), strict=True):
        graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), name))
    place = next(i for i, node in enumerate(graph.node) if before in node.output) + 1
    graph.node.insert(place, helper.make_node("Add", [product, names[1]], [after]))
    graph.node.insert(place, helper.make_node("MatMul", [before, names[0]], [product]))


def _prune(graph: Any) -> None:
    """Take out what no output depends on any more."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed.update(node.input)
            kept.append(node)
    constants = [constant for constant in graph.initializer if constant.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(constants)
