"""Degradation processes as values: text, parameters, application.

A process reads `kind:number`, a cascade joins processes with `+`, and the empty text is the
identity. Parameters are plain data, so a manifest can hold them; applying them is pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.degrade.codecs import CODECS, MP3_QUALITIES, transcode
from auricle.degrade.defects import add_noise, clip_peaks, narrow, quantise, saturate
from auricle.degrade.filters import ANCHOR_CUTOFFS, anchor, darken, high_pass, low_pass
from auricle.degrade.mixing import mix_at
from auricle.degrade.noises import add_pink_noise, modulate_noise
from auricle.degrade.rates import band_limit
from auricle.degrade.sample_codecs import adpcm, alaw
from auricle.degrade.separation import add_babble, erode, leave_musical_noise, separate
from auricle.degrade.spectral import tear_holes, vocode
from auricle.degrade.suppression import suppress_noise
from auricle.degrade.timing import flutter, lose_packets, reverberate


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a kind of process accepts, in which unit, and an example."""

    low: int
    high: int
    unit: str
    example: str


# Bitrates: what the codec has at any sample rate and channel count; AAC from where FFmpeg's
# encoder can follow in mono, Opus from where its speech mode, 6 samples late, no longer rules,
# WMA from where its encoder can code any noise, SBC from where it has bits for its subbands.
_KINDS: Mapping[str, _Kind] = {
    "mp2": _Kind(8_000, 384_000, "bit/s", "mp2:192k"),
    "mp3": _Kind(8_000, 320_000, "bit/s", "mp3:64k"),
    "aac": _Kind(16_000, 1_152_000, "bit/s", "aac:96k"),
    "opus": _Kind(12_000, 512_000, "bit/s", "opus:32k"),
    "vorbis": _Kind(14_000, 499_000, "bit/s", "vorbis:96k"),
    "mp3vbr": _Kind(min(MP3_QUALITIES), max(MP3_QUALITIES), "(LAME's quality)", "mp3vbr:4"),
    "aacfast": _Kind(16_000, 1_152_000, "bit/s", "aacfast:96k"),
    "ac3": _Kind(32_000, 640_000, "bit/s", "ac3:128k"),
    "eac3": _Kind(32_000, 640_000, "bit/s", "eac3:96k"),
    "wma": _Kind(64_000, 320_000, "bit/s", "wma:96k"),
    "sbc": _Kind(64_000, 420_000, "bit/s", "sbc:229k"),
    "alaw": _Kind(4_000, 48_000, "Hz", "alaw:8000"),
    "adpcm": _Kind(4_000, 96_000, "Hz", "adpcm:22050"),
    "resample": _Kind(2_000, 192_000, "Hz", "resample:16000"),
    "noise": _Kind(0, 96, "dB", "noise:30"),
    "clip": _Kind(1, 50, "%", "clip:5"),
    "lowpass": _Kind(20, 192_000, "Hz", "lowpass:7500"),
    "anchor": _Kind(min(ANCHOR_CUTOFFS), max(ANCHOR_CUTOFFS), "Hz", "anchor:3500"),
    "darken": _Kind(1, 24, "dB per octave", "darken:3"),
    "highpass": _Kind(20, 8_000, "Hz", "highpass:300"),
    "quantise": _Kind(2, 16, "bits", "quantise:8"),
    "saturate": _Kind(1, 40, "dB", "saturate:12"),
    "pink": _Kind(0, 96, "dB", "pink:30"),
    "mnru": _Kind(0, 50, "dB", "mnru:20"),
    "musical": _Kind(0, 40, "dB", "musical:15"),
    "babble": _Kind(0, 40, "dB", "babble:20"),
    "snr": _Kind(-20, 60, "dB", "snr:10"),
    "mask": _Kind(-5, 40, "dB", "mask:10"),
    "erode": _Kind(-20, 40, "dB", "erode:5"),
    "suppress": _Kind(1, 60, "dB", "suppress:12"),
    "holes": _Kind(1, 90, "%", "holes:30"),
    "vocode": _Kind(16, 256, "bands", "vocode:80"),
    "loss": _Kind(1, 60, "%", "loss:5"),
    "jitter": _Kind(1, 100, "cents", "jitter:20"),
    "reverb": _Kind(50, 4_000, "ms", "reverb:500"),
    "narrow": _Kind(1, 100, "%", "narrow:50"),
}
_PROCESSORS: Mapping[str, Callable[[Audio, int], Audio]] = {
    "alaw": alaw,
    "adpcm": adpcm,
    "resample": band_limit,
    "noise": add_noise,
    "clip": clip_peaks,
    "lowpass": low_pass,
    "anchor": anchor,
    "darken": darken,
    "highpass": high_pass,
    "quantise": quantise,
    "saturate": saturate,
    "pink": add_pink_noise,
    "mnru": modulate_noise,
    "musical": leave_musical_noise,
    "babble": add_babble,
    "mask": separate,
    "erode": erode,
    "suppress": suppress_noise,
    "holes": tear_holes,
    "vocode": vocode,
    "loss": lose_packets,
    "jitter": flutter,
    "reverb": reverberate,
    "narrow": narrow,
}
# Names that papers, tools and file suffixes use for the same codecs.
_ALIASES = {
    "a52": "ac3",
    "adts": "aac",
    "ddp": "eac3",
    "ec3": "eac3",
    "g711": "alaw",
    "ima": "adpcm",
    "lame": "mp3",
    "libopus": "opus",
    "m4a": "aac",
    "ogg": "vorbis",
    "vbr": "mp3vbr",
    "wmav2": "wma",
}


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """One degradation: `kind`, and `value` in the unit that the kind asks for (bit/s, Hz, dB).

    `str` gives its canonical text. Raises `ConfigError` for an unknown kind or a value that it
    never takes.

    >>> str(Process("mp3", 64_000)), str(Process("lowpass", 7500))
    ('mp3:64k', 'lowpass:7500')
    """

    kind: str
    value: int

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ConfigError(_unknown(self.kind))
        kind = _KINDS[self.kind]
        if not kind.low <= self.value <= kind.high:
            raise ConfigError(
                f"{self.kind} takes {kind.low} to {kind.high} {kind.unit}, not {self.value}"
            )
        if self.kind == "anchor" and self.value not in ANCHOR_CUTOFFS:
            raise ConfigError(f"anchor takes 3500 or 7000 Hz, not {self.value}")

    def __str__(self) -> str:
        if _KINDS[self.kind].unit == "bit/s" and self.value % 1000 == 0:
            return f"{self.kind}:{self.value // 1000}k"
        return f"{self.kind}:{self.value}"


def parse_process(text: str) -> Process:
    """Read one process such as `opus:32k`; `k` stands for 1000.

    Raises `ConfigError` on a typo, naming what exists.

    >>> parse_process("opus:32k")
    Process(kind='opus', value=32000)
    """
    name, separator, number = text.strip().partition(":")
    if name not in _KINDS:
        raise ConfigError(_unknown(name))
    sign = "-?" if _KINDS[name].low < 0 else ""
    match = re.fullmatch(rf"({sign}[0-9]{{1,9}})(k?)", number)
    if not separator or match is None:
        raise ConfigError(
            f"{text!r} is no process: write {name}, a colon and a whole number, as in "
            f"{_KINDS[name].example!r}"
        )
    return Process(name, int(match[1]) * (1000 if match[2] else 1))


def parse_cascade(text: str) -> tuple[Process, ...]:
    """Read processes joined with `+`, first applied first; the empty text is the identity.

    Raises `ConfigError` as `parse_process` does.

    >>> [str(process) for process in parse_cascade("opus:32k+lowpass:7500")]
    ['opus:32k', 'lowpass:7500']
    """
    if not text.strip():
        return ()
    return tuple(parse_process(part) for part in text.split("+"))


def format_cascade(processes: Iterable[Process]) -> str:
    """Write processes as the canonical text that `parse_cascade` reads.

    >>> format_cascade(parse_cascade("opus:32000 + lowpass:7500"))
    'opus:32k+lowpass:7500'
    """
    return "+".join(str(process) for process in processes)


def unit_of(kind: str) -> str:
    """Return the unit of a kind's value.

    >>> unit_of("noise"), unit_of("mp3"), unit_of("mp3vbr")
    ('dB', 'bit/s', "(LAME's quality)")
    """
    return _KINDS[kind].unit


def range_of(kind: str) -> tuple[int, int]:
    """Return the lowest and the highest value that a kind takes, in its unit.

    >>> range_of("wma")
    (64000, 320000)
    """
    return _KINDS[kind].low, _KINDS[kind].high


def apply_process(audio: Audio, process: Process, noise: Audio | None = None) -> Audio:
    """Degrade `audio`: same rate, channels and length, codec delay removed, same bits every time.

    Filters delay by their group delay. The kind `snr` puts `noise` under the audio. Raises what
    `codecs.transcode`, `rates.band_limit`, `filters.low_pass`, `filters.high_pass`,
    `filters.anchor` and `mixing.mix_at` raise, and `ConfigError` where noise is needed but not
    given.

    >>> import numpy as np
    >>> tone = Audio.from_array(np.sin(np.arange(4800) / 20) / 2, 48000)
    >>> apply_process(tone, parse_process("vorbis:48k")).frames
    4800
    """
    if process.kind == "snr":
        if noise is None:
            raise ConfigError(
                f"{process} needs a recording of noise to put under the audio (--noise)"
            )
        return mix_at(audio, noise, process.value)
    if process.kind in CODECS:
        return transcode(audio, process.kind, process.value)
    return _PROCESSORS[process.kind](audio, process.value)


def apply_cascade(audio: Audio, processes: Iterable[Process], noise: Audio | None = None) -> Audio:
    """Apply processes one after another; none at all returns `audio` itself."""
    for process in processes:
        audio = apply_process(audio, process, noise)
    return audio


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), _KINDS, n=1)
    suggestion = _ALIASES.get(name.lower()) or (near[0] if near else None)
    hint = f"did you mean {suggestion!r}? " if suggestion else ""
    examples = ", ".join(kind.example for kind in _KINDS.values())
    return f"no process is called {name!r}: {hint}there are {examples}"
