import subprocess
import sys

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from auricle.core.spec import Scale
from auricle.systems.config import LogMelConfig, SystemConfig
from auricle.systems.system import build_system
from auricle.training.recipe import load_recipe

COMPACT = load_recipe("codec-music").system
PAPER = load_recipe("codec-conv1d").system


def test_the_paper_system_has_the_published_number_of_parameters() -> None:
    assert sum(p.numel() for p in build_system(PAPER).parameters()) == 15_442_881
    assert PAPER.fixed_length
    assert PAPER.segment_frames == 1876
    assert PAPER.front_end.scale == "min_max"


def test_the_compact_system_is_compact() -> None:
    count = sum(p.numel() for p in build_system(COMPACT).parameters())
    assert 500_000 < count < 1_500_000
    assert not COMPACT.fixed_length


def test_a_configuration_survives_json() -> None:
    for config in (COMPACT, PAPER):
        assert SystemConfig.model_validate_json(config.model_dump_json()) == config


def test_spec_states_the_facts() -> None:
    spec = COMPACT.spec
    assert spec.full_name == "codec-music.v3"
    assert spec.scale == Scale(0.0, 100.0, higher_is_better=True)
    assert (spec.sample_rate, spec.channels, spec.needs_reference) == (48000, 1, False)


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": {"kind": "resnet"}},
        {"encoder": {"kind": "mel_cnn", "filters": [1]}},
        {"encoder": {"kind": "conv1d", "filters": [1], "lengths": [3, 3]}},
        {"name": "Codec Music"},
        {"shortest": 11.0},
        {"pooling": {"kind": "flatten"}},
        {"label_scale": {"low": 5.0, "high": 1.0}},
        {"surprise": 1},
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SystemConfig.model_validate(COMPACT.model_dump() | change)


def test_label_scale_truncates() -> None:
    scaled = COMPACT.label_scale(np.array([0.5, 1.0, 2.866, 4.732, 4.8]))
    np.testing.assert_allclose(scaled, [0.0, 0.0, 0.5, 1.0, 1.0], atol=1e-6)


def test_front_end_is_the_one_it_describes() -> None:
    front_end = LogMelConfig(n_mels=32, scale="min_max").build()
    assert (front_end.n_mels, front_end.scale, front_end.hop) == (32, "min_max", 256)


def test_configurations_bundles_and_recipes_do_not_import_torch() -> None:
    code = (
        "import sys, auricle.systems.config, auricle.systems.bundle, auricle.data.batches,"
        " auricle.training.recipe, auricle.training.loop; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_same_seed_gives_the_same_weights() -> None:
    systems = []
    for _ in range(2):
        torch.manual_seed(3)
        systems.append(build_system(COMPACT).state_dict())
    for name, value in systems[0].items():
        torch.testing.assert_close(value, systems[1][name], rtol=0, atol=0)
