import json

import pytest

from cosimo.encode.models.model_folder import read_model_folder
from cosimo.errors import DataError
from encode.tiny_bert import write_tiny_bert


def change(file, **values):
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_reads_what_the_folder_says(tmp_path):
    general = {
        "prompts": {"query": "query: ", "passage": "passage: ", "none": None},
        "default_prompt_name": "query",
        "truncate_dim": 8,
        "similarity_fn_name": "dot",
    }
    folder = read_model_folder(
        write_tiny_bert(tmp_path, pooling=["cls", "lasttoken"], normalize=False, general=general)
    )
    assert folder.poolings == ("cls", "last")
    assert not folder.normalize
    assert folder.max_tokens == 48
    assert (folder.prompt("query"), folder.prompt("document"), folder.prompt(None)) == (
        "query: ",
        "passage: ",
        "query: ",
    )
    assert (folder.truncate_dim, folder.similarity) == (8, "dot")
    assert folder.weights == tmp_path / "model.safetensors"
    assert folder.onnx is None


def test_without_modules_it_is_mean_pooling(tiny_bert):
    (tiny_bert / "modules.json").unlink()
    folder = read_model_folder(tiny_bert)
    assert folder.poolings == ("mean",)
    assert not folder.normalize


@pytest.mark.parametrize(
    ("old", "names"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, ("cls",)),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, ("max", "mean")),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, ("mean_sqrt_len",)),
        ({"pooling_mode_weightedmean_tokens": True, "pooling_mode_lasttoken": True}, ("weighted_mean", "last")),
        ({}, ("mean",)),
    ],
)
def test_old_flags_of_pooling(tiny_bert, old, names):
    (tiny_bert / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **old}))
    assert read_model_folder(tiny_bert).poolings == names


def test_transformer_in_a_folder_of_its_own(tiny_bert):
    inner = tiny_bert / "0_Transformer"
    inner.mkdir()
    for file in ("config.json", "tokenizer.json", "model.safetensors", "sentence_bert_config.json"):
        (tiny_bert / file).rename(inner / file)
    modules = json.loads((tiny_bert / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (tiny_bert / "modules.json").write_text(json.dumps(modules))
    assert read_model_folder(tiny_bert).weights == inner / "model.safetensors"


@pytest.mark.parametrize(
    ("layout", "tokenizer", "config", "wanted"),
    [
        ({"max_seq_length": 20}, {"model_max_length": 30}, {}, 20),
        ({"max_seq_length": None}, {"model_max_length": 30}, {}, 30),
        ({}, {"model_max_length": 10**30}, {}, 64),
        ({"max_seq_length": 999}, {}, {}, 64),
        ({}, {}, {"model_type": "xlm-roberta", "pad_token_id": 1}, 62),
        ({}, {}, {"max_position_embeddings": None}, 512),
    ],
)
def test_window(tiny_bert, layout, tokenizer, config, wanted):
    (tiny_bert / "sentence_bert_config.json").write_text(json.dumps(layout))
    (tiny_bert / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    change(tiny_bert / "config.json", **config)
    assert read_model_folder(tiny_bert).max_tokens == wanted


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "1_Pooling/config.json"])
def test_missing_file_is_named(tiny_bert, file):
    (tiny_bert / file).unlink()
    with pytest.raises(DataError, match=f"{file.rpartition('/')[2]} is missing"):
        read_model_folder(tiny_bert)


@pytest.mark.parametrize("damage", [b"", b"[]", b"\xff\xfe\x00", b"{"])
@pytest.mark.parametrize("file", ["config.json", "sentence_bert_config.json", "config_sentence_transformers.json"])
def test_damaged_file_is_named(tiny_bert, file, damage):
    (tiny_bert / file).write_bytes(damage)
    with pytest.raises(DataError, match=file):
        read_model_folder(tiny_bert)


@pytest.mark.parametrize("damage", ["", "{}", '[{"idx": 0}]', "[3]"])
def test_damaged_modules(tiny_bert, damage):
    (tiny_bert / "modules.json").write_text(damage)
    with pytest.raises(DataError, match=r"modules"):
        read_model_folder(tiny_bert)


def test_weights_missing(tiny_bert):
    (tiny_bert / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"neither model\.safetensors nor onnx/model\.onnx"):
        read_model_folder(tiny_bert)


def test_pickled_weights_are_refused(tiny_bert):
    (tiny_bert / "model.safetensors").rename(tiny_bert / "pytorch_model.bin")
    with pytest.raises(DataError, match="pickle"):
        read_model_folder(tiny_bert)


def test_dense_module_is_refused_by_name(tiny_bert):
    modules = json.loads((tiny_bert / "modules.json").read_text())
    modules.insert(2, {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (tiny_bert / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(DataError, match="Dense"):
        read_model_folder(tiny_bert)


def test_unknown_pooling_is_refused(tiny_bert):
    change(tiny_bert / "1_Pooling" / "config.json", pooling_mode="median")
    with pytest.raises(DataError, match="median"):
        read_model_folder(tiny_bert)


def test_prompt_left_out_of_pooling_is_refused(tiny_bert):
    change(tiny_bert / "1_Pooling" / "config.json", include_prompt=False)
    read_model_folder(tiny_bert)  # without prompts there is nothing to leave out
    change(tiny_bert / "config_sentence_transformers.json", prompts={"query": "q: "})
    with pytest.raises(DataError, match="include_prompt"):
        read_model_folder(tiny_bert)


def test_default_prompt_must_exist(tmp_path):
    write_tiny_bert(tmp_path, general={"prompts": {"query": "q: "}, "default_prompt_name": "document"})
    with pytest.raises(DataError, match="document"):
        read_model_folder(tmp_path)


def test_not_a_folder(tmp_path):
    with pytest.raises(DataError, match="not a folder"):
        read_model_folder(tmp_path / "nothing")


def test_unknown_role(tiny_bert):
    with pytest.raises(DataError, match="role"):
        read_model_folder(tiny_bert).prompt("passage")
