"""WordLlama: token vectors taken from a large language model and trained for similarity, 256 numbers a token.

The wheel of the package `wordllama` carries table and tokenizer, so both are read from there; its own loader is not
needed. A text is the mean over its tokens, without the start token.

Pitfalls: adding the start token, which pulls all short texts together.

Reference: WordLlama, https://github.com/dleemiller/WordLlama
"""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file

from cosimo.encode.texts.static import StaticEncoder
from cosimo.errors import DataError

WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


def wordllama(
    folder: str | Path, *, max_length: int | None = 8192, truncate_dim: int | None = None, name: str = "wordllama"
) -> StaticEncoder:
    """The encoder in the files of the `wordllama` package, with unnormalised vectors as there.

    folder
        The installed package's folder.
    max_length
        Tokens of a text that are read; the package itself reads all, and takes long for texts of megabytes.
    truncate_dim
        Dimensions that are kept of each vector, which the table was trained to allow.

    Raises
    ------
    DataError
        When the files are not there or cannot be read.
    """
    weights, tokenizer = Path(folder) / WEIGHTS, Path(folder) / TOKENIZER
    missing = [str(file) for file in (weights, tokenizer) if not file.is_file()]
    if missing:
        raise DataError(f"{folder} is not the folder of the package wordllama: {', '.join(missing)} not found")
    try:
        table = load_file(weights)["embedding.weight"]
    except (SafetensorError, KeyError) as error:
        raise DataError(f"{weights} does not hold the token vectors of wordllama: {error}") from error
    return StaticEncoder(
        table, tokenizer.read_text(encoding="utf-8"), max_length=max_length, truncate_dim=truncate_dim, name=name
    )
