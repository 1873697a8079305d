r"""Distil a text encoder into static token vectors: the teacher reads every token of its vocabulary once, alone.

$$E_t = \frac{a}{a + p_t} \, V^\top (f(t) - \mu), \qquad p_t \propto \frac{1}{r_t + 1}$$

$f$ -> `encoder`, $V$ the first `dims` principal axes of the token vectors and $\mu$ their mean, $a$ -> `sif`,
$r_t$ the rank of a token (1, 2, ...): vocabularies list frequent tokens first, so Zipf's law stands in for counts.

Pitfalls: special and unused tokens take part in the principal axes; ranks are taken before they are left out;
the mean is not removed, so that all texts look alike.

Reference: model2vec, https://github.com/MinishLab/model2vec. It feeds token ids and averages the last hidden states;
here the teacher reads a token as text and gives its own vector, so that any encoder with a tokenizer can teach.
"""

import json
import re
from collections.abc import Sequence

import numpy as np
from tokenizers import AddedToken, Tokenizer

from cosimo.contracts import Encoder
from cosimo.encode.items import check_texts
from cosimo.encode.texts.static import StaticEncoder
from cosimo.errors import DataError
from cosimo.types import PerItem, Vectors

NEVER_USED = re.compile(r"[\[<]unused_?\d+[\]>]")


def distill(
    encoder: Encoder,
    *,
    vocabulary: Sequence[str] | None = None,
    dims: int = 256,
    sif: float | None = 1e-4,
    name: str | None = None,
    progress: bool = False,
) -> StaticEncoder:
    """A static encoder with normalised vectors that imitates `encoder` at a small part of its cost.

    encoder
        The teacher; it must have `tokenizer_json`, the text of its `tokenizer.json`.
    vocabulary
        Words and phrases that get a vector of their own, beside the tokens of the teacher.
    dims
        Principal components kept, at most the teacher's dimensions.
    sif
        Weight of smooth inverse frequency, between 0 and 1; smaller plays frequent tokens down less. `None` leaves
        all tokens equal.

    Raises
    ------
    DataError
        When the teacher has no tokenizer or a setting is out of range.
    """
    tokenizer_json = getattr(encoder, "tokenizer_json", None)
    if tokenizer_json is None:
        raise DataError(f"{type(encoder).__name__} has no tokenizer_json; distil an encoder that has a tokenizer")
    if not 1 <= dims <= encoder.dim:
        raise DataError(f"dims must be between 1 and the teacher's {encoder.dim}, got {dims}")
    if sif is not None and not 0 < sif < 1:
        raise DataError(f"sif must be above 0 and below 1, got {sif}; None turns the weights off")
    tokenizer, special = _plain_tokenizer(tokenizer_json, vocabulary or ())
    tokens = _token_texts(tokenizer, special)
    ids = np.array(sorted(tokens))
    X = _principal(encoder.encode([tokens[i] for i in ids], progress=progress), dims)
    if sif is not None:
        X *= _zipf_weights(len(X), sif)[:, None]
    table = np.zeros((max(tokenizer.get_vocab().values()) + 1, dims), np.float32)
    table[ids] = X
    return StaticEncoder(table, tokenizer.to_str(), normalize=True, name=name or f"static-{encoder.passport.name}")


def _plain_tokenizer(tokenizer_json: str, vocabulary: Sequence[str]) -> tuple[Tokenizer, set[str]]:
    """The teacher's tokenizer without special tokens but with the new words, and what was special."""
    data = json.loads(tokenizer_json)
    special = {token["content"] for token in data["added_tokens"] if token["special"]}
    # A text that happens to contain "[SEP]" is plain text to a static encoder.
    data["added_tokens"] = [token for token in data["added_tokens"] if not token["special"]]
    data |= {"post_processor": None, "padding": None, "truncation": None}
    tokenizer = Tokenizer.from_str(json.dumps(data))
    known = tokenizer.get_vocab()
    normalise = tokenizer.normalizer.normalize_str if tokenizer.normalizer else str
    words = {normalise(word): word for word in check_texts(vocabulary)}
    new = [word for normalised, word in words.items() if normalised not in known]
    tokenizer.add_tokens([AddedToken(word, single_word=True, normalized=True) for word in new])
    return tokenizer, special


def _token_texts(tokenizer: Tokenizer, special: set[str]) -> dict[int, str]:
    """For each id that a text can contain, the text the teacher reads for it."""
    prefix = json.loads(tokenizer.to_str())["model"].get("continuing_subword_prefix") or ""
    known = {i: t for t, i in tokenizer.get_vocab().items() if t not in special and not NEVER_USED.fullmatch(t)}
    texts = tokenizer.decode_batch([[i] for i in known], skip_special_tokens=False)
    return {i: text.strip().removeprefix(prefix) or text for i, text in zip(known, texts, strict=True)}


def _principal(X: Vectors, dims: int) -> Vectors:
    """(n, dims) float64 coordinates on the principal axes; each axis points where its largest loading is positive."""
    centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :dims]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(dims)])
    return np.asarray(centred @ axes)


def _zipf_weights(n: int, sif: float) -> PerItem:
    """(n,) weights of smooth inverse frequency for tokens in order of frequency."""
    p = 1 / np.arange(2, n + 2)
    weights: PerItem = sif / (sif + p / p.sum())
    return weights
