"""What a sweep is to do: codecs, bitrates, metrics, and the clips to encode."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, InputError, MissingFileError, SignalError
from auricle.degrade.base import range_of, unit_of
from auricle.degrade.bitrates import effective_bitrate
from auricle.degrade.codecs import CODECS, MAX_CHANNELS
from auricle.degrade.programs import Program
from auricle.evaluation.identities import identify_file
from auricle.evaluation.rated_metrics import Contender
from auricle.signal.checks import is_silent
from auricle.signal.io import read_audio

SWEPT = tuple(name for name in CODECS if unit_of(name) == "bit/s")
"""Codecs that have a bitrate."""

# Usual bitrates half an octave apart, in kb/s.
_USUAL = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
# Usual steps nearer to an end than this factor would tell what the end tells.
_APART = 1.1
_MOST = 100
# Of the search for the loudest part, in seconds.
_STEP = 0.1


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """Which codecs and programs run at which bitrates (bit/s), and which metrics listen.

    Of clips longer than `excerpt` seconds the loudest stretch of that length is taken. Raises
    `ConfigError` for an empty plan, two codecs of one name, or an excerpt that is not positive.
    """

    codecs: tuple[str, ...]
    bitrates: tuple[int, ...]
    contenders: tuple[Contender, ...]
    programs: tuple[Program, ...] = ()
    excerpt: float = 30.0

    def __post_init__(self) -> None:
        if not (self.names and self.bitrates and self.contenders):
            raise ConfigError("a sweep needs at least one codec, one bitrate and one metric")
        for name in self.names:
            if self.names.count(name) > 1:
                raise ConfigError(f"two codecs are called {name!r}")
        if not 0.0 < self.excerpt < math.inf:
            raise ConfigError(f"an excerpt cannot be {self.excerpt:g} s long")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all codecs, programs last."""
        return (*self.codecs, *(program.name for program in self.programs))

    def check(self, anchor: str | None, targets: Sequence[float]) -> None:
        """Raise `ConfigError` for an anchor that is not swept, or a target on no metric's scale."""
        if anchor is not None and anchor not in self.names:
            known = ", ".join(self.names)
            raise ConfigError(f"the anchor {anchor!r} is not swept: there are {known}")
        for wanted in targets:
            if not any(holds(one, wanted) for one in self.contenders):
                raise ConfigError(f"the target {wanted:g} lies on no metric's scale")


@dataclass(frozen=True, slots=True)
class Clip:
    """A reference: its file, the SHA-256 of that, and what decides a codec's real settings.

    `excerpt` is how many seconds of a longer file were taken, None where all of it was.
    """

    name: str
    sha256: str
    sample_rate: int
    channels: int
    duration: float
    excerpt: float | None = None


def holds(contender: Contender, value: float) -> bool:
    """Whether a value lies on a metric's scale."""
    return contender.scale.low <= value <= contender.scale.high


def parse_bitrates(text: str) -> tuple[int, ...]:
    """Read bitrates in kb/s, rising, as bit/s: `16,32,64`, `16:160:6` or `16:160`.

    The second form means six from 16 to 160 at equal ratios, rounded to whole kb/s; the third the
    usual bitrates about half an octave apart (8, 12, 16, 24, 32, 48 and so on) between its ends,
    and these. Raises `ConfigError` for anything else.

    >>> parse_bitrates("16:64"), parse_bitrates("16:64:3"), parse_bitrates("12.2,6")
    ((16000, 24000, 32000, 48000, 64000), (16000, 32000, 64000), (6000, 12200))
    """
    try:
        if ":" not in text:
            return _rising(float(part) for part in text.split(","))
        low, high, *steps = text.split(":")
        ends = float(low), float(high)
        if not 0.0 < ends[0] < ends[1] < math.inf:
            raise ConfigError(f"bitrates rise from a positive one to a higher one, not {text!r}")
        if not steps:
            inner = [one for one in _USUAL if ends[0] * _APART <= one <= ends[1] / _APART]
            return _rising((*ends, *inner))
        (count,) = map(int, steps)
        if 2 <= count <= _MOST:
            return _rising(np.geomspace(*ends, count).round().tolist())
    except (ValueError, OverflowError) as error:
        raise ConfigError(_unreadable(text)) from error
    raise ConfigError(f"from 2 to {_MOST} bitrates can be asked for, not {count}")


def _rising(kilobits: Iterable[float]) -> tuple[int, ...]:
    rates = sorted({round(1000.0 * one) for one in kilobits})
    if rates[0] <= 0:
        raise ConfigError("bitrates must be positive, in kb/s")
    return tuple(rates)


def _unreadable(text: str) -> str:
    return f"{text!r} tells no bitrates in kb/s: write 16:160, 16:160:6 or 16,32,64"


def parse_codecs(text: str) -> tuple[str, ...]:
    """Read names of codecs, joined by commas; raises `ConfigError` for one without bitrates.

    >>> parse_codecs("opus, aac")
    ('opus', 'aac')
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in SWEPT:
            near = difflib.get_close_matches(name.lower(), SWEPT, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigError(
                f"no codec with bitrates is called {name!r}: {hint}there are {', '.join(SWEPT)}"
            )
    return names


def setting_of(codec: str, bitrate: int, clip: Clip) -> int:
    """Return the bit/s that a codec is set to for a clip when `bitrate` is asked of it.

    >>> setting_of("mp3", 20_000, Clip("a.wav", "", 48_000, 2, 1.0))
    32000
    """
    low, high = range_of(codec)
    return effective_bitrate(codec, min(max(bitrate, low), high), clip.sample_rate, clip.channels)


def find_clip(file: str, excerpt: float) -> Clip:
    """Read what there is to know of a reference.

    Raises `InputError` for one that cannot be read, is silent or has more than two channels.
    """
    path = Path(file)
    if not path.exists():
        raise MissingFileError("there is no such file")
    content = identify_file(path)
    whole = _read_whole(file, content)
    audio = cut_loudest(whole, excerpt)
    taken = None if audio is whole else excerpt
    return Clip(file, content, audio.sample_rate, audio.channels, audio.duration, taken)


@lru_cache(maxsize=1)
def read_clip(clip: Clip) -> Audio:
    """Read a reference, of a long one the loudest part; raises what `find_clip` raises."""
    whole = _read_whole(clip.name, clip.sha256)
    return whole if clip.excerpt is None else cut_loudest(whole, clip.excerpt)


@lru_cache(maxsize=1)
def _read_whole(file: str, sha256: str) -> Audio:
    """Read a file, once while its content stays as it is."""
    audio = read_audio(file)
    if audio.channels > MAX_CHANNELS:
        raise InputError(
            f"it has {audio.channels} channels, and codecs are swept in mono or stereo: mix it down"
        )
    if not np.isfinite(audio.samples).all():
        raise SignalError("it holds samples that are not finite")
    if all(map(is_silent, audio.samples)):
        raise SignalError("it is silent")
    return audio


def cut_loudest(audio: Audio, seconds: float) -> Audio:
    """Return the stretch of `seconds` with the most energy, to a tenth of a second.

    >>> loud = Audio.from_array(np.repeat([0.1, 0.5, 0.2], 1000), 1000)
    >>> cut_loudest(loud, 1.0).samples[0, :3]
    array([0.5, 0.5, 0.5], dtype=float32)
    """
    length = round(seconds * audio.sample_rate)
    if audio.frames <= length:
        return audio
    energy = np.cumsum(np.square(audio.samples, dtype=np.float64).sum(axis=0))
    step = max(round(_STEP * audio.sample_rate), 1)
    starts = np.arange(0, audio.frames - length + 1, step)
    before = np.where(starts > 0, energy[np.maximum(starts - 1, 0)], 0.0)
    start = int(starts[np.argmax(energy[starts + length - 1] - before)])
    samples = audio.samples[:, start : start + length]
    return Audio.from_array(samples, audio.sample_rate, audio.source)
