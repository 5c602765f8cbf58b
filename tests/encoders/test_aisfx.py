import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.encoders.drawn import draw_music

from auricle.core.errors import ConfigError
from auricle.encoders.aisfx import Aisfx, find_checkpoint, load_aisfx
from auricle.signal.music_front_ends import AisfxMel

GOLDEN = Path(__file__).parents[1] / "golden" / "encoders" / "aisfx.json"


@pytest.fixture(scope="module")
def published() -> Aisfx:
    try:
        path = find_checkpoint()
    except ConfigError as error:
        pytest.skip(str(error))
    return load_aisfx(path)


@pytest.fixture(scope="module")
def untrained() -> Aisfx:
    torch.manual_seed(0)
    encoder = Aisfx()
    for name, statistic in encoder.named_buffers():
        if name.endswith("running_mean"):
            statistic.normal_()
    return encoder.eval()


@torch.no_grad()
def test_embeddings_of_a_block_are_those_of_the_package(published: Aisfx) -> None:
    golden: Any = json.loads(GOLDEN.read_text())
    block = torch.from_numpy(AisfxMel()(draw_music(2.33, 44100, 5))[: golden["block"]])
    frames = published(block.unsqueeze(0), torch.tensor([golden["block"]]))
    assert frames.shape == (1, 1, 12, 512)
    maximum = frames[0, 0].amax(dim=0)
    torch.testing.assert_close(maximum, torch.tensor(golden["embedding"]), atol=1e-4, rtol=0.0)
    assert published.facts.sha256.startswith("499ea759")


@torch.no_grad()
def test_a_batch_of_unequal_lengths_equals_one_by_one(untrained: Aisfx) -> None:
    lengths = (1.1, 0.05, 0.73, 0.6)
    clips = [draw_music(length, 44100, seed) for seed, length in enumerate(lengths)]
    together = untrained.embed(clips)
    for number, clip in enumerate(clips):
        alone = untrained.embed([clip])
        count = int(alone.frames[0])
        assert together.frames[number] == count == alone.values.shape[2]
        torch.testing.assert_close(
            together.values[number, :, :count], alone.values[0], atol=1e-4, rtol=0.0
        )
        assert not together.values[number, :, count:].any()


@pytest.mark.parametrize(("steps", "frames"), [(1, 1), (7, 1), (8, 1), (15, 1), (16, 2), (100, 12)])
def test_frames_are_as_many_as_come_out(untrained: Aisfx, steps: int, frames: int) -> None:
    assert untrained.frames(torch.tensor([steps])).tolist() == [frames]
    assert untrained(torch.zeros(1, steps, 96), torch.tensor([steps])).shape == (1, 1, frames, 512)


def test_a_short_clip_is_followed_by_silence(untrained: Aisfx) -> None:
    short = torch.rand(1, 3, 96)
    silence = torch.cat((short, torch.zeros(1, 5, 96)), dim=1)
    torch.testing.assert_close(
        untrained(short, torch.tensor([3])), untrained(silence, torch.tensor([8]))
    )


def test_training_mode_leaves_statistics_alone(untrained: Aisfx) -> None:
    block, steps = torch.rand(2, 16, 96), torch.tensor([16, 16])
    before = untrained(block, steps)
    torch.testing.assert_close(untrained.train()(block, steps), before)
    untrained.eval()


def test_a_missing_package_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setenv("AURICLE_PACKAGES", str(tmp_path))
    with pytest.raises(ConfigError, match="pip install --no-deps aisfx"):
        find_checkpoint()


@pytest.mark.parametrize("folder", ["", "aisfx"])
def test_unpacked_packages_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("AURICLE_PACKAGES", str(tmp_path))
    path = _place(tmp_path / folder)
    assert find_checkpoint() == path


def test_the_installed_package_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _place(tmp_path)
    (tmp_path / "aisfx" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.delenv("AURICLE_PACKAGES", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert find_checkpoint() == path


def _place(folder: Path) -> Path:
    path = folder / "aisfx" / "models" / "checkpoint.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another network")
    return path


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_PACKAGES", str(tmp_path))
    _place(tmp_path)
    with pytest.raises(ConfigError, match=r"not the file of aisfx 0\.1\.2"):
        load_aisfx()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_aisfx(tmp_path / "nowhere.pth")
