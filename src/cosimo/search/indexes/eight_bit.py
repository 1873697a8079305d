r"""Eight-bit screening: find the few keys that may be among the best, for a fraction of the cost of all scores.

A block of keys is stored once more in whole numbers $c$, a query becomes whole numbers $z$:

$$ k = \mu + a\,c + \varepsilon, \qquad q = b\,z + \delta, \qquad
   \langle q, k \rangle = \langle q, \mu \rangle + a b \langle z, c \rangle
   + \langle q, \varepsilon \rangle + a \langle \delta, c \rangle $$

The integer product runs several times faster than the float one, and by Cauchy-Schwarz the last two terms are at most
$\lVert q \rVert \max\lVert\varepsilon\rVert + \lVert\delta\rVert \max\lVert a c\rVert$. A key whose score lies below
the bar by more than that is out, for certain; the others are scored in full. So the answer is exact, and how well the
codes fit only decides how many keys are scored in full.

Symbols: mu -> `centre`, c -> `codes`, a -> `step`, z, b, delta -> `EightBitQueries`.

Pitfalls: with eight full bits on both sides, processors without integer dot products overflow their 16-bit
sums and say nothing; here queries have fewer levels, so that no sum can overflow.
"""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from cosimo.types import Floats, PerItem, Rows, Vectors

KEY_LEVELS = 127
"""Codes of keys lie in -127..127, and are stored with as much added: the fast product wants one side unsigned."""
QUERY_LEVELS = 64
"""Codes of queries lie in -64..64: two products of theirs with stored codes fit in 16 bits."""


@cache
def _integer_product() -> Any:
    # One session serves all shapes and threads; onnx only writes its two-line graph.
    import onnxruntime
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["keys", "queries"], ["products"])],
        "integer_product",
        [
            helper.make_tensor_value_info("keys", TensorProto.UINT8, [None, None]),
            helper.make_tensor_value_info("queries", TensorProto.INT8, [None, None]),
        ],
        [helper.make_tensor_value_info("products", TensorProto.INT32, [None, None])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    # Threads that wait by spinning would take the cores from BLAS, which has the next turn.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@final
@dataclass(frozen=True, eq=False)
class EightBitKeys:
    """A block of keys in whole numbers.

    codes
        (m, d) uint8.
    centre
        (d,) mean of the block.
    step, error, length
        What one unit of a code is worth; bounds on the rounding error of a key and on the length of a rounded key.
    """

    codes: NDArray[np.uint8]
    centre: Floats
    step: float
    error: float
    length: float

    @classmethod
    def encode(cls, K: Vectors) -> "EightBitKeys":
        """The codes of keys (m, d)."""
        centre = K.mean(axis=0)
        X = K - centre
        step = float(np.abs(X).max(initial=0)) / KEY_LEVELS or 1.0
        C = np.rint(X / K.dtype.type(step))
        X -= C * K.dtype.type(step)
        error, length = (float(np.linalg.norm(E, axis=1).max(initial=0)) for E in (X, C))
        # What the float sums around the integer product may lose: a key much longer than its distance to the centre.
        error += K.shape[1] * float(np.finfo(K.dtype).eps) * (float(np.linalg.norm(centre)) + step * length)
        return cls((C + KEY_LEVELS).astype(np.uint8), centre, step, error, step * length)


@final
class EightBitQueries:
    """Queries (n, d) in whole numbers, ready to screen block after block."""

    def __init__(self, Q: Vectors) -> None:
        self.Q = Q
        self.step = np.abs(Q).max(axis=1) / QUERY_LEVELS
        self.step[self.step == 0] = 1
        Z = np.rint(Q / self.step[:, None])
        self.error = np.linalg.norm(Q - Z * self.step[:, None], axis=1)
        self.length = np.linalg.norm(Q, axis=1)
        self.shift = KEY_LEVELS * Z.sum(axis=1, dtype=np.float64)
        self.codes = np.ascontiguousarray(Z.T.astype(np.int8))

    def survivors(self, block: EightBitKeys, bar: PerItem) -> tuple[Rows, Rows]:
        """(p,) query and (p,) key of every pair whose product may reach the query's `bar` (n,)."""
        slack = self.length * block.error + self.error * block.length
        wanted = (bar - slack - self.Q @ block.centre) / (self.step.astype(np.float64) * block.step) + self.shift
        limits = np.iinfo(np.int32)
        whole = np.clip(np.floor(wanted), limits.min, limits.max).astype(np.int32)
        products = _integer_product().run(None, {"keys": block.codes, "queries": self.codes})[0]
        key, query = np.divmod(np.flatnonzero(products >= whole), len(self.Q))
        return query, key
