import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from cosimo.encode import StaticEncoder, TruncationWarning, tally
from cosimo.errors import DataError, ShapeError

DIM = 8
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
TOKENS = ["[UNK]", "the", "cat", "guitar", "##ing", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
TEXTS = ["the cats playing guitar", "", "🎸🎸", "cat 🎸 cat", "a", "the the the cat"]


def tokenizer(tokens=TOKENS):
    """A WordPiece tokenizer that knows every Latin letter and digit, with a start token it must never use."""
    made = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="the $A", special_tokens=[("the", 1)])
    made.enable_padding(pad_id=2, pad_token="cat", length=16)
    made.enable_truncation(2)
    return made


def table(rows=None):
    return np.random.default_rng(0).normal(size=(rows or len(TOKENS), DIM)).astype(np.float32)


def encoder(**settings):
    return StaticEncoder(table(), tokenizer().to_str(), **settings)


EXAMPLES = [encoder(), encoder(normalize=True, max_length=4)]


def naive(X, texts, limit=512):
    """The definition, one token at a time."""
    plain = tokenizer()
    plain.no_padding()
    plain.no_truncation()
    rows = []
    for text in texts:
        ids = [i for i in plain.encode(text, add_special_tokens=False).ids[:limit] if i != 0]
        rows.append(sum((X[i].astype(np.float64) for i in ids), np.zeros(DIM)) / max(len(ids), 1))
    return np.array(rows)


def test_equals_the_definition():
    np.testing.assert_allclose(encoder().encode(TEXTS), naive(table(), TEXTS), atol=1e-6)


def test_texts_without_known_tokens_are_zero():
    X = encoder(normalize=True).encode(["", "🎸🎸", "   "])
    np.testing.assert_array_equal(X, np.zeros((3, DIM)))


def test_unknown_tokens_do_not_dilute():
    X = encoder().encode(["cat 🎸 cat", "cat"])
    np.testing.assert_allclose(X[0], X[1], atol=1e-6)


def test_normalised_vectors_have_length_one():
    X = encoder(normalize=True).encode(["the cats", "a"])
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-6)


def test_a_text_alone_has_the_bytes_it_has_in_company():
    X = encoder().encode(TEXTS * 300, batch_size=7)
    np.testing.assert_array_equal(X[:6], np.concatenate([encoder().encode([text]) for text in TEXTS]))


def test_roles_are_encoded_alike():
    np.testing.assert_array_equal(encoder().encode_query(TEXTS), encoder().encode_document(TEXTS))


def test_long_texts_are_cut_and_counted():
    with pytest.warns(TruncationWarning, match="2 of 3 texts were longer than 3 tokens"):
        X = encoder(max_length=3).encode(["cats cats", "cats", "cats cats cats"])
    np.testing.assert_allclose(X, naive(table(), ["cats cat", "cats", "cats cat"]), atol=1e-6)


def test_ten_megabytes_are_cut_before_they_are_read():
    text = "the cat " * 1_250_000
    with tally() as seen:
        X = encoder().encode([text])
    assert (seen.cut, seen.limit) == (1, 512)
    # The median token has 3 characters.
    np.testing.assert_array_equal(X, encoder(max_length=None).encode([text[: 3 * 512]]))


def test_no_limit_reads_everything():
    text = "the cat " * 1000 + "guitar"
    np.testing.assert_allclose(encoder(max_length=None).encode([text]), naive(table(), [text], limit=None), atol=1e-6)


def test_progress_is_shown_when_asked(capsys):
    encoder().encode(TEXTS)
    assert capsys.readouterr().err == ""
    encoder().encode(TEXTS, progress=True)
    assert "6/6" in capsys.readouterr().err


def test_saved_folder_gives_the_same_space(tmp_path):
    made = encoder(normalize=True, max_length=5)
    made.save(tmp_path / "mine")
    again = StaticEncoder.from_folder(tmp_path / "mine")
    assert (again.name, again.normalize, again.max_length) == ("mine", True, 5)
    assert made.passport.compare(again.passport).verdict == "identical"
    np.testing.assert_array_equal(made.encode(["the cats"]), again.encode(["the cats"]))
    assert StaticEncoder.from_folder(tmp_path / "mine", name="other").name == "other"


@pytest.mark.parametrize("normalize", [False, True])
def test_model2vec_reads_what_we_write(tmp_path, normalize):
    from model2vec import StaticModel

    texts = [*TEXTS, "the cat " * 600]
    made = encoder(normalize=normalize)
    made.save(tmp_path)
    with tally() as seen:
        X = made.encode(texts)
    theirs = StaticModel.from_pretrained(tmp_path).encode(texts)
    assert seen.cut == 1
    np.testing.assert_allclose(theirs[:-1], X[:-1], atol=1e-6)
    # It adds the 384 tokens of the long text in single precision.
    np.testing.assert_allclose(theirs[-1], X[-1], atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8])
@pytest.mark.parametrize("clustered", [False, True])
def test_we_read_what_model2vec_writes(tmp_path, dtype, clustered):
    from model2vec import StaticModel

    rng = np.random.default_rng(1)
    extra = {}
    X = table() * (20 if dtype is np.int8 else 1)
    if clustered:
        X, mapping = X[:7], rng.integers(7, size=len(TOKENS))
        extra = {"token_mapping": mapping, "weights": rng.random(len(TOKENS)) + 0.5}
    theirs = StaticModel(X.astype(dtype), tokenizer(), normalize=True, max_length=4, **extra)
    theirs.save_pretrained(tmp_path, model_name="test")
    with tally() as seen:
        ours = StaticEncoder.from_folder(tmp_path).encode(TEXTS)
    assert (seen.cut, seen.limit) == (2, 4)
    # model2vec answers in the type of its table; half precision has 11 bits.
    close = 1e-3 if dtype is np.float16 else 1e-6
    np.testing.assert_allclose(ours, theirs.encode(TEXTS), atol=close)


def test_sentence_transformers_reads_what_we_write(tmp_path):
    from sentence_transformers import SentenceTransformer

    made = encoder(normalize=True)
    made.save(tmp_path)
    texts = ["the cats playing guitar", "a"]  # it keeps unknown tokens, so none here
    theirs = SentenceTransformer(str(tmp_path), device="cpu").encode(texts)
    np.testing.assert_allclose(made.encode(texts), theirs, atol=1e-6)


def test_passport_knows_what_changes_vectors():
    one = encoder().passport
    other = StaticEncoder(table() + 1, tokenizer().to_str()).passport
    assert (
        one.compare(StaticEncoder(table(), tokenizer().to_str(pretty=True), name="else").passport).verdict
        == "identical"
    )
    assert one.compare(other).verdict == "different"
    assert any(line.startswith("table:") for line in one.compare(other).differences)
    assert "normalize: false here, true there" in one.compare(encoder(normalize=True).passport).differences


def test_table_smaller_than_the_vocabulary_is_refused():
    with pytest.raises(ShapeError, match=f"ids up to {len(TOKENS) - 1} and the table has 5 rows"):
        StaticEncoder(table(5), tokenizer().to_str())


def test_bad_arguments_are_refused():
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        StaticEncoder(table(), "{}")
    with pytest.raises(DataError, match="max_length must be at least 1"):
        encoder(max_length=0)
    with pytest.raises(DataError, match="table contains NaN"):
        StaticEncoder(np.full((len(TOKENS), 2), np.nan), tokenizer().to_str())
    with pytest.raises(DataError, match="condition"):
        encoder().encode(["a"], given=["b"])


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_missing_file_is_named(tmp_path, file):
    encoder().save(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(DataError, match=f"{file} not found"):
        StaticEncoder.from_folder(tmp_path)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", [b"", b"[]", b"\xff\xfe\x00"])
def test_damaged_file_is_one_sentence(tmp_path, file, damage):
    encoder().save(tmp_path)
    (tmp_path / file).write_bytes(damage)
    with pytest.raises(DataError, match="cannot be read as static vectors"):
        StaticEncoder.from_folder(tmp_path)


@pytest.mark.parametrize(
    "tensors",
    [
        {"vectors": table()},
        {"embeddings": table(), "mapping": np.full(len(TOKENS), 10_000)},
        {"embeddings": table(), "weights": np.ones(3, np.float32)},
    ],
    ids=["no embeddings", "mapping out of range", "too few weights"],
)
def test_tensors_that_do_not_fit_are_refused(tmp_path, tensors):
    encoder().save(tmp_path)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match="cannot be read as static vectors"):
        StaticEncoder.from_folder(tmp_path)


def test_folder_follows_the_format(tmp_path):
    encoder(normalize=True).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["model_type"], config["normalize"], config["max_length"]) == ("model2vec", True, 512)
    assert set(load_file(tmp_path / "model.safetensors")) == {"embeddings"}


@pytest.mark.parametrize("normalize", [True, False])
def test_shortened_vectors(tmp_path, normalize):
    expected = encoder().encode(TEXTS)[:, :3]
    if normalize:
        expected = expected / np.maximum(np.linalg.norm(expected, axis=1, keepdims=True), 1e-9)
    short = encoder(normalize=normalize, truncate_dim=3)
    assert short.dim == short.passport.dim == 3
    np.testing.assert_allclose(short.encode(TEXTS), expected, atol=1e-6)
    short.save(tmp_path)
    np.testing.assert_array_equal(StaticEncoder.from_folder(tmp_path).encode(TEXTS), short.encode(TEXTS))


def test_truncate_dim_out_of_range():
    with pytest.raises(DataError, match="between 1 and the model's 8, got 9"):
        encoder(truncate_dim=9)
