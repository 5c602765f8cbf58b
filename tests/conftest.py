"""What several tests need: real audio made on the spot, and the folder of rated audio."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.distances import make_bundle

from auricle.core.audio import Audio
from auricle.heads.calibration import Calibration
from auricle.signal.io import write_audio
from auricle.systems.bundle import Bundle, DistanceBundle, save_bundle

RATE = 48000


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder named by AURICLE_DATA; tests that need it skip without it."""
    folder = os.environ.get("AURICLE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("AURICLE_DATA names no folder of rated audio")
    return Path(folder)


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """The ffmpeg command, an oracle independent of PyAV."""
    found = shutil.which("ffmpeg")
    if found is None:
        pytest.skip("there is no ffmpeg command")
    return found


def make_music(seconds: float, seed: int = 0, rate: int = RATE) -> NDArray[np.float32]:
    """Decaying harmonic notes with noisy attacks over soft broadband noise."""
    rng = np.random.default_rng(seed)
    size = round(seconds * rate)
    signal = 0.003 * rng.standard_normal(size + rate)
    age = np.arange(rate) / rate  # a note has died away after a second
    envelope = np.exp(-6.0 * age) * np.minimum(1.0, age * 400.0)
    attack = 0.05 * np.exp(-60.0 * age)
    for start in range(0, size, rate // 4):
        pitch = 110.0 * 2.0 ** (rng.integers(0, 36) / 12)
        harmonics = np.arange(1, min(24, int(0.45 * rate / pitch)) + 1)[:, np.newaxis]
        waves = np.sin(2 * np.pi * pitch * harmonics * age) / harmonics
        note = 0.12 * envelope * waves.sum(axis=0) + attack * rng.standard_normal(rate)
        signal[start : start + rate] += note
    signal = signal[:size]
    return (0.7 * signal / np.max(np.abs(signal))).astype(np.float32)


@pytest.fixture(scope="session")
def music() -> Audio:
    """Twelve seconds of synthetic music, mono, 48 kHz."""
    return Audio.from_array(make_music(12.0), RATE)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write samples to a file in the test's folder and return its path."""

    def run(name: str, samples: object, rate: int = RATE) -> Path:
        path = tmp_path / name
        write_audio(path, Audio.from_array(samples, rate))  # type: ignore[arg-type]
        return path

    return run


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny untrained system that tells the history, as a bundle with both kinds of weights."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save

    from auricle.systems.export import export_onnx
    from auricle.systems.system import build_system
    from auricle.training.recipe import load_recipe

    config = load_recipe(
        "codec-music",
        [
            "system.front_end.n_mels=64",
            "system.segment=1.0",
            "system.encoder.stem=8",
            "system.encoder.channels=[8,8]",
            "system.encoder.features=16",
        ],
    ).system
    torch.manual_seed(0)
    system = build_system(config)
    with torch.no_grad():
        for _ in range(3):  # normalisation gets statistics of its own
            system.train()(torch.rand(4, config.segment_frames, 64))
        system.history.layers[-1].weight.mul_(20.0)
    calibration = Calibration(
        coverage=0.9,
        scale=1.6,
        temperature=1.0,
        clips=100,
        correction=((0.0, 0.0), (0.4, 0.5), (0.9, 1.0), (1.0, 1.0)),
        lossy_threshold=0.6,
    )
    weights = save({name: value.contiguous() for name, value in system.state_dict().items()})
    folder = tmp_path_factory.mktemp("told") / "bundle"
    return save_bundle(
        folder, config, calibration, onnx=export_onnx(system, config), weights=weights
    )


@pytest.fixture(scope="session")
def distance_bundle(tmp_path_factory: pytest.TempPathFactory) -> DistanceBundle:
    """A tiny untrained system that judges by distance, full band, as ONNX and weights."""
    pytest.importorskip("torch")
    return make_bundle(tmp_path_factory.mktemp("distance") / "tiny-distance.v1")


@pytest.fixture(scope="session")
def untold(told: Bundle) -> Bundle:
    """The same system without its history."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(told.onnx)
    (history,) = (output for output in model.graph.output if output.name == "history")
    model.graph.output.remove(history)
    return save_bundle(
        told.folder.with_name("untold"),
        told.config.model_copy(update={"history": None}),
        told.calibration,
        onnx=model.SerializeToString(),
    )
