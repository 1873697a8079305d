import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError
from cosimo.measure import SpanEncoder
from cosimo.passport import Passport
from cosimo.types import Tokens

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def letters(texts):
    return [[text.count(letter) - 0.5 for letter in "aeiou"] for text in texts]


class Letters:
    """A token encoder of one token a letter, whose state is [its place in the alphabet, its place in the text, layer].

    `[S]` comes before a text, and `[E]` behind it; of the text, `most` letters are read.
    """

    def __init__(self, *, most=100, prompt=""):
        tokenizer = Tokenizer(
            models.WordLevel({"[S]": 0, "[E]": 1, "?": 2} | dict(zip(LETTERS, range(3, 29), strict=True)), "?")
        )
        tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
        tokenizer.post_processor = processors.TemplateProcessing("[S] $A [E]", special_tokens=[("[S]", 0), ("[E]", 1)])
        tokenizer.enable_padding(length=50)
        self.tokenizer_json, self.most, self.prompt = tokenizer.to_str(), most, prompt
        self.passport = Passport("letters", "letters", 3)
        self.dim = 7  # of its own vectors, which are others

    def encode(self, items, *, role=None, given=None, batch_size=None, progress=False):
        return np.zeros((len(items), 7), np.float32)

    def token_spans(self, text):
        return np.array([(i, i + 1) for i in range(len(text))]).reshape(-1, 2)

    def encode_tokens(self, items, *, role=None, layers=(-1,), batch_size=None, progress=False):
        states = []
        for text in (self.prompt + text for text in items):
            ids = [ord(letter) for letter in text[: self.most]]
            states.append([[-1, -1, 0], *([c, i, np.mean(layers)] for i, c in enumerate(ids)), [-2, -2, 0]])
        return Tokens.stack([np.array(state, np.float32) for state in states], dim=3)


ITEMS = [
    ("the river bank", 10, 14),
    ("bank", 0, 4),
    ("He banked on it .", 3, 9),
    ("🎸 music", 0, 1),
    ("on the river", 7, 12),
    ("unique", 0, 6),
]
EXAMPLES = [
    SpanEncoder(FunctionEncoder(letters)),
    SpanEncoder(FunctionEncoder(letters), part="text"),
    SpanEncoder(Letters()),
]


@pytest.mark.parametrize("layers", [(-1,), (1, 4)])
def test_oracle_loop_over_letters(layers):
    X = SpanEncoder(Letters(), layers=layers).encode(ITEMS)
    for row, (text, start, stop) in zip(X, ITEMS, strict=True):
        places = range(start, stop)
        wanted = [np.mean([ord(text[i]) for i in places]), np.mean(list(places)), np.mean(layers)]
        np.testing.assert_allclose(row, wanted, rtol=1e-6)


def test_word_and_text():
    encoder = FunctionEncoder(letters)
    words = [text[start:stop] for text, start, stop in ITEMS]
    np.testing.assert_array_equal(SpanEncoder(encoder).encode(ITEMS), encoder.encode(words))
    np.testing.assert_array_equal(SpanEncoder(Letters(), part="word").encode(ITEMS), np.zeros((6, 7)))
    texts = [text for text, _, _ in ITEMS]
    np.testing.assert_array_equal(SpanEncoder(encoder, part="text").encode(ITEMS), encoder.encode(texts))


def test_minilm_reads_the_word_where_it_stands(minilm):
    """Against its own token states: [CLS], the, river, bank, ., [SEP]."""
    from cosimo.encode import load_encoder

    encoder = load_encoder(minilm)
    text = "The river bank ."
    T = encoder.encode_tokens([text])[0]
    X = SpanEncoder(encoder).encode([(text, 10, 14), (text, 4, 14), ("Tokenization banks .", 0, 12)])
    np.testing.assert_allclose(X[0], T[3], atol=1e-5)
    np.testing.assert_allclose(X[1], (T[2] + T[3]) / 2, atol=1e-5)
    pieces = encoder.encode_tokens(["Tokenization banks ."])[0]
    assert len(pieces) > 5  # the first word is more than one token
    np.testing.assert_allclose(X[2], pieces[1:-3].mean(axis=0), atol=1e-5)


def test_what_is_read_and_where_is_in_the_passport():
    made = SpanEncoder(Letters()).passport
    assert made.name == "letters"
    others = [
        SpanEncoder(Letters(), part="text"),
        SpanEncoder(Letters(), layers=(0,)),
        SpanEncoder(FunctionEncoder(letters)),
    ]
    assert [made.compare(other.passport).verdict for other in others] == ["different"] * 3
    assert SpanEncoder(FunctionEncoder(letters)).passport.compare(SpanEncoder(FunctionEncoder(letters)).passport)


def test_a_word_that_is_cut_off_is_refused():
    encoder = SpanEncoder(Letters(most=6))
    np.testing.assert_array_equal(encoder.encode([("the river bank", 4, 9)])[0, 1], 4.5)  # what is left of it
    with pytest.raises(DataError, match="item 1: 'bank' lies beyond what the encoder reads"):
        encoder.encode([("the river bank", 0, 3), ("the river bank", 10, 14)])


def test_a_prompt_before_the_text_is_refused():
    with pytest.raises(DataError, match="puts a prompt before each text"):
        SpanEncoder(Letters(prompt="query: ")).encode(ITEMS)


@pytest.mark.parametrize(
    "bad", ["bank", ("bank",), ("bank", 0, 5), ("bank", 2, 2), ("bank", -1, 2), ("bank", 0.0, 2), None]
)
def test_what_is_no_use_is_refused(bad):
    with pytest.raises(DataError, match=r"item 1 is .* wanted \(text, start, stop\)"):
        SpanEncoder(Letters()).encode([("bank", 0, 4), bad])


def test_bad_arguments():
    with pytest.raises(DataError, match="part is tokens, word, text, or None, got 'lemma'"):
        SpanEncoder(Letters(), part="lemma")
    with pytest.raises(DataError, match="FunctionEncoder gives no token states"):
        SpanEncoder(FunctionEncoder(letters), part="tokens")
    with pytest.raises(DataError, match="takes no condition"):
        SpanEncoder(Letters()).encode(ITEMS, given=["x"] * 6)
