"""A tiny fused system and a grid of it, as recipes."""

WHISPER = {
    "model_type": "whisper",
    "d_model": 16,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "num_mel_bins": 80,
    "max_source_positions": 1500,
}
RECIPE = {
    "kind": "fusion",
    "system": {
        "kind": "fusion",
        "name": "tiny",
        "tag": "v1",
        "summary": "A tiny system.",
        "axes": [
            {"name": "clarity", "low": 1.0, "high": 5.0},
            {"name": "sources", "low": 1.0, "high": 6.0},
        ],
        "sample_rate": 24000,
        "segment": 2.0,
        "shortest": 0.5,
        "level": -26.0,
        "encoders": {
            "mel": {
                "kind": "mel_statistics",
                "settings": {"bands": 8, "context": 40},
                "front_end": {"kind": "LogMel", "sample_rate": 24000, "hop": 256, "n_mels": 64},
            },
            "whisper": {"kind": "whisper", "settings": WHISPER},
        },
        "members": [{"encoders": ["mel", "whisper"], "weighted": ["whisper"], "hidden": 16}],
        "licence": "MIT",
        "citation": "",
    },
    "data": {"crop": 2.0},
    "loss": {"kind": "mean_squared_error"},
    "optimiser": {"kind": "adam", "lr": 3.0e-3},
    "batch_size": 8,
    "max_epochs": 4,
}
GRID = {
    "kind": "grid",
    "base": "tiny.yaml",
    "variants": [
        {
            "mel": {"system": {"members": [{"encoders": ["mel"], "hidden": 16}]}},
            "both": {
                "system": {
                    "members": [
                        {
                            "encoders": ["mel", "whisper"],
                            "aggregation": {"kind": "blstm_t", "hidden": 8},
                            "hidden": 16,
                        }
                    ]
                }
            },
        },
        {"ccc": {"loss": {"kind": "concordance"}}, "ut": {"loss": {"kind": "utmos"}}},
    ],
    "sets": {"dev": {"split": "validation"}, "test": {"split": "test", "level": "system"}},
    "ensembles": {"all": [], "best": [{"set": "dev", "best": 2}]},
    "bundle": "best",
    "baseline": "dev",
}
