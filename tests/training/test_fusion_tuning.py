"""Training with the encoder in the loop: its own recipe, with a tiny WavLM."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tests.training.fused import GRID, WHISPER
from tests.training.test_mmmos import STANDARDISE, WAVLM

from auricle.catalog import find_bundle, load
from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.data.rated import RatedClip, read_rated, write_rated
from auricle.signal.io import write_audio
from auricle.systems.bundle import FusionBundle
from auricle.systems.encoders import load_encoders
from auricle.systems.fusion_torch import load_fusion
from auricle.training.fusion_fit import MemberEpoch
from auricle.training.fusion_loop import train_fusion
from auricle.training.fusion_recipe import FusionRecipe, load_fusion_recipe, load_grid
from auricle.training.fusion_tuning import TunedFusion, rate_samples, start_tuning, tune_member
from auricle.training.grid import train_grid
from auricle.training.sampled_clips import SampledClips, sample_clips

LORA = ["train_encoder=lora", "lora={rank: 2, alpha: 4.0, targets: [q_proj, v_proj]}"]


def load_tiny(*overrides: str) -> FusionRecipe:
    encoder = {"kind": "wavlm", "weights": "", "settings": WAVLM, "front_end": STANDARDISE}
    member = {"encoders": ["wavlm"], "axis_layers": {"blocks": 1}, "hidden": 16, "dropout": 0.0}
    tiny = (
        f"system.encoders={yaml.safe_dump({'wavlm': encoder})}",
        f"system.members={yaml.safe_dump([member])}",
        "system.segment=1.0",
        "data.crop=0.8",
        "optimiser.lr=3e-3",
        "batch_size=6",
        "max_epochs=3",
    )
    return load_fusion_recipe("audiobox-aesthetics", (*tiny, *overrides))


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones in noise, by ten raters on four axes."""
    folder = tmp_path_factory.mktemp("rated")
    rng = np.random.default_rng(4)
    clips = []
    for number in range(28):
        noise = rng.uniform(0.0, 1.0)
        time = np.arange(round(16000 * (1.0 + 0.3 * (number % 3)))) / 16000
        tone = np.sin(2 * np.pi * rng.uniform(200, 2000) * time)
        samples = 0.2 * ((1.0 - noise) * tone + noise * rng.standard_normal(time.size))
        write_audio(folder / f"{number}.wav", Audio.from_array(samples, 16000))
        scores = {
            axis.name: tuple(np.clip(9.0 - 8.0 * noise + rng.normal(0.0, 0.5, 10), 0.0, 10.0))
            for axis in load_fusion_recipe("audiobox-aesthetics").system.axes
        }
        split = "train" if number < 18 else "validation"
        clips.append(RatedClip(str(number), f"{number}.wav", split, scores=scores))
    write_rated(clips, folder / "rated.csv")
    return folder


def sample(recipe: FusionRecipe, rated: Path, folder: Path) -> SampledClips:
    clips = read_rated(rated / "rated.csv")
    return sample_clips(recipe.system, clips, rated, folder / "cache")


def start(recipe: FusionRecipe, sampled: SampledClips) -> TunedFusion:
    encoders, config = load_encoders(recipe.system)
    return start_tuning(recipe, encoders, config, sampled)


def score(bundle: Path, rated: Path, names: Sequence[str]) -> list[list[float]]:
    metric = load(str(bundle))
    return [[axis.value for axis in metric.score_file(rated / name).axes] for name in names]


def test_the_recipe_is_after_the_papers() -> None:
    recipe = load_fusion_recipe("audiobox-aesthetics")
    assert recipe.loss.kind == "absolute_and_squared_error"
    assert (recipe.train_encoder, recipe.optimiser.kind, recipe.optimiser.lr) == (
        "full", "adamw", 1e-4,
    )  # fmt: skip
    assert (recipe.system.sample_rate, recipe.system.segment, recipe.data.crop) == (16000, 10, 10)
    assert recipe.system.members[0].axis_layers is not None
    mmmos = load_fusion_recipe("mmmos").system
    assert recipe.system.axes == mmmos.axes
    assert recipe.system.encoders["wavlm"] == mmmos.encoders["wavlm"]


@pytest.mark.parametrize("how", [["train_encoder=full"], LORA, ["train_encoder=frozen"]])
def test_a_bundle_says_what_training_said(how: list[str], rated: Path, tmp_path: Path) -> None:
    frozen = how == ["train_encoder=frozen"]
    recipe = load_tiny(*how, "encoder_lr=1.0", "data.precision=float32")
    clips = read_rated(rated / "rated.csv")
    folder, heard = train_fusion(recipe, clips, rated, tmp_path / "cache", tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open() as file:
        losses = [float(row["train_loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < losses[0]
    bundle = find_bundle(str(folder))
    assert isinstance(bundle, FusionBundle)
    fusion = load_fusion(bundle)
    encoders, config = load_encoders(recipe.system)
    before, after = encoders["wavlm"].state_dict(), fusion.by_name["wavlm"].state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    targets = {name for name in before if name.endswith(("q_proj.weight", "v_proj.weight"))}
    assert targets
    if how == LORA:
        assert changed == targets
    else:
        assert bool(changed) != frozen
        assert changed >= (set() if frozen else targets)
    source = bundle.config.encoders["wavlm"]
    assert (source.sha256 == config.encoders["wavlm"].sha256) == frozen
    if not frozen:
        assert isinstance(heard, SampledClips)
        # It is finished: what comes back is the network as it was trained, adapters and all.
        tuned = tune_member(recipe, encoders, config, heard, tmp_path / "run")
        names, rows = ["0.wav", "1.wav", "2.wav"], np.arange(3)
        wanted = np.clip(rate_samples(tuned, heard, rows).mean, 0.0, 10.0)
        np.testing.assert_allclose(score(folder, rated, names), wanted, atol=2e-3)


def test_every_adapter_learns_and_nothing_else_of_the_encoder(rated: Path, tmp_path: Path) -> None:
    recipe = load_tiny(*LORA)
    sampled = sample(recipe, rated, tmp_path)
    network = start(recipe, sampled)
    # At first only `up` has a gradient, being zero.
    for name, value in network.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(value)
    network.train()
    network([sampled.samples(row) for row in range(3)]).mean.sum().backward()
    learns = {name for name, value in network.encoders.named_parameters() if value.requires_grad}
    assert len(learns) == 2 * 2 * WAVLM["num_hidden_layers"]
    for name, value in network.encoders.named_parameters():
        assert (value.grad is not None and bool(value.grad.any())) == (name in learns)


def test_what_is_said_of_a_clip_does_not_depend_on_its_neighbours(
    rated: Path, tmp_path: Path
) -> None:
    recipe = load_tiny()
    sampled = sample(recipe, rated, tmp_path)
    network = start(recipe, sampled).eval()
    clips = [sampled.samples(row)[: 9000 + 2000 * row] for row in range(3)]
    together = network(clips).mean
    for clip, rating in zip(clips, together, strict=True):
        torch.testing.assert_close(network([clip]).mean[0], rating, atol=1e-4, rtol=1e-4)


class Interrupted(Exception):
    pass


def interrupt(epoch: MemberEpoch) -> None:
    if epoch.epoch == 2:
        raise Interrupted


def test_resuming_equals_never_stopping(rated: Path, tmp_path: Path) -> None:
    recipe = load_tiny(
        "adversaries=[{domains: {kind: kmeans, clusters: 2}, weight: 0.1, hidden: 4}]"
    )
    sampled = sample(recipe, rated, tmp_path)

    def tune(folder: Path, on_epoch: object = None) -> dict[str, torch.Tensor]:
        torch.manual_seed(len(folder.name))  # what was drawn before does not matter
        encoders, config = load_encoders(recipe.system)
        network = tune_member(
            recipe,
            encoders,
            config,
            sampled,
            folder,
            on_epoch=on_epoch,  # type: ignore[arg-type]
        )
        return network.state_dict()

    through = tune(tmp_path / "through")
    with pytest.raises(Interrupted):
        tune(tmp_path / "resumed", interrupt)
    epochs: list[int] = []
    resumed = tune(tmp_path / "resumed", lambda epoch: epochs.append(epoch.epoch))
    assert epochs == [3]
    for name, value in through.items():
        assert torch.equal(value, resumed[name]), name


def test_another_training_does_not_go_on(rated: Path, tmp_path: Path) -> None:
    recipe = load_tiny("max_epochs=1")
    sampled = sample(recipe, rated, tmp_path)
    encoders, config = load_encoders(recipe.system)
    tune_member(recipe, encoders, config, sampled, tmp_path / "run")
    other = load_tiny("max_epochs=1", "seed=1")
    encoders, config = load_encoders(other.system)
    with pytest.raises(ConfigError, match="another recipe"):
        tune_member(other, encoders, config, sampled, tmp_path / "run")


def test_several_encoders_learn_under_any_member(rated: Path, tmp_path: Path) -> None:
    encoders = {
        "mel": {"kind": "mel_statistics", "settings": {"bands": 4, "context": 10}},
        "whisper": {"kind": "whisper", "settings": WHISPER},
    }
    recipe = load_tiny(
        f"system.encoders={yaml.safe_dump(encoders)}",
        "system.members=[{encoders: [mel, whisper], weighted: [whisper], hidden: 8}]",
        "system.sample_rate=48000",
        "system.level=-26.0",
        "max_epochs=1",
    )
    clips = read_rated(rated / "rated.csv")
    folder, heard = train_fusion(recipe, clips, rated, tmp_path / "cache", tmp_path / "run")
    assert isinstance(heard, SampledClips)
    bundle = find_bundle(str(folder))
    assert isinstance(bundle, FusionBundle)
    assert bundle.has_onnx, (tmp_path / "run" / "export.txt").read_text()
    network = tune_member(recipe, *load_encoders(recipe.system), heard, tmp_path / "run")
    wanted = np.clip(rate_samples(network, heard, np.arange(3)).mean, 0.0, 10.0)
    np.testing.assert_allclose(score(folder, rated, ["0.wav", "1.wav", "2.wav"]), wanted, atol=2e-3)


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["train_encoder=lora"], "'lora' is given where"),
        (["lora={rank: 2}"], "'lora' is given where"),
        (["train_encoder=frozen"], "a frozen encoder has no 'encoder_lr'"),
        (["data.crop=2.0"], "lower 'data.crop'"),
        (["system.members=[{encoders: [wavlm], axis_layers: {}, weighted: [wavlm]}]"], "nothing"),
    ],
)
def test_what_does_not_fit_is_refused(overrides: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load_tiny(*overrides)


def test_a_grid_keeps_its_encoders(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(load_tiny().model_dump(mode="json")))
    grid = {**GRID, "variants": [{"a": {"seed": 0}, "b": {"seed": 1}}]}
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    with pytest.raises(ConfigError, match="by itself"):
        train_grid(load_grid(tmp_path / "grid.yaml"), [], tmp_path, tmp_path, tmp_path)
