"""Tiny systems that judge by distance, with random weights: all that a trained one has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auricle.stats.cubic_mapping import CubicMapping
from auricle.systems.bundle import DistanceBundle, save_distance_bundle
from auricle.systems.distance_calibration import DistanceCalibration, DistanceMapping
from auricle.systems.distance_config import DistanceConfig

MELS = {"kind": "LogMel", "hop": 512, "n_mels": 96, "range_db": 90.0, "level": "absolute"}
HUBERT = {
    "model_type": "hubert",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
}
ENCODERS: dict[str, dict[str, Any]] = {
    "full_band": {
        "encoder": {"kind": "full_band", "settings": {"channels": 4, "blocks": 2}},
        "window": 47,
    },
    "mel_statistics": {
        "encoder": {"kind": "mel_statistics", "settings": {"bands": 32}, "front_end": MELS},
        "window": 24,
    },
    "whisper": {
        "encoder": {
            "kind": "whisper",
            "settings": {
                "model_type": "whisper",
                "d_model": 16,
                "encoder_layers": 2,
                "encoder_attention_heads": 2,
                "encoder_ffn_dim": 32,
            },
        },
        "sample_rate": 16000,
    },
    "mert": {
        "encoder": {
            "kind": "mert",
            "settings": {**HUBERT, "model_type": "mert_model"},
            "front_end": {"kind": "Standardise", "sample_rate": 24000, "do_normalize": True},
        },
        "sample_rate": 24000,
        "channels": 1,
        "train_encoder": "lora",
        "lora": {"rank": 2, "alpha": 4.0},
    },
}


def make_config(encoder: str = "full_band", **changes: object) -> DistanceConfig:
    """Return the configuration of a tiny system."""
    told = {"name": "tiny-distance", "tag": "v1", "summary": "A test.", "citation": ""}
    sizes = {"licence": "MIT", "size": 8, "segment_seconds": 2.0}
    return DistanceConfig.model_validate({**told, **sizes, **ENCODERS[encoder], **changes})


def make_calibration(distance: float, *, banks: bool = True) -> DistanceCalibration:
    """Return lines that fall from 100 to 0 at a distance."""
    line = CubicMapping((100.0, -100.0, 0.0, 0.0), low=0.0, high=distance)
    mapping = DistanceMapping(curve=line, deviation=5.0, pairs=40)
    return DistanceCalibration(matching=mapping, non_matching=mapping if banks else None)


def make_bundle(
    folder: Path, encoder: str = "full_band", *, onnx: bool = True, banks: bool = True
) -> DistanceBundle:
    """Build a system of random weights and save it."""
    import torch
    from safetensors.torch import save

    from auricle.systems.distance import build_distance_network, merge_adapters
    from auricle.systems.distance_export import export_distance

    torch.manual_seed(0)
    network, config = build_distance_network(make_config(encoder))
    state = merge_adapters(network, config).state_dict()
    weights = {name: value.contiguous() for name, value in state.items()}
    return save_distance_bundle(
        folder,
        config,
        make_calibration(0.05, banks=banks),
        weights=save(weights),
        onnx=export_distance(network, config) if onnx else None,
        card="# A test",
    )
