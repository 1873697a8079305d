r"""A transformer's ONNX graph with its matrix products in 8-bit integers.

$$y = s_x s_w \odot (q_x - z_x)\, q_w + b, \qquad
s_{w,j} = \tfrac{1}{63} \max_i |W_{ij}|, \quad q_w = \mathrm{round}(W / s_w)$$

$W$ -> a constant weight (i, j), rounded once with a scale for each output $j$; $x$ the activations, whose scale $s_x$
and zero $z_x$ are found anew in each call. Tables of embeddings, norms and attention itself stay as they are.

Pitfalls: the scale of the activations covers everything in a call, so a text's vector moves with the texts it
shares a batch with (run texts alone); weights over 8 full bits overflow the 16-bit sums of processors without VNNI, so
that vectors depend on the machine, which 7 bits (63) prevent; one scale for a whole weight costs accuracy.

Reference: onnxruntime, dynamic quantisation, https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosimo.encode.models.homes import cached_file, sha256_of
from cosimo.errors import DataError
from cosimo.types import Floats

VERSION = 1
"""Rises when the same graph gives another one."""

LARGEST = 63
"""Weights are rounded to -63 ... 63."""

FUSED = "com.microsoft"


def cached_int8(graph: Path) -> Path:
    """The 8-bit form of an ONNX file in the cache, made when it is not there.

    Raises
    ------
    DataError
        The file is no ONNX graph, or has no product with a constant weight.
    """
    return cached_file(f"graphs/{sha256_of(graph)[:16]}-int8-v{VERSION}.onnx", lambda: _converted(graph))


def rounded(W: Floats) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights (i, j) as 8-bit integers, and the scales (j,) that give them back.

    >>> rounded(np.array([[0.5, -1.0], [-1.0, 0.0]]))
    (array([[ 32, -63],
           [-63,   0]], dtype=int8), array([0.0159, 0.0159], dtype=float32))
    """
    scale = np.abs(W).max(axis=0) / LARGEST
    scale[scale == 0] = 1
    return np.rint(W / scale).astype(np.int8), scale.astype(np.float32)


def _converted(file: Path) -> bytes:
    import onnx

    try:
        model = onnx.load(file, load_external_data=False)
    except Exception as error:  # the library raises whatever its parser does
        raise DataError(f"{file} is no ONNX model that can be read: {error}") from error
    weights = {
        tensor.name: tensor
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
        and len(tensor.dims) == 2
        and tensor.data_location != onnx.TensorProto.EXTERNAL
    }
    nodes, constants = _Converter(weights).all(model.graph.node)
    if not constants:
        raise DataError(f"{file} has no matrix product with a constant weight, so int8 would change nothing; use fp32")
    _replace(model.graph.node, nodes)
    used = {name for node in nodes for name in node.input}
    _replace(model.graph.initializer, [t for t in model.graph.initializer if t.name in used] + constants)
    if FUSED not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(onnx.helper.make_opsetid(FUSED, 1))
    return bytes(model.SerializeToString())


def _replace(field: Any, values: list[Any]) -> None:
    kept = list(values)  # they may be parts of the field itself
    del field[:]
    field.extend(kept)


class _Converter:
    """Writes nodes anew, those with a constant weight as their 8-bit kin."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        self.weights = weights
        self.constants: dict[str, Any] = {}

    def all(self, nodes: Any) -> tuple[list[Any], list[Any]]:
        """The nodes to use instead, and the constants they need beside the old ones."""
        written = [new for node in nodes for new in self.converted(node)]
        return written, list(self.constants.values())

    def converted(self, node: Any) -> list[Any]:
        if len(node.input) < 2 or node.input[1] not in self.weights:
            return [node]
        if node.op_type == "MatMul":
            return [self.product(node)]
        plain = {attribute.name for attribute in node.attribute} == {"num_heads"}
        if node.op_type == "Attention" and node.domain == FUSED and plain and len(node.input) in (3, 4):
            return self.attention(node)
        return [node]

    def product(self, node: Any) -> Any:
        from onnx import helper

        q, scale = self.weight(node.input[1])
        return helper.make_node(
            "DynamicQuantizeMatMul", [node.input[0], q, scale], node.output, name=node.name, domain=FUSED
        )

    def attention(self, node: Any) -> list[Any]:
        from onnx import helper

        x, W, b, *mask = node.input
        q, scale = self.weight(W)
        parts = [f"{node.output[0]}.{part}" for part in ("x", "scale", "zero")]
        look = helper.make_node("DynamicQuantizeLinear", [x], parts)
        inputs = [parts[0], q, b, parts[1], scale, *(mask or [""]), parts[2]]
        heads = helper.make_node("QAttention", inputs, node.output, name=node.name, domain=FUSED)
        heads.attribute.extend(node.attribute)
        return [look, heads]

    def weight(self, name: str) -> tuple[str, str]:
        """Names of the rounded weight and of its scales."""
        from onnx import numpy_helper

        q, scale = f"{name}.int8", f"{name}.scale"
        if q not in self.constants:
            arrays = rounded(numpy_helper.to_array(self.weights[name]))
            self.constants |= {
                part: numpy_helper.from_array(array, part) for part, array in zip((q, scale), arrays, strict=True)
            }
        return q, scale
