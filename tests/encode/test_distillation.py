import hashlib

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from cosimo.encode import FunctionEncoder, OnnxEncoder, StaticEncoder, distill
from cosimo.errors import DataError

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = ["the", "cat", "guitar", "##s", "##ing", "play", *"abcdefgh?", "[", "]", "sep"]
TOKENS = [*SPECIAL, "[unused0]", *WORDS]


def vectors(texts):
    """(n, 6) numbers drawn from a text's own hash, around a common offset."""
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) for text in texts]
    return np.array([np.random.default_rng(seed).normal(size=6) * [6, 5, 4, 3, 2, 1] + 10 for seed in seeds])


class Teacher:
    """An encoder of six dimensions with a BERT-like tokenizer, which remembers what it read."""

    def __init__(self):
        self.encoder = FunctionEncoder(vectors, name="teacher")
        self.dim, self.passport, self.read = 6, self.encoder.passport, []

    @property
    def tokenizer_json(self):
        made = Tokenizer(models.WordPiece({token: i for i, token in enumerate(TOKENS)}, unk_token="[UNK]"))
        made.normalizer = normalizers.Lowercase()
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        made.add_special_tokens([AddedToken(token) for token in SPECIAL])
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        made.enable_padding(length=8)
        return made.to_str()

    def encode(self, items, *, role=None, given=None, batch_size=None, progress=False):
        self.read += items
        return self.encoder.encode(items)


def cosines(X):
    X = X / np.linalg.norm(X, axis=1, keepdims=True)
    return X @ X.T


def expected(texts, dims, sif):
    """Principal axes by scikit-learn, weights by a loop; ranks begin behind what no text contains."""
    X = PCA(dims).fit_transform(vectors(texts).astype(np.float32).astype(np.float64))
    share = [1 / (rank + 1) for rank in range(1, len(texts) + 1)]
    if sif is not None:
        X = np.array([row * sif / (sif + p / sum(share)) for row, p in zip(X, share, strict=True)])
    return X


@pytest.mark.parametrize("sif", [None, 1e-4, 1e-2])
@pytest.mark.parametrize("dims", [2, 6])
def test_equals_principal_axes_times_frequency_weights(dims, sif):
    teacher = Teacher()
    static = distill(teacher, dims=dims, sif=sif)
    texts = [word.removeprefix("##") for word in WORDS]
    assert teacher.read == texts
    found, wanted = static.table[5:], expected(texts, dims, sif)
    signs = np.sign((found * wanted).sum(axis=0))  # an axis may point either way
    np.testing.assert_allclose(found, wanted * signs, atol=1e-4)
    assert static.dim == dims


def test_a_text_is_the_normalised_mean_of_its_tokens():
    static = distill(Teacher(), dims=4)
    rows = static.table[[TOKENS.index(token) for token in ("the", "cat", "##s", "play", "##ing")]]
    mean = rows.mean(axis=0)
    np.testing.assert_allclose(static.encode(["The cats PLAYING"])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_all_dimensions_without_weights_keep_centred_cosines():
    teacher = Teacher()
    static = distill(teacher, dims=6, sif=None)
    texts = ["the", "cat", "guitar", "play"]
    centred = vectors(texts) - vectors([word.removeprefix("##") for word in WORDS]).mean(axis=0)
    np.testing.assert_allclose(cosines(static.encode(texts)), cosines(centred), atol=1e-5)


def test_special_and_unused_tokens_have_no_vector():
    static = distill(Teacher(), dims=4)
    np.testing.assert_array_equal(static.table[:5], np.zeros((5, 4)))
    np.testing.assert_array_equal(static.encode(["[SEP]"]), static.encode(["[ sep ]"]))


def test_new_words_get_their_own_vector():
    teacher = Teacher()
    static = distill(teacher, vocabulary=["Electric Guitar", "Cat", "cab", "electric guitar"], dims=4)
    assert teacher.read[len(WORDS) :] == ["electric guitar", "cab"]  # "cat" was there
    X = static.encode(["the electric guitar", "cab", "cabs"])
    known = static.table[[TOKENS.index("the"), len(TOKENS)]].mean(axis=0)
    np.testing.assert_allclose(X[0], known / np.linalg.norm(known), atol=1e-6)
    assert cosines(np.array([X[1], static.table[len(TOKENS) + 1]]))[0, 1] == pytest.approx(1)
    np.testing.assert_array_equal(X[2], np.zeros(4))  # a word inside another is no word


def test_model2vec_reads_the_student(tmp_path):
    from model2vec import StaticModel

    static = distill(Teacher(), vocabulary=["electric guitar"], dims=4)
    static.save(tmp_path)
    texts = ["the electric guitar", "playing cats", "[SEP]", ""]
    np.testing.assert_allclose(StaticModel.from_pretrained(tmp_path).encode(texts), static.encode(texts), atol=1e-6)


def test_same_bytes_again_and_a_name():
    one, other = distill(Teacher(), dims=4), distill(Teacher(), dims=4, name="mine")
    assert one.passport.compare(other.passport).verdict == "identical"
    assert (one.name, other.name) == ("static-teacher", "mine")


@pytest.mark.parametrize("dims", [0, 7])
def test_dims_out_of_range_are_refused(dims):
    with pytest.raises(DataError, match=f"dims must be between 1 and the teacher's 6, got {dims}"):
        distill(Teacher(), dims=dims)


@pytest.mark.parametrize("sif", [0, 1, -1e-4])
def test_sif_out_of_range_is_refused(sif):
    with pytest.raises(DataError, match="sif must be above 0 and below 1"):
        distill(Teacher(), dims=2, sif=sif)


def test_teacher_without_tokenizer_is_refused():
    with pytest.raises(DataError, match="FunctionEncoder has no tokenizer_json"):
        distill(FunctionEncoder(vectors))


@pytest.mark.slow  # minilm reads 29,523 tokens
@pytest.mark.data
def test_student_of_minilm_keeps_most_of_its_ranking(data, minilm_files):
    """STS-B dev: 76.5 for 87.5 of the teacher; the same weights on random directions, 72.5, know no meaning."""
    import pandas as pd

    teacher = OnnxEncoder.from_folder(minilm_files)
    student = distill(teacher)
    weights = np.linalg.norm(student.table, axis=1, keepdims=True)
    directions = np.random.default_rng(0).normal(size=student.table.shape)
    overlap = StaticEncoder(weights * directions, student.tokenizer_json, normalize=True)
    pairs = pd.read_parquet(data / "stsb" / "stsb_en.parquet").query("split == 'dev'")

    def agreement(encoder):
        a, b = encoder.encode(list(pairs.sentence1)), encoder.encode(list(pairs.sentence2))
        return spearmanr((a * b).sum(axis=1), pairs.score).statistic

    assert agreement(student) > 0.87 * agreement(teacher)
    assert agreement(student) > agreement(overlap) + 0.02
