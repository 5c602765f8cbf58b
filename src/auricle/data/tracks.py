"""Tracks: what a package holds, found by file pattern and turned into audio.

MIDI is rendered by FluidSynth and tracker music by openmpt123; all else is decoded. Rendering is
varied (level, reverb, chorus, soundfont), deterministically by the track's name, because music
that is all mixed alike teaches a model one mix.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.packages import run_tool
from auricle.signal.io import read_audio
from auricle.signal.resample import resample

TrackFormat = Literal["audio", "stems", "loop", "midi", "tracker"]
LOSSY_SUFFIXES = frozenset({".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac"})


@dataclass(frozen=True, slots=True)
class Track:
    """One recording before decoding: its files (several only for stems to be summed)."""

    recording: str
    title: str
    files: tuple[Path, ...]
    format: TrackFormat

    @property
    def lossy(self) -> bool:
        """Whether a lossy coder wrote any of its files."""
        return any(path.suffix.lower() in LOSSY_SUFFIXES for path in self.files)


@dataclass(frozen=True, slots=True)
class DecodedTrack:
    """Audio of a track at the corpus rate, with its native rate in Hz and bit rate in kb/s.

    `kbps` is that of the most heavily coded file, or None when nothing lossy is involved.
    """

    audio: Audio
    native_rate: int
    kbps: float | None


def find_tracks(
    folder: Path,
    prefix: str,
    track_format: TrackFormat,
    include: Sequence[str],
    exclude: Sequence[str] = (),
) -> list[Track]:
    """Find tracks below `folder` by glob patterns, in sorted order, without exact duplicates.

    `prefix` starts every recording's id. Of stems, all files of one folder make one track.
    Raises `DataError` when a pattern of `include` matches nothing.
    """
    found: set[Path] = set()
    for pattern in include:
        matches = [path for path in folder.glob(pattern) if path.is_file()]
        if not matches:
            raise DataError(f"{prefix}: no file matches {pattern!r}")
        found.update(matches)
    for pattern in exclude:
        found.difference_update(folder.glob(pattern))
    groups: dict[Path, list[Path]] = {}
    for path in sorted(found):
        groups.setdefault(path.parent if track_format == "stems" else path, []).append(path)
    tracks: dict[str, Track] = {}
    contents: set[str] = set()
    for key, files in groups.items():
        digest = "".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
        if digest in contents:
            continue
        contents.add(digest)
        title = key.name if track_format == "stems" else key.stem
        recording = f"{prefix}/{slugify(title)}"
        if recording in tracks:
            recording = f"{prefix}/{slugify(key.parent.name)}-{slugify(title)}"
        if recording in tracks:
            recording += f"-{digest[:6]}"
        tracks[recording] = Track(recording, title, tuple(files), track_format)
    return list(tracks.values())


def slugify(text: str) -> str:
    """Turn a title into a lower-case file name of letters, digits, hyphens and underscores.

    >>> slugify("Chimes They Fade")
    'chimes-they-fade'
    """
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-") or "untitled"


def decode_track(track: Track, *, sample_rate: int, soundfonts: Sequence[Path]) -> DecodedTrack:
    """Decode or render a track at `sample_rate` Hz, one or two channels.

    Raises `InputError` for files that don't decode, `ConfigError` when a tool is missing, and
    `DataError` when one fails.
    """
    if track.format == "midi":
        return DecodedTrack(render_midi(track, sample_rate, soundfonts), sample_rate, None)
    if track.format == "tracker":
        return DecodedTrack(render_module(track, sample_rate), sample_rate, None)
    parts = [read_audio(path) for path in track.files]
    rates = [
        8e-3 * path.stat().st_size / part.duration
        for path, part in zip(track.files, parts, strict=True)
        if path.suffix.lower() in LOSSY_SUFFIXES
    ]
    native = parts[0].sample_rate
    mixed = mix_stems([resample(_to_stereo(part), sample_rate) for part in parts])
    return DecodedTrack(mixed, native, min(rates, default=None))


def mix_stems(parts: Sequence[Audio]) -> Audio:
    """Sum stems sample by sample; shorter ones end in silence, mono ones go to both sides.

    >>> stems = [Audio.from_array([0.1, 0.2], 8000), Audio.from_array([0.1], 8000)]
    >>> mix_stems(stems).samples
    array([[0.2, 0.2]], dtype=float32)
    """
    if len(parts) == 1:
        return parts[0]
    shape = max(part.channels for part in parts), max(part.frames for part in parts)
    total = np.zeros(shape, dtype=np.float32)
    for part in parts:
        total[:, : part.frames] += part.samples
    return Audio.from_array(total, parts[0].sample_rate, parts[0].source)


def render_midi(track: Track, sample_rate: int, soundfonts: Sequence[Path]) -> Audio:
    """Render a MIDI file in stereo with FluidSynth and one of the soundfonts."""
    if not soundfonts:
        raise DataError("MIDI is rendered with a soundfont, and the recipe names none")
    draw = name_generator(track.recording)
    soundfont = soundfonts[int(draw.integers(len(soundfonts)))]
    gain = float(np.exp(draw.uniform(np.log(0.25), np.log(0.8))))
    reverb, chorus = bool(draw.random() < 0.7), bool(draw.random() < 0.5)
    room, width = draw.uniform(0.2, 0.8), draw.uniform(0.3, 1.0)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "track.wav"
        run_tool([
            "fluidsynth", "-ni", "-q", "-T", "wav", "-O", "float", "-r", str(sample_rate),
            "-g", f"{gain:.3f}", "-R", str(int(reverb)), "-C", str(int(chorus)),
            "-o", f"synth.reverb.room-size={room:.2f}", "-o", f"synth.reverb.width={width:.2f}",
            "-o", "synth.dynamic-sample-loading=1", "-F", target, soundfont, track.files[0],
        ])  # fmt: skip
        return read_audio(target, sample_rate=sample_rate)


def render_module(track: Track, sample_rate: int) -> Audio:
    """Render a tracker module in stereo with openmpt123."""
    draw = name_generator(track.recording)
    with tempfile.TemporaryDirectory() as folder:
        # openmpt123 writes beside its input, which may be read-only and shared.
        source = Path(folder) / f"track{track.files[0].suffix}"
        source.symlink_to(track.files[0].resolve())
        run_tool([
            "openmpt123", "--quiet", "--render", "--samplerate", str(sample_rate),
            "--channels", "2", "--float", "--filter", "8",
            "--stereo", str(int(draw.integers(40, 101))), "--end-time", "300", source,
        ])  # fmt: skip
        return read_audio(source.with_name(f"{source.name}.wav"), sample_rate=sample_rate)


def name_generator(name: str) -> np.random.Generator:
    """Random numbers that depend on nothing but a name.

    >>> bool(name_generator("a").random() == name_generator("a").random())
    True
    """
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def _to_stereo(audio: Audio) -> Audio:
    # Recordings with more than two channels don't occur in music worth having; keep the front.
    if audio.channels <= 2:
        return audio
    return Audio.from_array(audio.samples[:2], audio.sample_rate, audio.source)
