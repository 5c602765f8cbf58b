"""Clips by what is in them, and what a bundle's network makes of each: for `out_of_domain`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio
from auricle.core.errors import InputError, SignalError
from auricle.data.features import FeatureSet, read_features
from auricle.data.manifest import Split
from auricle.data.pairs import read_clips
from auricle.data.recordings import read_corpus
from auricle.degrade.base import apply_process, parse_process
from auricle.degrade.processes import draw_process
from auricle.signal.io import read_audio
from auricle.signal.segment import split_segments
from auricle.signal.spectra import mel_edges
from auricle.systems.bundle import AnyBundle, Bundle, DistanceBundle, FusionBundle
from auricle.systems.distance_runtime import DistanceMetric
from auricle.systems.metric import Tally
from auricle.systems.runtime import QualityMetric
from excerpts import SAMPLE_RATE

Floats = NDArray[np.float64]
Embed = Callable[[], Floats | None]

KINDS = {"speech": "speech", "effects": "sound"}
SYNTHESISED = 150
# At most so many clips of one content from one place.
MOST = 1500
SECONDS = 10.0
DAMAGE = ("mp3:128k", "mp3:32k", "opus:24k", "lowpass:3500", "noise:20")

PLAIN = "elsewhere"
INSTRUMENTS = ("arcade_music", "cinematic", "guitar", "jazz_guitar", "piano")
SURROUNDINGS = (
    "applause", "birds1", "car-horn", "car_engine", "crowd_cheering", "dog", "gunshots", "rain",
    "snoring", "thunder", "train", "typing",
)  # fmt: skip
SETS = (
    ("music", PLAIN, (
        "sources/music_bach10/*", "sources/music_csoundqt/*", "sources/music_mirdata/*",
        "sources/music_openrct2/*", "sources/music_pdx/*", "sources/music_smstools/*",
        "sources/music_weresax/*",
        *(f"sources/max_audio_env/{name}.flac" for name in INSTRUMENTS),
    )),
    ("music", "loops and pads", ("sources/music_dough/*",)),
    ("music", "single drum hits", ("sources/music_drums_oramics/*", "sources/music_horsepulse/*")),
    ("speech", PLAIN, ("sources/speech_ravdess/*",)),
    ("speech", "P.835 tests", ("listening_tests/p835_*/audio/*.flac",)),
    ("speech", "neural codecs", ("listening_tests/neuralcodec_mushra/audio/*/*.flac",)),
    ("noise", PLAIN, (
        "sources/noise_opensfx/*", "sources/noise_scaper/*", "sources/noise_csoundqt/*",
        *(f"sources/max_audio_env/{name}.flac" for name in SURROUNDINGS),
    )),
    ("noise", "heard under speech", (
        "sources/noise_openrct2sfx/*", "sources/noise_smstools/*", "sources/berlin_noise_ccby/*",
    )),
)  # fmt: skip
"""Recordings that have nothing to do with training material: content, where from, which files.

Those "heard under speech" were mixed into speech of which the speech model learned.
"""


@dataclass(frozen=True, slots=True)
class Material:
    """Folders of training material: features with the corpus that tells what is in them, pairs."""

    features: Path | None
    corpus: Path | None
    pairs: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Clip:
    """What is in a clip, where it is from, and how to embed it (None: there is nothing to hear)."""

    content: str
    origin: str
    recording: str
    embed: Embed
    quality: float = np.nan


class DistanceListener:
    """The network of a system that judges by distance: from samples to one embedding."""

    def __init__(self, bundle: DistanceBundle) -> None:
        self.bundle = bundle
        self.seconds = bundle.config.segment_seconds
        self._metric = DistanceMetric(bundle)

    def hear(self, audio: Audio) -> Floats | None:
        """Return the embedding of a mono recording; None when it is refused."""
        try:
            return self._metric.embed(audio).astype(np.float64)
        except SignalError:
            return None


class SpectrogramListener:
    """The network of a spectrogram system: from samples or features to one embedding."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.seconds = bundle.config.segment
        self._front_end = bundle.config.front_end.build()
        self._metric = QualityMetric(bundle)

    def hear(self, audio: Audio) -> Floats | None:
        """Return the embedding of a mono recording as scoring takes it; None when it is refused."""
        tally, total = Tally(SAMPLE_RATE), np.zeros(1)
        for segment in split_segments([audio.samples[0]], self.bundle.config.segment_samples):
            if tally.take(segment, self._metric.spec):
                total = total + self.read(self._front_end(segment.samples)) * segment.fresh
        return total / tally.heard if tally.heard else None

    def read(self, log_mel: NDArray[np.float32]) -> Floats:
        """Return the embedding of features `[frame, mel]`."""
        return self._metric.run_network(log_mel).embedding.astype(np.float64)


Listener = DistanceListener | SpectrogramListener


def open_listener(bundle: AnyBundle) -> Listener:
    """Return the network of a bundle; ends the command for a fused one."""
    if isinstance(bundle, FusionBundle):
        raise SystemExit(f"{bundle.folder}: fused systems have no density")
    return SpectrogramListener(bundle) if isinstance(bundle, Bundle) else DistanceListener(bundle)


def feature_clips(
    material: Material, listener: Listener, split: Split, rng: np.random.Generator
) -> list[Clip]:
    """Return the clips of a split of the features; without "calibration" it is "validation"."""
    if material.features is None or material.corpus is None:
        return []
    if isinstance(listener, DistanceListener):
        raise SystemExit("a system that judges by distance has no features: give pairs alone")
    features = read_features(material.features)
    if split == "calibration" and all(clip.split != split for clip in features.clips):
        split = "validation"
    contents = {row.recording: KINDS.get(row.kind, "music") for row in read_corpus(material.corpus)}
    rows = [row for row, clip in enumerate(features.clips) if clip.split == split]
    clips = []
    for row in draw(rows, MOST, rng):
        clip = features.clips[row]
        content = contents.get(clip.recording, listener.bundle.config.domain)
        embed = partial(embed_row, features, row, listener, rng, crop=split != "test")
        clips.append(Clip(content, split, clip.recording, embed, clip.label))
    return clips


def embed_row(
    features: FeatureSet,
    row: int,
    listener: SpectrogramListener,
    rng: np.random.Generator,
    *,
    crop: bool,
) -> Floats:
    """Embed features, half of them shortened: how long a clip is must tell nothing."""
    front_end = listener.bundle.config.front_end
    log_mel = np.array(features.log_mel[row], dtype=np.float32)
    if front_end.ceiling is not None:
        edges = mel_edges(front_end.sample_rate, front_end.n_mels)
        log_mel[:, edges[2:] > front_end.ceiling] = 0.0
    if crop:
        log_mel = shorten(log_mel, front_end.sample_rate / front_end.hop, rng)
    return listener.read(log_mel)


def pair_clips(
    material: Material, listener: Listener, split: Split, rng: np.random.Generator
) -> Iterator[Clip]:
    """Yield the clips of a split of the pairs; for "calibration" it is "validation".

    Recordings that the features have in another split are left out.
    """
    known = read_features(material.features).clips if material.features is not None else ()
    elsewhere = {clip.recording for clip in known if (clip.split == "train") != (split == "train")}
    split = "validation" if split == "calibration" else split
    for folder in material.pairs:
        clips = [
            clip
            for clip in read_clips(folder)
            if clip.split == split and not clip.error and clip.recording not in elsewhere
        ]
        for content in sorted({clip.domain for clip in clips}):
            of_it = [clip for clip in clips if clip.domain == content]
            for clip in draw(of_it, MOST, rng):
                embed = partial(embed_file, folder / clip.path, listener, rng, crop=split != "test")
                yield Clip(content, folder.name, clip.recording, embed)


def noise_clips(corpus: Path, listener: Listener, rng: np.random.Generator) -> list[Clip]:
    """Return recorded noise, thrice over, and synthesised noise; half of it is damaged."""
    rows = 3 * read_corpus(corpus)
    recorded = [
        partial(embed_file, corpus / row.path, listener, rng, crop=True, damage=True)
        for row in rows
    ]
    synthesised = [partial(embed_noise, listener, rng) for _ in range(SYNTHESISED)]
    return [Clip("noise", "noise", "", embed) for embed in (*recorded, *synthesised)]


def embed_file(
    path: Path,
    listener: Listener,
    rng: np.random.Generator,
    *,
    crop: bool = False,
    damage: bool = False,
) -> Floats | None:
    """Embed the first seconds of a file, half of them shortened, half of them damaged."""
    try:
        audio = read_audio(path, sample_rate=SAMPLE_RATE)
    except InputError:
        return None
    seconds = listener.seconds if crop else SECONDS
    mono = Audio.from_array(audio.mono().samples[:, : round(seconds * SAMPLE_RATE)], SAMPLE_RATE)
    return embed_audio(mono, listener, rng, crop=crop, damage=damage)


def embed_audio(
    mono: Audio, listener: Listener, rng: np.random.Generator, *, crop: bool, damage: bool
) -> Floats | None:
    """Embed a recording, half the times damaged or shortened."""
    if damage and rng.random() < 0.5:
        mono = apply_process(mono, draw_process(rng))
    samples = shorten(mono.samples[0], SAMPLE_RATE, rng) if crop else mono.samples[0]
    return listener.hear(Audio.from_array(samples, SAMPLE_RATE))


def embed_noise(listener: Listener, rng: np.random.Generator) -> Floats | None:
    """Embed noise with a spectrum that falls by 0 to 6 dB per octave, half of it band-limited."""
    samples = make_noise(rng.uniform(0.0, 2.0), rng, listener.seconds)
    mono = Audio.from_array(samples, SAMPLE_RATE)
    if rng.random() < 0.5:
        mono = apply_process(mono, parse_process(f"lowpass:{rng.integers(300, 18000)}"))
    return embed_audio(mono, listener, rng, crop=True, damage=True)


def make_noise(exponent: float, rng: np.random.Generator, seconds: float) -> Floats:
    """Return noise of a power spectrum `1 / f ** exponent`: 0 is white, 1 pink."""
    length = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.normal(size=length))
    spectrum *= np.maximum(np.arange(spectrum.size), 20.0 * seconds) ** (-exponent / 2)
    samples = np.fft.irfft(spectrum, length)
    return np.asarray(0.5 * samples / np.abs(samples).max())


def shorten(values: NDArray[Any], rate: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return a part of a second or more, half of the times."""
    if len(values) <= rate or rng.random() < 0.5:
        return values
    length = int(rng.uniform(rate, len(values)))
    start = int(rng.integers(0, len(values) - length + 1))
    return np.ascontiguousarray(values[start : start + length])


def draw(items: Sequence[Any], most: int, rng: np.random.Generator) -> list[Any]:
    """Return at most so many items, in their order."""
    return [items[place] for place in sorted(rng.permutation(len(items))[:most].tolist())]


def unseen_clips(data: Path, listener: Listener, domain: str) -> Iterator[Clip]:
    """Yield recordings from elsewhere, those of the domain also damaged, and synthesised noise."""
    rng = np.random.default_rng(2)
    for content, origin, patterns in SETS:
        for path in sorted(path for pattern in patterns for path in data.glob(pattern)):
            embed = partial(embed_file, path, listener, rng)
            yield Clip(content, origin, group_of(path), embed)
            if content == domain and origin == PLAIN:
                for process in DAMAGE:
                    damaged = partial(embed_damaged, path, listener, process)
                    yield Clip(content, f"{PLAIN}, {process}", group_of(path), damaged)
    for name, exponent in (("white", 0.0), ("pink", 1.0)):
        for number in range(30):
            audio = Audio.from_array(make_noise(exponent, rng, SECONDS), SAMPLE_RATE)
            yield Clip("noise", name, f"{name} {number}", partial(listener.hear, audio))


def embed_damaged(path: Path, listener: Listener, process: str) -> Floats | None:
    """Embed the first seconds of a file after a process; None where that is too short for it."""
    mono = read_audio(path, sample_rate=SAMPLE_RATE).mono()
    part = Audio.from_array(mono.samples[:, : round(SECONDS * SAMPLE_RATE)], SAMPLE_RATE)
    return listener.hear(apply_process(part, parse_process(process)))


def group_of(path: Path) -> str:
    """Return what of a file's name tells its speaker or recording."""
    stem = re.sub(r"^c\d+_", "", path.stem)  # a condition of the P.835 tests
    return stem.split("_")[0] if stem.startswith("spk") else f"{path.parent.name}/{stem}"
