"""Voices: speech synthesisers that are installed, and what they are given to say."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from auricle.core.audio import Audio
from auricle.data.packages import run_tool
from auricle.signal.io import read_audio

Engine = Literal["espeak-ng", "flite"]

# What eSpeak NG takes where nothing is said: words per minute, and the middle of its pitch scale.
_WORDS = 175
_PITCH = 50


class Speakers(BaseModel):
    """Voices of a speech synthesiser, and texts in a language that they speak.

    The synthesiser must be installed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Engine
    licence: str = Field(min_length=1)
    credit: str = Field(min_length=1)
    voices: tuple[str, ...] = Field(min_length=1)
    texts: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a voice says once, at `rate` times the usual speed and `pitch` times the usual height.

    Flite's statistical voices (awb, rms, slt) always keep their own pitch.

    >>> Utterance("flite", "slt", "Good morning.").rate
    1.0
    """

    engine: Engine
    voice: str
    text: str
    rate: float = 1.0
    pitch: float = 1.0


# eSpeak NG asks for a sound server even where it writes a file. Where PulseAudio's client was never
# used before, it draws the name of a folder by the same random numbers as the voice its noise.
_NO_SOUND_SERVER: Final = {"PULSE_SERVER": "unix:/nonexistent"}


def speak(utterance: Utterance, *, sample_rate: int | None = None) -> Audio:
    """Let a synthesiser speak: mono at `sample_rate` Hz, or at the voice's own rate.

    Raises `ConfigError` when the synthesiser is not installed, and `DataError` when it fails,
    such as for a voice that it doesn't have.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voice.wav"
        run_tool(_command(utterance, path), variables=_NO_SOUND_SERVER)
        return read_audio(path, sample_rate=sample_rate).mono()


def _command(utterance: Utterance, path: Path) -> list[str | Path]:
    rate, pitch = utterance.rate, utterance.pitch
    varied: list[str | Path] = []
    if utterance.engine == "espeak-ng":
        if rate != 1.0:
            varied += ["-s", str(round(_WORDS * rate))]
        if pitch != 1.0:
            varied += ["-p", str(round(_PITCH * pitch))]
        return ["espeak-ng", "-v", utterance.voice, *varied, "-w", path, utterance.text]
    if rate != 1.0:
        varied += ["--setf", f"duration_stretch={1.0 / rate:.3f}"]
    if pitch != 1.0:
        varied += ["--setf", f"f0_shift={pitch:.3f}"]
    return ["flite", "-voice", utterance.voice, *varied, "-t", utterance.text, "-o", path]
