"""A tiny system that judges by distance, as a recipe, and pairs of tones to train it on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from auricle.core.audio import Audio
from auricle.data.generate import hash_pcm
from auricle.data.manifest import Split
from auricle.data.pair_plan import PairClip
from auricle.data.pairs import TABLE, write_pairs
from auricle.degrade.base import apply_cascade, parse_cascade
from auricle.reference.log_spectral import LogSpectral
from auricle.signal.io import write_audio

RECIPE = {
    "kind": "distance",
    "system": {
        "kind": "distance",
        "name": "near",
        "tag": "v1",
        "summary": "A tiny system.",
        "encoder": {
            "kind": "full_band",
            "settings": {"channels": 4, "blocks": 2},
            "front_end": {
                "kind": "LogMel", "hop": 512, "n_mels": 16, "range_db": 90.0,
                "ceiling": 20000.0, "level": "absolute",
            },
        },
        "train_encoder": "full",
        "size": 8,
        "segment_seconds": 1.0,
        "window": 12,
        "licence": "MIT",
        "citation": "",
    },
    "data": {"seconds": 0.75},
    "batch": {"excerpts": 3, "versions": 5},
    "loss": {
        "terms": [
            {"of": "clips", "label": "visqol"},
            {"of": "clips", "label": "bitrate", "within": "codec"},
            {"of": "distances", "label": "consensus"},
            {"of": "distances", "label": "ladder", "within": "ladder"},
        ]
    },
    "optimiser": {"kind": "adamw", "lr": 3.0e-3},
    "schedule": {"kind": "plateau", "decay": 0.9, "patience": 1},
    "max_epochs": 4,
    "references": 4,
}  # fmt: skip

WHISPER = {
    "kind": "whisper",
    "settings": {
        "model_type": "whisper", "d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2,
        "encoder_ffn_dim": 32, "num_mel_bins": 80, "max_source_positions": 1500,
    },
}  # fmt: skip

_LADDERS = {
    "opus": ("opus:64k", "opus:16k"),
    "lowpass": ("lowpass:12000", "lowpass:6000", "lowpass:2000"),
    "noise": ("noise:40", "noise:15"),
}
_SPLITS: dict[Split, int] = {"train": 8, "validation": 4, "test": 3}


def write_tones(folder: Path) -> None:
    """Write a folder of pairs; ViSQOL is told from the rung, the log-spectral distance measured."""
    rng = np.random.default_rng(2)
    clips: list[PairClip] = []
    for split, count in _SPLITS.items():
        for number in range(count):
            clips += _make_excerpt(folder, split, f"{split}-{number}", rng)
    write_pairs(clips, folder / TABLE)


def plan_versions(excerpt: str, split: Split) -> Iterator[PairClip]:
    """Yield the clips of an excerpt without labels: the clean one, two ladders more, a cascade."""
    rows = [("", "", 0)]
    rows += [(p, kind, rung) for kind, ps in _LADDERS.items() for rung, p in enumerate(ps, 1)]
    rows.append(("lowpass:6000+noise:15", "", 0))
    for version, (process, ladder, rung) in enumerate(rows):
        yield PairClip(
            id=f"{excerpt}-{version}", excerpt=excerpt, recording=excerpt, split=split,
            domain="speech" if excerpt.endswith("1") else "music",
            path=f"clips/{excerpt}-{version}.flac", reference=f"clips/{excerpt}-0.flac",
            source="", start=0.0, process=process, ladder=ladder, rung=rung,
        )  # fmt: skip


def _make_excerpt(
    folder: Path, split: Split, excerpt: str, rng: np.random.Generator
) -> Iterator[PairClip]:
    time = np.arange(48000) / 48000
    tones = sum(np.sin(2 * np.pi * rng.uniform(100, 9000) * time) for _ in range(6))
    samples = 0.02 * tones + 0.02 * rng.standard_normal(time.size)
    clean = Audio.from_array(samples, 48000)
    measure = LogSpectral()
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    for clip in plan_versions(excerpt, split):
        audio = apply_cascade(clean, parse_cascade(clip.process)) if clip.process else clean
        write_audio(folder / clip.path, audio, bits=16)
        labels = {}
        if not clip.clean:
            distance = measure(clean, audio).value
            labels = {"log_spectral": distance, "visqol": 4.7 - 0.9 * (clip.rung or 3)}
        yield PairClip(
            **{name: getattr(clip, name) for name in PairClip.__slots__ if name != "labels"}
            | {"labels": labels, "pcm_sha256": hash_pcm(audio)}
        )
