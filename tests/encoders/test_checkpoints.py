import json
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from auricle.core.errors import ConfigError
from auricle.encoders.checkpoints import convert_checkpoint, find_checkpoint

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "weights"
    made.mkdir()
    (made / "config.json").write_text(json.dumps({"model_type": "hubert"}))
    save_file({"weight": torch.ones(2)}, made / "model.safetensors")
    return made


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty, and no network."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    return cache


def test_a_folder_is_found(folder: Path) -> None:
    checkpoint = find_checkpoint(folder)
    assert checkpoint.config == {"model_type": "hubert"}
    assert checkpoint.preprocessor() == {}
    torch.testing.assert_close(checkpoint.tensors(), {"weight": torch.ones(2)})
    assert len(checkpoint.sha256) == 64
    save_file({"weight": torch.zeros(2)}, folder / "model.safetensors")
    assert find_checkpoint(str(folder)).sha256 != checkpoint.sha256


def test_the_preprocessor_is_read(folder: Path) -> None:
    (folder / "preprocessor_config.json").write_text('{"sampling_rate": 16000}')
    assert find_checkpoint(folder).preprocessor() == {"sampling_rate": 16000}


def test_a_pinned_revision_is_found_in_the_hubs_cache(folder: Path, offline: Path) -> None:
    snapshot = offline / "models--some--model" / "snapshots" / COMMIT
    snapshot.parent.mkdir(parents=True)
    folder.rename(snapshot)
    checkpoint = find_checkpoint("some/model", COMMIT)
    assert checkpoint.weights == snapshot / "model.safetensors"
    torch.testing.assert_close(checkpoint.tensors(), {"weight": torch.ones(2)})


@pytest.mark.parametrize("revision", [None, "main", COMMIT[:12]])
def test_a_hubs_model_needs_a_full_commit(revision: str | None) -> None:
    with pytest.raises(ConfigError, match="full hash of a commit"):
        find_checkpoint("some/model", revision)


@pytest.mark.usefixtures("offline")
def test_offline_it_says_what_to_copy() -> None:
    with pytest.raises(ConfigError, match=r"copy its config.json, model.safetensors and"):
        find_checkpoint("some/model", COMMIT)
    with pytest.raises(ConfigError, match="neither a folder nor"):
        find_checkpoint("some/model/too/deep", COMMIT)


def test_a_pickle_is_refused_until_it_is_converted(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    linear = nn.Linear(3, 2)
    # Tensors that share memory, as tied weights do.
    state = {**linear.state_dict(), "tied": linear.weight.detach()}
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="convert_checkpoint"):
        find_checkpoint(folder)
    convert_checkpoint(folder / "pytorch_model.bin", folder / "model.safetensors")
    torch.testing.assert_close(find_checkpoint(folder).tensors(), state)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
    ]


@pytest.mark.parametrize("content", [{"step": 3}, {}, [torch.ones(1)], nn.Linear(1, 1)])
def test_a_pickle_of_anything_but_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "pytorch_model.bin")
    with pytest.raises(ConfigError):
        convert_checkpoint(tmp_path / "pytorch_model.bin", tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()


def test_shards_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(ConfigError, match="several files"):
        find_checkpoint(folder)


def test_what_is_missing_or_damaged_is_named(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match=r"model.safetensors is damaged"):
        find_checkpoint(folder).tensors()
    for text in ("{", "[]"):
        (folder / "config.json").write_text(text)
        with pytest.raises(ConfigError, match=r"config.json"):
            find_checkpoint(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"has no config.json"):
        find_checkpoint(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"has no model.safetensors"):
        find_checkpoint(folder)


def test_converted_weights_are_plain_safetensors(tmp_path: Path) -> None:
    torch.save({"a": torch.arange(4).view(2, 2).T}, tmp_path / "a.bin")
    path = convert_checkpoint(tmp_path / "a.bin", tmp_path / "a.safetensors")
    torch.testing.assert_close(load_file(path)["a"], torch.tensor([[0, 2], [1, 3]]))
