"""The published grid, end to end: its own recipes, with tiny networks of the same architectures."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from auricle.catalog import find_bundle, load
from auricle.core.audio import Audio
from auricle.data.rated import RatedClip
from auricle.signal.io import write_audio
from auricle.systems.bundle import FusionBundle
from auricle.training.fusion_recipe import load_fusion_recipe, load_grid
from auricle.training.grid import train_grid
from auricle.training.grid_report import write_report

WAVLM = {
    "model_type": "wavlm",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8, 8, 8],
    "conv_kernel": [10, 3, 8],
    "conv_stride": [5, 4, 16],
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "feat_extract_norm": "group",
}
MUQ = {
    "label_rate": 25,
    "hop_length": 240,
    "n_mels": 128,
    "conv_dim": 3,
    "encoder_dim": 12,
    "encoder_depth": 2,
    "stat": {"melspec_2048_mean": 6.77, "melspec_2048_std": 18.42},
    "w2v2_config": {
        "position_embeddings_type": "rotary",
        "hidden_act": "swish",
        "intermediate_size": 24,
        "conv_depthwise_kernel_size": 7,
        "num_attention_heads": 2,
    },
}
M2D = {"embed_dim": 16, "depth": 2, "num_heads": 2, "mlp_ratio": 2}
STANDARDISE = {"kind": "Standardise", "sample_rate": 16000, "do_normalize": False}
ENCODERS = {
    "wavlm": {"kind": "wavlm", "weights": "", "settings": WAVLM, "front_end": STANDARDISE},
    "muq": {"kind": "muq", "weights": "", "settings": MUQ},
    "m2d": {"kind": "m2d", "weights": "", "settings": M2D},
}
TINY = ["max_epochs=1", f"system.encoders={yaml.safe_dump(ENCODERS)}", "system.segment=2.0"]


def test_the_recipe_is_the_papers() -> None:
    recipe = load_fusion_recipe("mmmos")
    assert (recipe.optimiser.kind, recipe.optimiser.lr) == ("adam", 1e-4)
    assert (recipe.max_epochs, recipe.data.crop) == (10, 10.0)
    grid = load_grid("mmmos-grid")
    sizes, kinds, fused = set(), set(), set()
    for _, overrides in grid.models():
        variant = load_fusion_recipe(grid.base, overrides)
        member = variant.system.members[0]
        sizes.add((member.aggregation.kind, variant.batch_size))
        kinds.add(variant.loss.kind)
        fused.add((member.encoders, member.aggregation.kind))
    assert sizes == {("mlp", 32), ("blstm_t", 16), ("blstm_h", 16)}
    assert kinds == {"concordance", "contrastive", "dual_criterion", "utmos"}
    assert fused == {
        (("wavlm", "m2d"), "mlp"),
        (("wavlm", "muq", "m2d"), "mlp"),
        (("wavlm", "muq", "m2d"), "blstm_t"),
        (("wavlm", "muq", "m2d"), "blstm_h"),
    }
    assert [(r.set, r.best) for r in grid.ensembles["submitted"]] == [("dev", 12), ("pam", 12)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[RatedClip]]:
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(2)
    found = []
    places = [("train", "EARS"), ("validation", "EARS"), ("validation", "PAM"), ("test", "eval")]
    for number in range(48):
        split, dataset = places[number % 4]
        path = f"{dataset}/{number}.wav"
        (folder / dataset).mkdir(exist_ok=True)
        noise = rng.normal(0.0, rng.uniform(0.01, 0.3), 24000 + 600 * (number % 3))
        write_audio(folder / path, Audio.from_array(noise, 24000))
        axes = load_fusion_recipe("mmmos").system.axes
        scores = {axis.name: tuple(rng.uniform(1.0, 9.0, 10).tolist()) for axis in axes}
        found.append(RatedClip(path, path, split, f"system-{number % 5}", scores=scores))
    return folder, found


def test_one_command_gives_all_tables_and_one_bundle(
    clips: tuple[Path, list[RatedClip]], tmp_path: Path
) -> None:
    folder, rated = clips
    grid = load_grid("mmmos-grid", ["resamples=100"])
    result = train_grid(grid, rated, folder, tmp_path / "cache", tmp_path, overrides=TINY)
    write_report(grid, result, tmp_path)
    assert len(result.models) == 16
    assert {e.name for e in result.ensembles} == set(grid.ensembles)
    text = (tmp_path / "results.md").read_text()
    for model in (*result.models, *result.ensembles):
        assert f"| {model.name} |" in text
    for name, rankings in grid.ensembles.items():
        members = next(e for e in result.ensembles if e.name == name).members
        best = [_best(result, ranking.set, ranking.best) for ranking in rankings]
        assert set(members) == set.intersection({m.name for m in result.models}, *best)
    bundle = find_bundle(str(tmp_path / "bundle"))
    assert isinstance(bundle, FusionBundle)
    assert bundle.config.spec.full_name == "mmmos.v1"
    score = load(str(tmp_path / "bundle")).score_file(folder / rated[0].path)
    assert [axis.name for axis in score.axes] == [axis.name for axis in bundle.config.axes]


def _best(result: object, of: str, count: int) -> set[str]:
    judged = {m.name: result.judgements[m.name][of].composite.srcc.value for m in result.models}
    return set(sorted(judged, key=lambda name: -judged[name])[:count])
