"""Contrastive pretraining from pairs to an encoder's weights, with tiny networks and real files."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from tests.training.noticeable import RECIPE, write_noticeable
from torch import Tensor, nn

from auricle.cli.main import run
from auricle.core.errors import ConfigError, DataError
from auricle.data.pairs import read_pairs
from auricle.encoders.cache import EmbeddingCache
from auricle.encoders.residual_cnn import ResidualCnn
from auricle.losses.contrastive import nt_xent
from auricle.systems.system import build_spectrogram_encoder
from auricle.training.prepared_clips import PreparedClips, prepare_clips
from auricle.training.pretraining_batches import cut_views, draw_batches
from auricle.training.pretraining_clips import find_ladders
from auricle.training.pretraining_figures import EmbeddedLadders, embed_ladders, measure, validate
from auricle.training.pretraining_fit import PretrainingEpoch, find_best, fit_pretraining
from auricle.training.pretraining_loop import pretrain
from auricle.training.pretraining_network import ContrastiveNetwork, backward, start_network
from auricle.training.pretraining_recipe import PretrainingRecipe, load_pretraining_recipe


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    write_noticeable(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def prepared(pairs: Path, tiny: Path, cache: Path) -> PreparedClips:
    front_end = load_pretraining_recipe(tiny).front_end.build()
    clips = read_pairs(pairs / "pairs.csv")
    return prepare_clips(front_end, clips, pairs, EmbeddingCache(cache))


@pytest.fixture(scope="module")
def trained(pairs: Path, tiny: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("trained")
    recipe = load_pretraining_recipe(tiny, ["max_epochs=15"])
    weights, heard = pretrain(recipe, pairs, cache, output)
    assert weights == output / "encoder.safetensors"
    # Clean clips are nobody's partner.
    assert len(heard.clips) == 14 * 6
    assert heard.unheard == ()
    return output


def fit(
    recipe: PretrainingRecipe, prepared: PreparedClips, output: Path
) -> tuple[dict[str, Tensor], list[PretrainingEpoch]]:
    network = start_network(recipe)
    return network.state_dict(), fit_pretraining(recipe, network, prepared, output)


def test_it_learns_to_hear_small_differences(trained: Path) -> None:
    facts = json.loads((trained / "result.json").read_text())
    assert facts["clips"] == {"train": 60, "validation": 24, "calibration": 0, "test": 0}
    assert facts["epochs"] == 15
    assert facts["validation"]["triplets"] > 0.9
    assert facts["validation"]["correlation"] > 0.7
    with (trained / "log.csv").open() as file:
        rows = [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
    assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]
    kept = rows[facts["kept_epoch"] - 1]
    assert kept["triplets"] == max(row["triplets"] for row in rows)


def test_its_weights_are_those_of_the_encoder_alone(trained: Path) -> None:
    recipe = PretrainingRecipe.model_validate(yaml.safe_load((trained / "recipe.yaml").read_text()))
    encoder = build_spectrogram_encoder(recipe.encoder, recipe.front_end.n_mels)
    encoder.load_state_dict(load_file(trained / "encoder.safetensors"), strict=True)


def test_resuming_equals_never_stopping(
    tiny: Path, prepared: PreparedClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_pretraining_recipe(tiny, ["precision=bfloat16", "augmentation.level_db=6"])
    through, epochs = fit(recipe, prepared, tmp_path / "through")

    def stop(epoch: PretrainingEpoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    network = start_network(recipe)
    with pytest.raises(KeyboardInterrupt):
        fit_pretraining(recipe, network, prepared, tmp_path / "stopped", on_epoch=stop)
    resumed, again = fit(recipe, prepared, tmp_path / "stopped")
    assert [epoch[:-1] for epoch in again] == [epoch[:-1] for epoch in epochs]
    assert all(torch.equal(value, resumed[name]) for name, value in through.items())
    with pytest.raises(ConfigError, match="another recipe"):
        fit(recipe.model_copy(update={"seed": 1}), prepared, tmp_path / "stopped")


def test_the_last_of_the_best_epochs_is_kept() -> None:
    nan = float("nan")
    told = [
        PretrainingEpoch(n, 1.0, 1.0, share, nan, 1.0, 1.0)
        for n, share in enumerate([0.7, 0.9, 0.9, 0.8])
    ]
    assert find_best(told).epoch == 2
    assert find_best([epoch._replace(triplets=nan) for epoch in told]).epoch == 3


@pytest.mark.parametrize("chunk", [1, 3, 8])
def test_gradients_by_chunks_are_those_of_the_whole_batch(chunk: int) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 4)).double()
    views = torch.randn(8, 5, dtype=torch.float64)
    loss = partial(nt_xent, pair_of=torch.arange(8) // 2)
    found = []
    for size in (None, chunk):
        network.zero_grad()
        value = backward(network, views, loss, size)
        found.append([value, *(p.grad for p in network.parameters())])
    torch.testing.assert_close(found[1], found[0])


def test_dropout_draws_the_same_in_both_passes_of_a_chunk() -> None:
    drawn: list[Tensor] = []

    def network(views: Tensor) -> Tensor:
        drawn.append(nn.functional.dropout(torch.ones(len(views), 50)))
        return views * drawn[-1].mean()

    backward(network, torch.ones(4, 2, requires_grad=True), torch.sum, chunk=2)
    assert len(drawn) == 4
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[1], drawn[3])
    assert not torch.equal(drawn[0], drawn[1])


def test_chunks_train_too(tiny: Path, prepared: PreparedClips, tmp_path: Path) -> None:
    recipe = load_pretraining_recipe(tiny, ["chunk=5", "max_epochs=2", "projection=null"])
    _, epochs = fit(recipe, prepared, tmp_path)
    assert epochs[1].train_loss < epochs[0].train_loss


def test_batches_hold_pairs_of_rungs_cut_at_one_place(tiny: Path, prepared: PreparedClips) -> None:
    recipe = load_pretraining_recipe(tiny)
    ladders = find_ladders(prepared.clips, "train")
    assert [ladder.shape for ladder in ladders] == [(3, 2)] * 10
    batches = list(draw_batches(recipe, prepared, ladders, np.random.default_rng(0)))
    assert [len(batch.views) for batch in batches] == [16, 12, 12]
    for batch in batches:
        assert batch.views.shape[1:] == (26, 16)
        assert (torch.bincount(batch.pair_of) == 2).all()
        assert (torch.bincount(batch.content_of) == 4).all()
        for pair in batch.pair_of.unique():
            one, other = batch.content_of[batch.pair_of == pair]
            assert one == other
    whole = [
        cut_views(prepared, [ladders[0]], [place], recipe.crop_frames) for place in (0.0, 0.99)
    ]
    for row, first, last in zip(ladders[0].ravel().tolist(), *whole, strict=True):
        clip = np.asarray(prepared.prepared(row), dtype=np.float32)
        np.testing.assert_array_equal(first, clip[:26])
        np.testing.assert_array_equal(last, clip[-26:])


def test_views_cut_apart_are_of_the_same_clips(tiny: Path, prepared: PreparedClips) -> None:
    recipe = load_pretraining_recipe(tiny, ["cut=apart"])
    ladders = find_ladders(prepared.clips, "train")[:2]
    (batch,) = draw_batches(recipe, prepared, ladders, np.random.default_rng(0))
    rows = np.concatenate([ladder.ravel() for ladder in ladders]).tolist()
    places: dict[int, list[int]] = {0: [], 1: []}
    for view, content in zip(batch.views.numpy(), batch.content_of.tolist(), strict=True):
        windows = [
            np.lib.stride_tricks.sliding_window_view(
                np.asarray(prepared.prepared(row), np.float32), 26, axis=0
            ).transpose(0, 2, 1)
            for row in rows
        ]
        found = [np.flatnonzero((each == view).all(axis=(1, 2))) for each in windows]
        (start,) = np.concatenate(found).tolist()
        places[content].append(start)
    assert all(len(set(starts)) > 1 for starts in places.values())
    assert (torch.bincount(batch.pair_of) == 2).all()


def test_a_content_is_augmented_alike(tiny: Path, prepared: PreparedClips) -> None:
    ladders = find_ladders(prepared.clips, "train")[:3]
    batches = []
    for changes in ([], ["augmentation.level_db=20"]):
        recipe = load_pretraining_recipe(tiny, changes)
        batches += draw_batches(recipe, prepared, ladders, np.random.default_rng(0))
    plain, changed = batches
    lowered = [
        torch.where(loud > 0.3, plain - loud, torch.nan).nanmean() * 90.0
        for plain, loud in zip(plain.views, changed.views, strict=True)
    ]
    for content in range(3):
        shifts = torch.stack(lowered)[plain.content_of == content]
        assert shifts.max() - shifts.min() < 0.01
    assert torch.stack(lowered).std() > 0.5


def test_figures_are_what_their_names_say(tiny: Path, prepared: PreparedClips) -> None:
    recipe = load_pretraining_recipe(tiny)
    network = start_network(recipe)
    ladders = find_ladders(prepared.clips, "validation")
    found = embed_ladders(recipe, network, prepared, ladders)
    right = total = 0
    for rungs, embedding in zip(found.rungs, found.embeddings, strict=True):
        assert rungs.tolist() == [1, 1, 2, 2, 3, 3]
        units = embedding / embedding.norm(dim=1, keepdim=True)
        for a in range(6):
            partner = (units[a] - units[a ^ 1]).norm()
            for other in range(6):
                if rungs[other] != rungs[a]:
                    right += bool(partner < (units[a] - units[other]).norm())
                    total += 1
    assert measure(found).triplets == pytest.approx(right / total)
    # As many rungs as in training, spread evenly: the first and the last of three.
    views = torch.cat([projected[[0, 1, 4, 5]] for projected in found.projected])
    expected = nt_xent(views, torch.arange(16) // 2, recipe.loss.temperature)
    assert validate(recipe, found) == pytest.approx(expected.item())


def test_perfect_embeddings_have_perfect_figures() -> None:
    rungs = np.repeat([1, 2, 4], 2)
    angles = torch.tensor([0.0, 0.01, 0.2, 0.21, 0.6, 0.61])
    embedded = [torch.stack((angles.cos(), angles.sin()), dim=1)]
    figures = measure(EmbeddedLadders([rungs], embedded, embedded))
    assert figures.triplets == 1.0
    assert figures.correlation > 0.95
    alone = measure(EmbeddedLadders([rungs[:2]], [embedded[0][:2]], []))
    assert np.isnan(alone.triplets)
    assert np.isnan(alone.correlation)


def test_incomplete_pairs_are_left_out_and_none_is_refused(pairs: Path) -> None:
    clips = [clip for clip in read_pairs(pairs / "pairs.csv") if clip.excerpt == "train-0"]
    without = [clip for clip in clips if clip.id != "train-0-3"]
    (ladder,) = find_ladders(without, "train")
    assert [[without[row].rung for row in pair] for pair in ladder] == [[1, 1], [3, 3]]
    with pytest.raises(DataError, match="no JND pairs of the validation split"):
        find_ladders(clips, "validation")
    with pytest.raises(DataError, match="no JND pairs of the train split"):
        find_ladders([replace(clip, ladder="") for clip in clips], "train")
    with pytest.raises(DataError, match="more than two clips"):
        find_ladders([*clips, replace(clips[1], id="again")], "train")


def test_a_crop_must_fit_into_clips(tiny: Path, prepared: PreparedClips, tmp_path: Path) -> None:
    recipe = load_pretraining_recipe(tiny, ["crop=0.6"])
    with pytest.raises(DataError, match="lower that"):
        fit(recipe, prepared, tmp_path)


def test_a_network_begins_the_same_every_time(tiny: Path) -> None:
    recipe = load_pretraining_recipe(tiny)
    first, second = (start_network(recipe).state_dict() for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    network = ContrastiveNetwork(ResidualCnn(8, stem=2, channels=(2,), blocks=(1,)), None).eval()
    assert torch.equal(network(torch.ones(1, 9, 8)), network.embed(torch.ones(1, 9, 8)))


def test_recipes_refuse_a_batch_without_negatives(tiny: Path) -> None:
    with pytest.raises(ConfigError, match="negatives"):
        load_pretraining_recipe(tiny, ["batch.contents=1", "batch.rungs=1"])
    assert load_pretraining_recipe("jsqa-pretraining").chunk is not None


def test_the_command_line_pretrains(
    pairs: Path, tiny: Path, cache: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["auricle", "train", str(tiny), *arguments])
        with pytest.raises(SystemExit) as leaving:
            run()
        return int(leaving.value.code or 0)

    output = tmp_path / "run"
    places = ["--cache", str(cache), "--output", str(output), "--set", "max_epochs=2"]
    assert call("--pairs", str(pairs), *places) == 0
    shown = capsys.readouterr().out
    assert "went through 84 of 84 clips" in shown
    assert shown.count("triplets") == 2
    assert f"encoder: {output / 'encoder.safetensors'}" in shown
    assert call("--clips", str(pairs / "pairs.csv"), *places) == 2
    assert "give --pairs, not --clips" in capsys.readouterr().err
