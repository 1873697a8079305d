import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, processors

from cosimo.encode import wordllama
from cosimo.encode.models.homes import model_home
from cosimo.errors import DataError

WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
TEXTS = ["the cat plays the guitar", "a", "", "not guilty 🎸", "السلام عليكم", "a b\n c", "the cat " * 500]


@pytest.fixture
def folder(tmp_path):
    """A folder laid out like the package, with a tokenizer of the same make and a handful of tokens."""
    tokens = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "c", "a", "t", "at", "cat", "▁cat"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    merges = [("a", "t"), ("c", "at"), ("▁", "cat")]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    table = np.random.default_rng(0).normal(size=(len(tokens), 4)).astype(np.float16)
    for file in (WEIGHTS, TOKENIZER):
        (tmp_path / file).parent.mkdir()
    save_file({"embedding.weight": table}, tmp_path / WEIGHTS)
    tokenizer.save(str(tmp_path / TOKENIZER))
    return tmp_path


@pytest.fixture
def wheel():
    """The fetched model's folder: the files of the published wheel."""
    folder = model_home("wordllama")
    if not folder.is_dir():
        pytest.skip("wordllama is not on this machine: cosimo fetch wordllama")
    return folder


def naive(folder, texts):
    """The mean over the tokens of one text at a time, without the start token."""
    table = load_file(folder / WEIGHTS)["embedding.weight"].astype(np.float64)
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    return np.array([table[row].sum(axis=0) / max(len(row), 1) for row in ids])


def test_equals_the_mean_of_the_tokens(folder):
    encoder = wordllama(folder)
    assert encoder.name == "wordllama"
    np.testing.assert_allclose(encoder.encode(TEXTS), naive(folder, TEXTS), atol=1e-6)


def test_the_published_files(wheel):
    np.testing.assert_allclose(wordllama(wheel).encode(TEXTS), naive(wheel, TEXTS), atol=1e-5)


def test_equals_the_package(wheel):
    inference = pytest.importorskip("wordllama.inference")
    table = load_file(wheel / WEIGHTS)["embedding.weight"]
    theirs = inference.WordLlamaInference(table, Tokenizer.from_file(str(wheel / TOKENIZER))).embed(TEXTS)
    # The package adds up the 1,000 tokens of the long text in single precision.
    np.testing.assert_allclose(wordllama(wheel).encode(TEXTS), theirs, rtol=1e-5, atol=1e-5)


def test_similar_sentences_are_nearer(wheel):
    a, b, c = wordllama(wheel).encode(["a man plays the guitar", "someone makes music", "interest rates fell sharply"])
    assert a @ b / np.linalg.norm(b) > a @ c / np.linalg.norm(c)


@pytest.mark.parametrize("file", [WEIGHTS, TOKENIZER])
def test_missing_file_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(DataError, match=rf"not the folder of the package wordllama: .*{file} not found"):
        wordllama(folder)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 100])
def test_damaged_weights_are_one_sentence(folder, damage):
    (folder / WEIGHTS).write_bytes(damage)
    with pytest.raises(DataError, match="does not hold the token vectors"):
        wordllama(folder)


def test_other_tensors_are_refused(folder):
    save_file({"other": np.ones((2, 2))}, folder / WEIGHTS)
    with pytest.raises(DataError, match="does not hold the token vectors"):
        wordllama(folder)
