import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosimo.encode import Chunking, FunctionEncoder, OnnxEncoder, chunk
from cosimo.encode.chunking import sentence_ends, word_spans
from cosimo.errors import DataError
from encode.test_static import encoder as static_encoder

WORDS = st.sampled_from(
    [
        "rice",
        "and",
        "Water",
        "3.14",
        "e.g.",
        "naïve",
        "שלום",
        "مرحبا",
        "东京。",
        "👩‍👩‍👧",
        "é",
        "don't",
        "Dr.",
        "end.",
        "why?",
        "\n",
        "\n\n",
        "  ",
    ]
)
TEXTS = st.lists(WORDS, max_size=120).map(" ".join) | st.text(max_size=200)
SHAPES = st.integers(1, 24).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size // 2)))


def passages(text, spans):
    return [text[start:stop] for start, stop in spans.tolist()]


def held(spans, tokens):
    """Tokens that lie in each passage."""
    return [int(((tokens[:, 0] >= start) & (tokens[:, 1] <= stop)).sum()) for start, stop in spans.tolist()]


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, shape=SHAPES)
def test_passages_are_the_whole_text_in_order_and_never_too_long(text, shape):
    size, overlap = shape
    spans, tokens = chunk(text, size=size, overlap=overlap), word_spans(text)
    assert spans[0, 0] == 0
    assert spans[-1, 1] == len(text)
    assert (np.diff(spans, axis=0) > 0).all()
    assert (spans[1:, 0] <= spans[:-1, 1]).all(), "no character is lost between two passages"
    assert max(held(spans, tokens)) <= size
    assert (
        "".join(text[start:stop] for start, stop in zip(spans[:, 0], [*spans[1:, 0], len(text)], strict=True)) == text
    )
    shared = [
        int(((tokens[:, 0] >= b) & (tokens[:, 1] <= a)).sum()) for a, b in zip(spans[:-1, 1], spans[1:, 0], strict=True)
    ]
    assert all(overlap // 2 <= n <= overlap for n in shared)
    if len(tokens) <= size:
        assert len(spans) == 1


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="🙂é好a. ", max_size=60), shape=SHAPES, times=st.integers(1, 5))
def test_a_character_of_several_tokens_stays_whole(text, shape, times):
    """As byte-level tokenizers have it: every character stands for several tokens with the same place."""
    places = np.array([[i, i + 1] for i in range(len(text)) for _ in range(times)], np.int64).reshape(-1, 2)
    spans = chunk(text, size=shape[0], overlap=shape[1], tokens=places)
    assert spans[0, 0] == 0
    assert spans[-1, 1] == len(text)
    assert (spans[1:, 0] <= spans[:-1, 1]).all()
    assert (np.diff(spans[:, 0]) > 0).all()
    assert max(times * (spans[:, 1] - spans[:, 0])) <= max(shape[0], times)


def test_no_text_is_one_empty_passage():
    assert chunk("").tolist() == [[0, 0]]
    assert chunk(" \n").tolist() == [[0, 2]]


def test_passages_end_with_sentences():
    sentences = [f"This is sentence number {i} of a longer report, and it says little." for i in range(60)]
    for text in (" ".join(sentences), "\n\n".join(sentence.removesuffix(".") for sentence in sentences)):
        parts = passages(text, chunk(text, size=60, overlap=20))
        assert len(parts) > 10
        assert all(part.startswith("This is") and part.rstrip().endswith(("little.", "little")) for part in parts)


@pytest.mark.parametrize(
    "sentences",
    [
        ["One.", " Two!", " Three?", " Four…", " Five"],
        ['He said "no!"', " Then (see p. 3.)", " it ended."],
        ["Dr. Who met J. Smith, e.g. at 3.14 p.m. in Fig. 2.", " They left.", "\nWhere?"],
        ["一つ。", "二つ！", "三つ？", "「四つ。」", "五つ"],
        ["हाँ।", " नहीं।", " x"],
        ["a title\n", "\nthe text"],
        ["wait...", " what?!", " yes"],
        ["(et al. wrote it.)", " x"],
    ],
    ids=lambda sentences: sentences[0],
)
def test_sentences(sentences):
    text = "".join(sentences)
    ends = sorted({*sentence_ends(text)} - {len(text)})
    assert ends == np.cumsum([len(sentence) for sentence in sentences])[:-1].tolist()


def test_words_stay_whole_where_they_can():
    text = " ".join(["uninterrupted"] * 50)
    assert all(re.fullmatch(r"(uninterrupted ?)+", part) for part in passages(text, chunk(text, size=7, overlap=3)))


def test_bad_shapes_are_one_sentence():
    with pytest.raises(DataError, match="at least 1 token, got a size of 0"):
        chunk("a", size=0, overlap=0)
    for overlap in (-1, 101):
        with pytest.raises(DataError, match=f"overlap by 0 to 100, half the size, got {overlap}"):
            Chunking(200, overlap)


@pytest.mark.parametrize(
    "text", ["200", "200/", "/40", "200/40/3", "a/b", "-200/40", "200/-1", "2 00/40", "", "٢٠٠/٤٠"]
)
def test_only_size_and_overlap_are_read(text):
    with pytest.raises(DataError, match='such as "200/40"'):
        Chunking.parse(text)


def test_written_as_it_is_read():
    assert Chunking.parse(" 200/40 ") == Chunking(200, 40) == Chunking()
    assert str(Chunking.parse("64/0")) == "64/0"


def test_a_size_beyond_the_window_is_refused(tiny_bert):
    encoder = OnnxEncoder.from_folder(tiny_bert)
    most = encoder.window
    assert Chunking.fitting(f"{most}/0", encoder).size == most
    with pytest.raises(DataError, match=f"choose a size of at most {most}"):
        Chunking.fitting(f"{most + 1}/0", encoder)
    assert Chunking.fitting("9999/0", FunctionEncoder(lambda texts: [[1.0]] * len(texts), dim=1)).size == 9999


def test_tokens_are_those_of_the_encoder_and_words_where_it_has_none():
    text = "the cats playing guitar. " * 40
    encoder = static_encoder()
    ours = Chunking(24, 8).spans(text, encoder)
    assert max(len(encoder.token_spans(part)) for part in passages(text, ours)) <= 24
    assert len(ours) > len(Chunking(24, 8).spans(text, FunctionEncoder(lambda texts: [[1.0]] * len(texts), dim=1)))


@pytest.mark.parametrize("text", ["ab cd. ", ".", " ", "\n ", "好", "a", "👩‍👩‍👧", '."'], ids=repr)
def test_a_long_text_of_any_kind_takes_linear_memory(text):
    """A quadratic pattern or a list of tokens would not end, or would not fit."""
    long = text * (300_000 // len(text))
    tracemalloc.start()
    spans = chunk(long)
    assert tracemalloc.get_traced_memory()[1] < 200 * len(long)
    tracemalloc.stop()
    assert spans[-1, 1] == len(long)
    assert max(held(spans[:3], word_spans(long))) <= 200


@pytest.mark.slow
def test_ten_megabytes_in_seconds(minilm):
    from cosimo.encode import load_encoder

    text = "It was a long day, and the rice was not cooked yet. Nobody knew why! " * 150_000
    spans = Chunking().spans(text, load_encoder(minilm))
    assert len(text) > 10_000_000
    assert len(spans) > 10_000
    assert all(text[start:stop].startswith(("It was", "Nobody")) for start, stop in spans[:50].tolist())
