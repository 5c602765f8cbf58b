"""Tracks: what a package or data set holds, found by file pattern and turned into audio.

MIDI is rendered by FluidSynth and tracker music by openmpt123, lines are spoken by a speech
synthesiser, and all else is decoded. Rendering is varied (level, reverb, chorus, soundfont),
deterministically by the track's name, because music that is all mixed alike teaches a model one
mix.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.packages import run_tool
from auricle.data.voices import Utterance, speak
from auricle.signal.io import AudioStream, read_audio
from auricle.signal.resample import resample

TrackFormat = Literal["audio", "stems", "joined", "loop", "midi", "tracker"]

# Of short utterances no more are joined than excerpts can come from.
_JOINED_SECONDS = 300.0
_FADE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Track:
    """One recording before decoding.

    It has several files only when they are stems to be summed, or utterances of one speaker to be
    joined. What a synthesiser has yet to speak are `lines`, in place of files. `licence` and
    `credit` are empty where they are those of its source.
    """

    recording: str
    title: str
    files: tuple[Path, ...]
    format: TrackFormat
    licence: str = ""
    credit: str = ""
    lines: tuple[Utterance, ...] = ()


@dataclass(frozen=True, slots=True)
class DecodedTrack:
    """Audio of a track at the corpus rate, with its native rate in Hz and bit rate in kb/s.

    `native_rate` is the lowest of its files'. `kbps` is that of the most heavily coded stem, the
    mean of joined files, or None when nothing lossy is involved.
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
    recording: str = "",
) -> list[Track]:
    """Find tracks below `folder` by glob patterns, in sorted order, without exact duplicates.

    `prefix` starts every recording's id. Of stems, and of files to be joined, all in one folder
    make one track; with `recording`, all that are found make the one of that name. Raises
    `DataError` when a pattern of `include` matches nothing.
    """
    found: set[Path] = set()
    for pattern in include:
        matches = [path for path in folder.glob(pattern) if path.is_file()]
        if not matches:
            raise DataError(f"{prefix}: no file matches {pattern!r}")
        found.update(matches)
    for pattern in exclude:
        found.difference_update(folder.glob(pattern))
    if recording:
        name = f"{prefix}/{slugify(recording)}"
        return [Track(name, recording, tuple(sorted(found)), track_format)]
    grouped = track_format in {"stems", "joined"}
    groups: dict[Path, list[Path]] = {}
    for path in sorted(found):
        groups.setdefault(path.parent if grouped else path, []).append(path)
    titles = _distinguish(groups) if track_format == "joined" else {}
    tracks: dict[str, Track] = {}
    contents: set[str] = set()
    for key, files in groups.items():
        digest = "".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
        if digest in contents:
            continue
        contents.add(digest)
        title = titles.get(key) or (key.name if grouped else key.stem)
        name = f"{prefix}/{slugify(title)}"
        if name in tracks:
            name = f"{prefix}/{slugify(key.parent.name)}-{slugify(title)}"
        if name in tracks:
            name += f"-{digest[:6]}"
        tracks[name] = Track(name, title, tuple(files), track_format)
    return list(tracks.values())


def _distinguish(folders: Collection[Path]) -> dict[Path, str]:
    """Name folders by what of their paths differs: a speaker's is rarely the last part."""
    if len(folders) < 2:
        return {}
    common = os.path.commonpath(folders)
    return {folder: " ".join(folder.relative_to(common).parts) for folder in folders}


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
    parts = [speak(line) for line in track.lines]
    for path in track.files:
        parts.append(read_audio(path))
        if track.format == "joined" and sum(part.duration for part in parts) > _JOINED_SECONDS:
            break
    native = min(part.sample_rate for part in parts)
    stereo = [resample(_to_stereo(part), sample_rate) for part in parts]
    combined = join_utterances(stereo) if track.format == "joined" else mix_stems(stereo)
    return DecodedTrack(combined, native, _bit_rate(track, parts))


def _bit_rate(track: Track, parts: Sequence[Audio]) -> float | None:
    coded = [
        (8e-3 * path.stat().st_size, part.duration)
        for path, part in zip(track.files, parts, strict=False)
        if _is_lossy(path)
    ]
    if not coded:
        return None
    if track.format == "joined":
        return sum(size for size, _ in coded) / sum(duration for _, duration in coded)
    return min(size / duration for size, duration in coded)


def _is_lossy(path: Path) -> bool:
    with AudioStream(path) as stream:
        return stream.lossy


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


def join_utterances(parts: Sequence[Audio]) -> Audio:
    """Put recordings one after another, each faded into the next over 20 ms, so that none clicks.

    >>> ones = Audio.from_array(np.ones(100), 1000)
    >>> join_utterances([ones, ones]).samples.shape
    (1, 180)
    """
    rate = parts[0].sample_rate
    channels = max(part.channels for part in parts)
    fade = min(round(_FADE_SECONDS * rate), min(part.frames for part in parts) // 2)
    up = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    total = np.zeros((channels, sum(part.frames - fade for part in parts) + fade), np.float32)
    start = 0
    for number, part in enumerate(parts):
        samples = np.repeat(part.samples, channels // part.channels, axis=0)
        if number > 0:
            samples[:, :fade] *= up
        if number < len(parts) - 1:
            samples[:, samples.shape[1] - fade :] *= up[::-1]
        total[:, start : start + part.frames] += samples
        start += part.frames - fade
    return Audio.from_array(total, rate, parts[0].source)


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
