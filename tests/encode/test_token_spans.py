import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from cosimo.encode import OnnxEncoder
from cosimo.encode.texts import token_spans as module
from cosimo.encode.texts.token_spans import token_spans
from encode.test_static import tokenizer


def plain():
    made = tokenizer()
    made.no_padding()
    made.no_truncation()
    return made


def test_pieces_give_what_the_whole_text_gives(monkeypatch):
    text = "the cats playing guitar, 🎸 the end.\n" * 50
    whole = plain().encode(text, add_special_tokens=False).offsets
    monkeypatch.setattr(module, "PIECE", 61)
    monkeypatch.setattr(module, "TOGETHER", 3)
    assert token_spans(plain(), text).tolist() == [list(span) for span in whole]


def test_a_run_without_blanks_is_cut(monkeypatch):
    made = Tokenizer(models.WordLevel({"x": 0}, unk_token="x"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    monkeypatch.setattr(module, "PIECE", 10)
    assert token_spans(made, "a" * 25).tolist() == [[0, 10], [10, 20], [20, 25]]


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_no_token(text):
    assert token_spans(plain(), text).shape == (0, 2)


def test_places_are_those_of_the_text_itself(tiny_bert):
    """Accents and capitals go in the tokenizer, and places stay."""
    encoder = OnnxEncoder.from_folder(tiny_bert)
    text = "Ünïcödé İstanbul"
    spans = encoder.token_spans(text)
    assert (np.diff(spans[:, 0]) >= 0).all()
    assert spans[0, 0] == 0
    assert spans[-1, 1] == len(text)


def test_the_window_leaves_room_for_special_tokens(tiny_bert):
    encoder = OnnxEncoder.from_folder(tiny_bert)
    assert encoder.window == encoder.folder.max_tokens - 2
