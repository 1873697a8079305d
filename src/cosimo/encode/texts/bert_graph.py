r"""A BERT-shaped transformer as one ONNX file, built from its safetensors with fused operators and without torch.

$$h_0 = \mathrm{LN}(W_{x} + P + S_0), \quad
a_l = \mathrm{LN}(h_{l-1} + \mathrm{Att}_l(h_{l-1})), \quad
h_l = \mathrm{LN}(a_l + \mathrm{gelu}(a_l U_l + b_l) V_l + c_l)$$

$W, P, S$ word, position and segment embeddings (a text is one segment, so $P + S_0$ is a constant), $h_l$ the output
`hidden_l` (n, t, d), of which the last one is pooled. onnxruntime brings the fused operators; exported graphs only
reach them after a search for patterns at every start.

Pitfalls: gelu by its tanh approximation, which is another function; padding that takes part in attention.

Reference: Devlin et al. 2018, BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding,
https://arxiv.org/abs/1810.04805
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from cosimo.encode.models.homes import cached_file, sha256_of
from cosimo.errors import DataError
from cosimo.passport import fingerprint

VERSION = 1
"""Rises when the same weights give another graph."""

FUSED = "com.microsoft"


@dataclass(frozen=True)
class BertShape:
    """What the weights alone do not tell."""

    layers: int
    heads: int
    epsilon: float


def why_not_bert(config: Mapping[str, Any]) -> str | None:
    """Why `build_graph` cannot build this transformer, `None` when it can.

    >>> why_not_bert({"model_type": "mpnet"})
    'its model_type is mpnet'
    """
    wanted = {"model_type": "bert", "position_embedding_type": "absolute", "hidden_act": "gelu", "is_decoder": False}
    given = {"position_embedding_type": "absolute", "hidden_act": "gelu", "is_decoder": False, **config}
    return next((f"its {key} is {given.get(key)}" for key, value in wanted.items() if given.get(key) != value), None)


def bert_shape(config: Mapping[str, Any]) -> BertShape:
    """The shape named in `config.json`."""
    try:
        return BertShape(
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            epsilon=float(config.get("layer_norm_eps", 1e-12)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"config.json does not describe a BERT: {error!r}") from error


def cached_graph(weights: Path, shape: BertShape) -> Path:
    """The graph of these weights in the cache, built when it is not there or not as it was written."""
    name = f"{sha256_of(weights)[:16]}-{fingerprint(asdict(shape))[:8]}-v{VERSION}.onnx"
    return cached_file(f"graphs/{name}", lambda: build_graph(weights, shape))


def build_graph(weights: Path, shape: BertShape) -> bytes:
    """The serialised ONNX model: inputs `input_ids` and `attention_mask` (n, t), outputs `hidden_0` to `hidden_L`.

    Raises
    ------
    DataError
        A tensor is missing, or stored as something numpy does not know.
    """
    try:
        with safe_open(weights, framework="numpy") as tensors:
            return _Builder(tensors, shape).serialised()
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{weights} does not hold the weights of a BERT as config.json describes it: {error}"
        ) from error


class _Builder:
    """Collects nodes and constants, one transformer layer after the other."""

    def __init__(self, tensors: Any, shape: BertShape) -> None:
        self.tensors = tensors
        self.shape = shape
        words = "embeddings.word_embeddings.weight"
        names = tensors.keys()  # no mapping: it cannot be iterated itself
        name = next((name for name in names if name.endswith(words)), words)
        self.prefix = name.removesuffix(words)  # `bert.` in checkpoints with a head
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def serialised(self) -> bytes:
        import onnx
        from onnx import helper

        states = [self.embeddings()]
        self.node("Cast", "attention_mask", output="mask", domain="", to=onnx.TensorProto.INT32)
        for layer in range(self.shape.layers):
            states.append(self.layer(layer, states[-1]))
        width = self.tensor("embeddings.LayerNorm.weight").size

        def value(name: str, kind: int, *dims: str | int) -> Any:
            return helper.make_tensor_value_info(name, kind, ["n", "t", *dims])

        graph = helper.make_graph(
            self.nodes,
            "bert",
            [value(name, onnx.TensorProto.INT64) for name in ("input_ids", "attention_mask")],
            [value(name, onnx.TensorProto.FLOAT, width) for name in states],
            self.constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="cosimo")
        return bytes(model.SerializeToString())

    def embeddings(self) -> str:
        positions = self.tensor("embeddings.position_embeddings.weight")
        segment = self.tensor("embeddings.token_type_embeddings.weight")[0]
        table = self.constant("words", self.tensor("embeddings.word_embeddings.weight"))
        words = self.node("Gather", table, "input_ids", output="word_states", domain="")
        start = self.constant("start", np.zeros(1, np.int64))
        axis = self.constant("axis", np.zeros(1, np.int64))
        length = self.node("Shape", "input_ids", output="length", domain="", start=1, end=2)
        table = self.constant("positions", positions + segment)
        places = self.node("Slice", table, start, length, axis, output="position_states", domain="")
        return self.norm(words, places, "embeddings.LayerNorm", output="hidden_0")

    def layer(self, i: int, x: str) -> str:
        at = f"encoder.layer.{i}."
        parts = [f"{at}attention.self.{part}." for part in ("query", "key", "value")]
        W = self.constant(f"{at}qkv.weight", np.concatenate([self.tensor(f"{p}weight").T for p in parts], axis=1))
        b = self.constant(f"{at}qkv.bias", np.concatenate([self.tensor(f"{p}bias") for p in parts]))
        heads = self.node("Attention", x, W, b, "mask", output=f"{at}heads", num_heads=self.shape.heads)
        mixed = self.product(heads, f"{at}attention.output.dense")
        attended = self.norm(
            mixed, x, f"{at}attention.output.LayerNorm", f"{at}attention.output.dense.bias", output=f"{at}attended"
        )
        wide = self.product(attended, f"{at}intermediate.dense")
        bias = self.tensor_constant(f"{at}intermediate.dense.bias")
        active = self.node("BiasGelu", wide, bias, output=f"{at}active")  # the exact one, with erf
        narrow = self.product(active, f"{at}output.dense")
        return self.norm(narrow, attended, f"{at}output.LayerNorm", f"{at}output.dense.bias", output=f"hidden_{i + 1}")

    def product(self, x: str, dense: str) -> str:
        W = self.constant(f"{dense}.weight", self.tensor(f"{dense}.weight").T)
        return self.node("MatMul", x, W, output=f"{dense}.product", domain="")

    def norm(self, x: str, skip: str, name: str, *bias: str, output: str) -> str:
        """Layer norm of `x` plus `skip` plus a bias, in one operator."""
        inputs = [self.tensor_constant(tensor) for tensor in (f"{name}.weight", f"{name}.bias", *bias)]
        return self.node("SkipLayerNormalization", x, skip, *inputs, output=output, epsilon=self.shape.epsilon)

    def tensor(self, name: str) -> NDArray[np.float32]:
        found: NDArray[Any] = self.tensors.get_tensor(self.prefix + name)
        return found.astype(np.float32, copy=False)

    def tensor_constant(self, name: str) -> str:
        return self.constant(name, self.tensor(name))

    def constant(self, name: str, array: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op: str, *inputs: str, output: str, domain: str = FUSED, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output
