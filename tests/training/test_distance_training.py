"""Systems that judge by distance, from pairs to a bundle, with tiny networks and real files."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tests.training.distant import RECIPE, WHISPER, write_tones

from auricle.catalog import find_bundle
from auricle.cli.main import run
from auricle.core.errors import ConfigError, DataError
from auricle.data.pairs import read_pairs
from auricle.encoders.cache import EmbeddingCache
from auricle.encoders.lora import trainable_share
from auricle.systems.bundle import DistanceBundle
from auricle.systems.distance import DistanceNetwork, build_distance_network
from auricle.training.distance_clips import PreparedPairs, prepare_pairs
from auricle.training.distance_fit import DistanceEpoch, fit_distance
from auricle.training.distance_loop import start_network, train_distance
from auricle.training.distance_recipe import DistanceRecipe, load_distance_recipe
from auricle.training.epochs import learned_state


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    write_tones(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "near.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def prepare(
    recipe: DistanceRecipe, folder: Path, cache: Path
) -> tuple[DistanceNetwork, PreparedPairs]:
    network, _ = start_network(recipe)
    clips = read_pairs(folder / "pairs.csv")
    store = EmbeddingCache(cache, recipe.data.precision)
    return network, prepare_pairs(network.encoder, clips, folder, store, recipe.crop_samples)


def fit(
    recipe: DistanceRecipe, pairs: Path, cache: Path, output: Path
) -> tuple[DistanceNetwork, list[DistanceEpoch]]:
    network, heard = prepare(recipe, pairs, cache)
    return network, fit_distance(recipe, network, heard, output)


@pytest.fixture(scope="module")
def trained(pairs: Path, tiny: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("trained")
    bundle, heard = train_distance(
        load_distance_recipe(tiny, ["max_epochs=8"]), pairs, cache, output
    )
    assert bundle == output / "bundle"
    assert heard.unheard == ()
    return output


def test_distances_learn_to_rank(trained: Path) -> None:
    facts = json.loads((trained / "result.json").read_text())
    assert facts["pairs"] == {"train": 72, "validation": 36, "calibration": 0, "test": 27}
    assert facts["trainable_share"] == 1.0
    for split in ("validation", "test"):
        assert facts[split]["labels"]["consensus"]["srcc"] > 0.8
        assert facts[split]["labels"]["log_spectral"]["srcc"] > 0.5
        assert facts[split]["ladder"] > 0.9
        assert facts[split]["labels"]["pesq"] == {"clips": 0, "srcc": None, "pcc": None}
    with (trained / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, 9)]
    assert min(float(row["loss"]) for row in rows) < float(rows[0]["loss"])


def test_its_bundle_is_calibrated_and_says_what_it_is(trained: Path) -> None:
    bundle = find_bundle(str(trained / "bundle"))
    assert isinstance(bundle, DistanceBundle)
    assert bundle.has_onnx
    matching = bundle.calibration.matching
    assert matching.apply(0.0) == 100.0
    assert (np.diff(matching.apply(np.linspace(0.0, 9.0, 50))) <= 0.0).all()
    assert matching.pairs == 32
    assert bundle.calibration.non_matching is not None
    assert bundle.calibration.non_matching.pairs == 36
    assert bundle.card is not None
    assert "near.v1" in bundle.card
    # Only what the test split gave may be read as figures of recordings that were not used.
    facts = json.loads((trained / "result.json").read_text())
    training, *figures = bundle.card.split("## Figures on the ")
    assert "| pairs test | 27 |" in training
    for text, split in zip(figures, ("test", "validation"), strict=True):
        assert text.startswith(f"{split} split\n")
        assert ("neither trained nor calibrated on" in text) == (split == "test")
        assert f"| labels consensus srcc | {facts[split]['labels']['consensus']['srcc']} |" in text


def test_resuming_equals_never_stopping(
    pairs: Path, tiny: Path, cache: Path, tmp_path: Path
) -> None:
    recipe = load_distance_recipe(tiny)
    through, epochs = fit(recipe, pairs, cache, tmp_path / "through")
    fit(recipe.model_copy(update={"max_epochs": 2}), pairs, cache, tmp_path / "stopped")
    resumed, again = fit(recipe, pairs, cache, tmp_path / "stopped")
    for one, other in zip(
        learned_state(through).values(), learned_state(resumed).values(), strict=True
    ):
        assert torch.equal(one, other)
    assert [epoch[:-1] for epoch in again] == [epoch[:-1] for epoch in epochs]


def test_another_recipe_does_not_go_on(
    pairs: Path, tiny: Path, cache: Path, tmp_path: Path
) -> None:
    fit(load_distance_recipe(tiny, ["max_epochs=1"]), pairs, cache, tmp_path)
    with pytest.raises(ConfigError, match="another recipe"):
        fit(load_distance_recipe(tiny, ["loss.temperature=3.0"]), pairs, cache, tmp_path)


def test_other_domains_do_not_go_on_where_they_count(
    pairs: Path, tiny: Path, cache: Path, tmp_path: Path
) -> None:
    def continue_elsewhere(terms: str, output: Path) -> list[DistanceEpoch]:
        recipe = load_distance_recipe(tiny, ["max_epochs=1", f"loss.terms={terms}"])
        fit(recipe, pairs, cache, output)
        network, heard = prepare(recipe, pairs, cache)
        moved = tuple(replace(clip, domain="elsewhere") for clip in heard.clips)
        return fit_distance(recipe, network, replace(heard, clips=moved), output)

    continue_elsewhere("[{of: clips, label: visqol}]", tmp_path / "everywhere")
    with pytest.raises(ConfigError, match="another recipe"):
        continue_elsewhere("[{of: clips, label: visqol, within: domain}]", tmp_path / "apart")


def test_the_rate_falls_after_epochs_that_were_no_better(
    pairs: Path, tiny: Path, cache: Path, tmp_path: Path
) -> None:
    # So small a rate changes no order, and no epoch is better than the first.
    overrides = ["judge=ladder", "schedule.patience=2", "max_epochs=5", "optimiser.lr=1e-9"]
    _, epochs = fit(load_distance_recipe(tiny, overrides), pairs, cache, tmp_path)
    assert [epoch.learning_rate / 1e-9 for epoch in epochs] == pytest.approx([1, 1, 1, 0.9, 0.81])
    cosine = ["schedule={kind: cosine, warm_up: 0.4}", "max_epochs=4"]
    _, epochs = fit(load_distance_recipe(tiny, cosine), pairs, cache, tmp_path / "cosine")
    rates = [epoch.learning_rate for epoch in epochs]
    assert 0.0 < rates[0] < rates[1] <= 3e-3
    assert rates[2] > rates[3] > 0.0


@pytest.mark.parametrize(
    ("how", "learns"),
    [
        ("train_encoder: lora, lora: {rank: 2}", {"down", "up", "project"}),
        ("train_encoder: frozen", {"project"}),
    ],
)
def test_only_what_should_learn_does(
    pairs: Path, tiny: Path, cache: Path, tmp_path: Path, how: str, learns: set[str]
) -> None:
    system = {**RECIPE["system"], "encoder": WHISPER, "sample_rate": 16000, "window": None}
    system |= yaml.safe_load(f"{{{how}}}")
    path = tmp_path / "listener.yaml"
    path.write_text(yaml.safe_dump({**RECIPE, "system": system, "max_epochs": 2}))
    recipe = load_distance_recipe(path)
    before = {name: value.clone() for name, value in start_network(recipe)[0].state_dict().items()}
    network, _ = fit(recipe, pairs, cache, tmp_path / "run")
    changed = {
        name for name, value in network.state_dict().items() if not torch.equal(value, before[name])
    }
    # All of it, and nothing else: an adapter that no gradient reaches would stay as it was.
    assert changed == {name for name, value in network.named_parameters() if value.requires_grad}
    assert {part for name in changed for part in learns & set(name.split("."))} == learns
    assert all(learns & set(name.split(".")) for name in changed), changed
    # What is frozen is not kept beside the training: it can be large.
    assert learned_state(network).keys() >= changed
    assert len(learned_state(network)) < len(before)
    assert 0.0 < trainable_share(network) < 0.9


def test_as_much_of_mert_learns_as_published() -> None:
    """Jiang et al., DeePAQ, training strategy: 2.93% of the parameters."""
    mert = {
        "model_type": "mert_model", "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072,
    }  # fmt: skip
    recipe = load_distance_recipe("deepaq")
    front_end = {"kind": "Standardise", "sample_rate": 24000, "do_normalize": True}
    told = {"weights": "", "settings": mert, "front_end": front_end}
    source = recipe.system.encoder.model_copy(update=told)
    with torch.device("meta"):
        network, _ = build_distance_network(recipe.system.model_copy(update={"encoder": source}))
    assert round(100 * trainable_share(network), 2) == 2.93


def test_what_cannot_be_heard_is_left_out(
    pairs: Path, tiny: Path, cache: Path, tmp_path: Path
) -> None:
    recipe = load_distance_recipe(tiny)
    network, _ = start_network(recipe)
    store = EmbeddingCache(cache)
    clips = {clip.id: clip for clip in read_pairs(pairs / "pairs.csv")}
    clips["train-0-3"] = replace(clips["train-0-3"], path="clips/gone.flac", pcm_sha256="")
    clips["train-1-2"] = replace(clips["train-1-2"], error="signal: it is silent")
    # Without a reference, a whole excerpt is of no use.
    clips["test-0-0"] = replace(clips["test-0-0"], error="signal: it is silent")
    heard = prepare_pairs(network.encoder, [*clips.values()], pairs, store, recipe.crop_samples)
    assert len(heard.clips) == 135 - 2 - 9
    reasons = dict(heard.unheard)
    assert len(reasons) == 11
    assert reasons["clips/train-1-2.flac"] == "signal: it is silent"
    assert "no such file" in reasons["clips/gone.flac"].lower()
    assert "test-0-0.flac is missing" in reasons["clips/test-0-4.flac"]
    with pytest.raises(DataError, match="none of the pairs"):
        prepare_pairs(network.encoder, [clips["test-0-0"]], pairs, store, recipe.crop_samples)


def test_the_command_line_trains(
    pairs: Path, tiny: Path, cache: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["auricle", "train", str(tiny), *arguments])
        with pytest.raises(SystemExit) as leaving:
            run()
        return int(leaving.value.code or 0)

    places = ["--cache", str(cache), "--output", str(tmp_path / "run")]
    assert call("--pairs", str(pairs), *places) == 0
    shown = capsys.readouterr().out
    assert shown.count("validation loss") == 4
    assert f"bundle: {tmp_path / 'run' / 'bundle'}" in shown
    assert call("--clips", str(pairs / "pairs.csv"), *places) == 2
    assert "give --pairs, not --clips" in capsys.readouterr().err
