"""Training against a discriminator: what it takes away, and what it leaves as it was."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import ValidationError
from tests.training.conftest import tiny_recipe
from torch import Tensor, nn

from auricle.core.errors import DataError
from auricle.data.domains import Clusters, draw_domains, find_source_domains
from auricle.data.features import read_features
from auricle.systems.bundle import read_bundle
from auricle.systems.system import System
from auricle.training.adversary import Adversary
from auricle.training.adversary_recipe import AdversaryConfig
from auricle.training.fit import fit
from auricle.training.loop import train
from auricle.training.recipe import Recipe
from auricle.training.track import Epoch

KINDS = {
    "source": "{kind: source}",
    "kmeans": "{kind: kmeans, clusters: 3}",
    "random": "{kind: random, domains: 3}",
}


class Interrupted(Exception):
    pass


def adversary(**fields: object) -> AdversaryConfig:
    return AdversaryConfig.model_validate({"domains": {"kind": "random"}, **fields})


def recipe_against(domains: str, *overrides: str) -> Recipe:
    chosen = f"adversary={{domains: {domains}, weight: 0.5}}"
    return tiny_recipe(["max_epochs=3", "precision=float32", chosen, *overrides])


def state_of(system: System) -> dict[str, Tensor]:
    return system.state_dict()


def differ(one: System, other: System) -> bool:
    return any(not torch.equal(v, state_of(other)[n]) for n, v in state_of(one).items())


def make_folders(parent: Path, *names: str) -> None:
    for name in names:
        (parent / name).mkdir()


@pytest.fixture(scope="module")
def two_sources(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny features, every other clip of another source."""
    folder = tmp_path_factory.mktemp("features") / "two"
    shutil.copytree(features, folder)
    with (folder / "clips.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        names, rows = reader.fieldnames, list(reader)
    assert names is not None
    with (folder / "clips.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "source": f"s{place % 2}"} for place, row in enumerate(rows))
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_trains_and_goes_on_where_it_was(
    kind: str, two_sources: Path, tmp_path: Path
) -> None:
    data = read_features(two_sources)
    recipe = recipe_against(KINDS[kind])
    make_folders(tmp_path, "whole", "parts", "plain")

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise Interrupted

    whole = fit(recipe, data, tmp_path / "whole")
    with pytest.raises(Interrupted):
        fit(recipe, data, tmp_path / "parts", on_epoch=interrupt)
    assert not differ(whole, fit(recipe, data, tmp_path / "parts"))
    plain = fit(recipe.model_copy(update={"adversary": None}), data, tmp_path / "plain")
    assert differ(whole, plain)
    assert state_of(whole).keys() == state_of(plain).keys()


def test_an_adversary_of_no_weight_changes_nothing(two_sources: Path, tmp_path: Path) -> None:
    # So that what differs between two trainings is what the adversary did, and no other dice.
    data = read_features(two_sources)
    recipe = recipe_against(KINDS["random"], "adversary.weight=1e-30")
    make_folders(tmp_path, "feeble", "plain")
    feeble = fit(recipe, data, tmp_path / "feeble")
    plain = fit(recipe.model_copy(update={"adversary": None}), data, tmp_path / "plain")
    assert not differ(feeble, plain)


def test_a_bundle_differs_by_its_domains_alone(two_sources: Path, tmp_path: Path) -> None:
    recipe = recipe_against(KINDS["kmeans"], "max_epochs=1")
    plain = recipe.model_copy(update={"adversary": None})
    bundles = [train(one, two_sources, tmp_path / n) for one, n in ((recipe, "dat"), (plain, "no"))]
    files = [{path.name for path in bundle.iterdir()} for bundle in bundles]
    assert files[0] - files[1] == {"domains.json"}
    assert read_bundle(bundles[0]).config == read_bundle(bundles[1]).config
    outputs = [
        [(o.name, o.shape) for o in onnxruntime.InferenceSession(read_bundle(b).onnx).get_outputs()]
        for b in bundles
    ]
    assert outputs[0] == outputs[1]
    (told,) = json.loads((bundles[0] / "domains.json").read_text("utf-8"))
    assert told["names"] == ["cluster 0", "cluster 1", "cluster 2"]
    mels = recipe.system.front_end.n_mels
    clusters = Clusters.model_validate(told["clusters"])
    assert set(clusters.assign(np.random.default_rng(0).random((9, 2 * mels)))) <= {0, 1, 2}


def test_balanced_draws_are_another_training(two_sources: Path, tmp_path: Path) -> None:
    plain = recipe_against(KINDS["source"], "max_epochs=1")
    balanced = recipe_against(KINDS["source"], "max_epochs=1", "data.balance=true")
    data = read_features(two_sources)
    systems = []
    for name, recipe in (("plain", plain), ("balanced", balanced)):
        (tmp_path / name).mkdir()
        systems.append(fit(recipe, data, tmp_path / name))
    one, other = (system.state_dict() for system in systems)
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_one_source_is_refused(features: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two sources or more"):
        fit(recipe_against(KINDS["source"]), read_features(features), tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"weight": 0.0}, {"schedule": "linear"}, {"domains": {"kind": "kmeans", "clusters": 33}}],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        adversary(**wrong)


@pytest.mark.parametrize("schedule", ["constant", "ramp"])
def test_the_rest_is_pushed_by_weight_and_schedule(schedule: str) -> None:
    torch.manual_seed(0)
    rows = np.arange(8)
    one = Adversary(adversary(weight=0.25, schedule=schedule), 4, draw_domains(8, 3))
    vectors = torch.randn(8, 4, requires_grad=True)
    straight = vectors.detach().clone().requires_grad_()
    one(vectors, rows, 0.1).backward()
    nn.functional.cross_entropy(one.head(straight), torch.from_numpy(one.domains.of)).backward()
    # 0.4621...: the ramp after a tenth of the training.
    share = 0.25 * (0.46211715726 if schedule == "ramp" else 1.0)
    assert vectors.grad is not None
    assert straight.grad is not None
    torch.testing.assert_close(vectors.grad, -share * straight.grad, rtol=1e-4, atol=1e-8)


def test_the_discriminator_gets_better_and_the_rest_makes_it_worse() -> None:
    torch.manual_seed(0)
    rows = np.arange(64)
    domains = find_source_domains(["a", "b"] * 32, rows)
    one = Adversary(adversary(weight=1.0, schedule="constant"), 4, domains)
    vectors = torch.randn(64, 4)
    vectors[::2, 0] += 2.0
    vectors.requires_grad_()
    optimiser = torch.optim.Adam(one.parameters(), lr=1e-2)
    losses = []
    for _ in range(50):
        optimiser.zero_grad()
        loss = one(vectors, rows, 1.0)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    vectors.grad = None
    one(vectors, rows, 1.0).backward()
    with torch.no_grad():
        assert one(vectors - 5.0 * vectors.grad, rows, 1.0) > one(vectors, rows, 1.0)
