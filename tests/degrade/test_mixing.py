"""Recorded noise under speech, at a ratio to its active level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import RATE, make_music
from typer.testing import CliRunner

from auricle.cli.main import app
from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, SignalError
from auricle.degrade.base import apply_process, parse_process
from auricle.degrade.mixing import mix_at
from auricle.signal.io import read_audio, write_audio
from auricle.signal.speech_level import measure_speech_level


def make_noise(seconds: float, seed: int = 0, channels: int = 1) -> Audio:
    rng = np.random.default_rng(seed)
    return Audio.from_array(rng.normal(0.0, 0.03, (channels, round(seconds * RATE))), RATE)


@pytest.mark.parametrize("ratio", [-5.0, 0.0, 12.5, 40.0])
def test_noise_lies_below_the_active_level(ratio: float) -> None:
    spoken = np.concatenate([make_music(1.0, 3), np.zeros(RATE)])
    speech = Audio.from_array(spoken, RATE)
    added = mix_at(speech, make_noise(2.0), ratio).samples[0] - speech.samples[0]
    active = measure_speech_level(speech.samples[0], RATE).level
    assert active - 10 * np.log10(np.mean(added.astype(float) ** 2)) == pytest.approx(
        ratio, abs=0.01
    )


def test_all_channels_get_the_same_noise_and_short_noise_goes_on() -> None:
    speech = Audio.from_array(np.stack([make_music(1.0, 1), make_music(1.0, 2)]), RATE)
    added = mix_at(speech, make_noise(0.25, channels=2), 10.0).samples - speech.samples
    assert added[0] == pytest.approx(added[1], abs=1e-6)
    quarter = RATE // 4
    assert added[0, :quarter] == pytest.approx(added[0, quarter : 2 * quarter], abs=1e-6)


def test_what_cannot_be_mixed_is_told() -> None:
    speech, noise = Audio.from_array(make_music(0.5, 1), RATE), make_noise(0.5)
    with pytest.raises(SignalError, match="noise is silent"):
        mix_at(speech, Audio.from_array(np.zeros(100), RATE), 10.0)
    with pytest.raises(SignalError, match="resample"):
        mix_at(speech, Audio.from_array(noise.samples, 44100), 10.0)
    with pytest.raises(SignalError, match="no speech"):
        mix_at(Audio.from_array(np.zeros(100), RATE), noise, 10.0)
    with pytest.raises(ConfigError, match="snr:10 needs a recording of noise"):
        apply_process(speech, parse_process("snr:10"))


def test_the_command_puts_a_recording_under_a_file(tmp_path: Path) -> None:
    speech, noise = Audio.from_array(make_music(0.5, 1), RATE), make_noise(0.5)
    write_audio(tmp_path / "speech.wav", speech)
    write_audio(tmp_path / "noise.wav", noise)
    files = [str(tmp_path / name) for name in ("speech.wav", "noisy.wav")]
    command = ["degrade", *files, "--process", "snr:10"]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, ConfigError)
    missing = CliRunner().invoke(app, [*command, "--noise", str(tmp_path / "gone.wav")])
    assert str(missing.exception).startswith(str(tmp_path / "gone.wav"))
    unused = ["degrade", *files, "--process", "clip:5", "--noise", str(tmp_path / "noise.wav")]
    assert "--noise is for" in str(CliRunner().invoke(app, unused).exception)
    done = CliRunner().invoke(app, [*command, "--noise", str(tmp_path / "noise.wav")])
    assert done.exit_code == 0, done.output
    expected = mix_at(read_audio(tmp_path / "speech.wav"), read_audio(tmp_path / "noise.wav"), 10.0)
    assert read_audio(tmp_path / "noisy.wav").samples == pytest.approx(expected.samples, abs=1e-4)
