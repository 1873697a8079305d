"""How texts are put through a session: shared out over workers, and over a device, with onnxruntime's parts played."""

import numpy as np
import onnxruntime
import pytest

from cosimo.encode import OnnxEncoder, load_encoder
from cosimo.encode.texts import onnx_runs
from cosimo.errors import DataError

TEXTS = [f"the {'cat ' * (i % 7)}{i}" for i in range(40)]


def calls(encoder, monkeypatch):
    """The shapes of the token ids of each call."""
    shapes = []
    run = encoder._session.run
    monkeypatch.setattr(encoder._session, "run", lambda ids, *rest: shapes.append(ids.shape) or run(ids, *rest))
    return shapes


def test_few_texts_are_shared_out(tiny_bert, monkeypatch):
    encoder = OnnxEncoder.from_folder(tiny_bert, threads=4)
    shapes = calls(encoder, monkeypatch)
    encoder.encode(TEXTS[:8])
    assert len(shapes) >= 4
    shapes.clear()
    encoder.encode(TEXTS[:1])
    assert shapes == [(1, 4)]


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_stay_in_their_bounds(tiny_bert, monkeypatch, threads):
    monkeypatch.setattr(onnx_runs, "TOKENS", 50)
    encoder = OnnxEncoder.from_folder(tiny_bert, threads=threads)
    shapes = calls(encoder, monkeypatch)
    encoder.encode(TEXTS)
    assert max(n * t for n, t in shapes) <= 50
    assert sum(n for n, _ in shapes) == len(TEXTS)


def test_int8_texts_are_alone_and_without_padding(tiny_bert, monkeypatch):
    encoder = OnnxEncoder.from_folder(tiny_bert, precision="int8", threads=3)
    shapes = calls(encoder, monkeypatch)
    encoder.encode(TEXTS)
    lengths = [len(ids) for ids in encoder._read(TEXTS, None)[0]]
    assert sorted(shapes) == sorted((1, length) for length in lengths)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_change_nothing(tiny_bert, threads):
    X = OnnxEncoder.from_folder(tiny_bert).encode(TEXTS)
    np.testing.assert_allclose(OnnxEncoder.from_folder(tiny_bert, threads=threads).encode(TEXTS), X, atol=1e-6)


class Accelerated(onnxruntime.InferenceSession):
    """Says that it runs on a device, and runs on the processor."""

    def __init__(self, file, options, *, providers):
        self.asked = providers
        super().__init__(file, options, providers=["CPUExecutionProvider"])

    def get_providers(self):
        return [*self.asked, "CPUExecutionProvider"]


def with_cuda(monkeypatch, session):
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)


def test_a_device_gets_large_batches_one_after_the_other(tiny_bert, monkeypatch):
    X = OnnxEncoder.from_folder(tiny_bert).encode(TEXTS)
    with_cuda(monkeypatch, Accelerated)
    encoder = load_encoder(tiny_bert, device="cuda")
    assert encoder._session._session.asked == ["CUDAExecutionProvider"]
    shapes = calls(encoder, monkeypatch)
    np.testing.assert_allclose(encoder.encode(TEXTS), X, atol=1e-6)
    assert [n for n, _ in shapes] == [len(TEXTS)]
    assert encoder.passport.compare(OnnxEncoder.from_folder(tiny_bert).passport).verdict == "identical"


def test_a_device_that_does_not_start_is_said(tiny_bert, monkeypatch):
    plain = onnxruntime.InferenceSession
    with_cuda(monkeypatch, lambda file, options, providers: plain(file, options, providers=["CPUExecutionProvider"]))
    with pytest.raises(DataError, match="could not start the device 'cuda'"):
        load_encoder(tiny_bert, device="cuda")
