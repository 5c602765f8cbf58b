"""A tiny contrastive pretraining, as a recipe, and JND pairs of tones in noise for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from auricle.core.audio import Audio
from auricle.data.generate import hash_pcm
from auricle.data.manifest import Split
from auricle.data.pair_plan import PairClip
from auricle.data.pairs import TABLE, write_pairs
from auricle.signal.io import write_audio

RECIPE = {
    "kind": "pretraining",
    "front_end": {"kind": "log_mel", "n_fft": 1536, "hop": 768, "n_mels": 16, "range_db": 90.0},
    "encoder": {
        "kind": "residual_cnn", "stem": 4, "channels": [6, 8], "blocks": [1, 1], "features": 8,
    },
    "projection": {"hidden": 12, "size": 6},
    "crop": 0.4,
    "batch": {"contents": 4, "rungs": 2},
    "optimiser": {"kind": "adamw", "lr": 5.0e-3},
    "schedule": {"kind": "cosine", "warm_up": 0.1},
    "max_epochs": 4,
}  # fmt: skip

RUNGS = {1: 40.0, 2: 24.0, 3: 8.0}
_RATE = 48000
_SPLITS: dict[Split, int] = {"train": 10, "validation": 4}


def write_noticeable(folder: Path) -> None:
    """Write a folder of pairs: tones in noise, at levels 1 dB apart within a rung."""
    rng = np.random.default_rng(3)
    clips: list[PairClip] = []
    for split, count in _SPLITS.items():
        for number in range(count):
            clips += _make_excerpt(folder, split, f"{split}-{number}", rng)
    write_pairs(clips, folder / TABLE)


def _make_excerpt(
    folder: Path, split: Split, excerpt: str, rng: np.random.Generator
) -> list[PairClip]:
    time = np.arange(_RATE // 2) / _RATE
    tone = 0.1 * np.sin(2.0 * np.pi * rng.uniform(200.0, 2000.0) * time)
    noise = 0.1 * rng.standard_normal(time.size)
    versions = [("", 0, 120.0)]
    for rung, ratio in RUNGS.items():
        versions += [(f"snr:{level:g}", rung, level) for level in (ratio - 0.5, ratio + 0.5)]
    clips = []
    for version, (process, rung, ratio) in enumerate(versions):
        samples = tone + 10.0 ** (-ratio / 20.0) * noise
        audio = Audio.from_array(np.round(samples * 32768.0) / 32768.0, _RATE)
        path = f"clips/{excerpt}-{version}.flac"
        (folder / "clips").mkdir(exist_ok=True)
        write_audio(folder / path, audio, bits=16)
        clips.append(
            PairClip(
                id=f"{excerpt}-{version}", excerpt=excerpt, recording=excerpt, split=split,
                domain="speech", path=path, reference=f"clips/{excerpt}-0.flac",
                source=f"{excerpt}.flac", start=0.0, process=process,
                ladder="snr" if process else "", rung=rung, pcm_sha256=hash_pcm(audio),
            )
        )  # fmt: skip
    return clips
