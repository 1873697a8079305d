import numpy as np
import pytest

from cosimo import Space
from cosimo.encode import FunctionEncoder, OnnxEncoder
from cosimo.errors import DataError
from cosimo.measure import truncation_share
from cosimo.statistics import wilson
from encode.tiny_bert import write_tiny_bert

TEXTS = ["the man sings", "a cat sat. " * 30, "music " * 60, "", "music", "a cat " * 200] * 5


def test_counts_what_the_tokenizer_counts(tmp_path):
    write_tiny_bert(tmp_path)
    encoder = OnnxEncoder.from_folder(tmp_path)
    lengths = np.array([len(encoder.token_spans(text)) for text in TEXTS])
    window = encoder.window
    cut = int((lengths > window).sum())
    assert 0 < cut < len(TEXTS)
    for target in (encoder, Space(encoder)):
        report = truncation_share(target, TEXTS)
        share = report.metrics["cut"]
        assert share.value == cut / len(TEXTS)
        assert (share.interval.low, share.interval.high) == pytest.approx(wilson(cut, len(TEXTS)))
        unread = [max(0, int(t) - window) / max(int(t), 1) for t in lengths]
        np.testing.assert_allclose(report.metrics["unread"].per_item, unread)
        assert report.settings["limit"] == encoder.folder.max_tokens
        assert f"{cut} of 30 texts" in report.warnings[0]


def test_nothing_is_cut_and_nothing_is_said():
    report = truncation_share(FunctionEncoder(lambda texts: np.ones((len(texts), 2))), ["a", "b" * 9999])
    assert report.metrics["cut"].value == 0.0
    assert "unread" not in report.metrics
    assert not report.warnings


@pytest.mark.parametrize(("items", "message"), [([], "at least 1"), ([None], "NoneType"), ("text", "list of texts")])
def test_bad_items(items, message):
    with pytest.raises(DataError, match=message):
        truncation_share(FunctionEncoder(lambda texts: np.ones((len(texts), 2))), items)
