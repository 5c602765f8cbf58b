"""Fused systems trained against discriminators of their axes' latents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle.core.errors import ConfigError, DataError
from auricle.data.rated import RatedClip, read_rated
from auricle.heads.axes import AxisPrediction
from auricle.heads.member import MemberHead
from auricle.training.axis_adversaries import build_adversaries
from auricle.training.fusion_fit import fit_member
from auricle.training.fusion_loop import Prepared, prepare, train_member
from auricle.training.fusion_recipe import FusionRecipe, load_fusion_recipe

KINDS = {
    "dataset": "{kind: source}",
    "system": "{kind: source, of: system}",
    "kmeans": "{kind: kmeans, clusters: 3}",
    "random": "{kind: random, domains: 3}",
}


@pytest.fixture(scope="module")
def prepared(
    audio: Path, recipes: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Prepared]:
    """Embedded clips of two data sets; the recipe that reads them lies at the path."""
    folder = tmp_path_factory.mktemp("embedded")
    (folder / "audio").mkdir()
    for name in ("one", "two"):
        (folder / "audio" / name).symlink_to(audio)
    clips = two_datasets(read_rated(audio / "rated.csv"))
    recipe = load_fusion_recipe(recipes / "tiny.yaml")
    found = prepare(recipe.system, "float32", clips, folder / "audio", folder / "cache")
    return recipes / "tiny.yaml", found


def two_datasets(clips: Sequence[RatedClip]) -> list[RatedClip]:
    names = ("one", "two")
    return [
        replace(clip, path=f"{names[place % 2]}/{clip.path}")
        for place, clip in enumerate(clips)
        if clip.id != "gone"
    ]


def against(path: Path, *adversaries: str, changes: Sequence[str] = ()) -> FusionRecipe:
    listed = ", ".join(adversaries)
    return load_fusion_recipe(path, ["max_epochs=2", f"adversaries=[{listed}]", *changes])


def same(one: MemberHead, other: MemberHead) -> bool:
    states = one.state_dict(), other.state_dict()
    assert states[0].keys() == states[1].keys()
    return all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_trains_and_repeats_itself(
    kind: str, prepared: tuple[Path, Prepared], tmp_path: Path
) -> None:
    path, heard = prepared
    recipe = against(path, f"{{domains: {KINDS[kind]}, weight: 1.0}}")
    one, other = (fit_member(recipe, heard.embedded, tmp_path / name) for name in "ab")
    assert same(one, other)
    assert not same(one, fit_member(against(path), heard.embedded, tmp_path / "plain"))
    (facts,) = json.loads((tmp_path / "a" / "domains.json").read_text())
    names = {"dataset": ["one", "two"], "system": [f"system-{n}" for n in range(4)]}
    assert facts["names"] == names.get(kind, facts["names"])
    assert (facts["clusters"] is not None) == (kind == "kmeans")
    assert not (tmp_path / "plain" / "domains.json").exists()


def test_an_adversary_of_no_weight_changes_nothing(
    prepared: tuple[Path, Prepared], tmp_path: Path
) -> None:
    # So that what differs between two trainings is what adversaries did, and no other dice.
    path, heard = prepared
    feeble = against(path, f"{{domains: {KINDS['random']}, weight: 1.0e-30}}")
    plain = fit_member(against(path), heard.embedded, tmp_path / "plain")
    assert same(plain, fit_member(feeble, heard.embedded, tmp_path / "feeble"))


def test_an_axis_is_trained_against_its_own_adversary_alone(
    prepared: tuple[Path, Prepared], tmp_path: Path
) -> None:
    path, heard = prepared
    # Nothing is shared by the axes of this member: what one hides cannot reach the other.
    alone = ["system.members=[{encoders: [mel, whisper], hidden: 16}]"]
    adversary = f"{{domains: {KINDS['system']}, weight: 1.0, axes: [sources]}}"
    plain = fit_member(against(path, changes=alone), heard.embedded, tmp_path / "plain")
    found = fit_member(against(path, adversary, changes=alone), heard.embedded, tmp_path / "one")
    ends = [
        {name: value for name, value in member.state_dict().items() if name.startswith(part)}
        for member in (plain, found)
        for part in ("heads.heads.0", "heads.heads.1")
    ]
    assert ends[0]
    assert all(torch.equal(value, ends[2][name]) for name, value in ends[0].items())
    assert not all(torch.equal(value, ends[3][name]) for name, value in ends[1].items())


def test_a_latent_that_all_axes_share_is_trained_against_too(
    prepared: tuple[Path, Prepared], tmp_path: Path
) -> None:
    path, heard = prepared
    joint = [
        "system.members=[{encoders: [mel], head: multi_gauss, hidden: 16}]",
        "loss={kind: multi_gauss}",
    ]
    adversary = f"{{domains: {KINDS['system']}, weight: 1.0, axes: [sources]}}"
    plain = fit_member(against(path, changes=joint), heard.embedded, tmp_path / "plain")
    found = fit_member(against(path, adversary, changes=joint), heard.embedded, tmp_path / "one")
    assert not same(plain, found)


def test_each_adversary_reads_the_latents_of_its_axes(prepared: tuple[Path, Prepared]) -> None:
    path, heard = prepared
    recipe = against(
        path,
        f"{{domains: {KINDS['random']}, axes: [sources]}}",
        f"{{domains: {KINDS['random']}}}",
        f"{{domains: {KINDS['kmeans']}, axes: [clarity]}}",
    )
    embedded, training = heard.embedded, np.arange(20)
    vectors = np.random.default_rng(0).standard_normal((len(embedded.clips), 4))

    def build(latents: torch.Tensor) -> list[list[bool]]:
        """Which latents get a gradient from which adversary."""
        adversaries = build_adversaries(recipe, embedded.clips, training, lambda: vectors, latents)
        moved = []
        for number, _ in enumerate(recipe.adversaries):
            values = latents.clone().requires_grad_()
            whole = type(adversaries)([adversaries.members[number]], [adversaries.places[number]])
            said = AxisPrediction(torch.zeros(8, 2), torch.zeros(8, 0, 0), values)
            whole(said, training[:8], 1.0).backward()
            assert values.grad is not None
            moved.append(values.grad.abs().sum(dim=(0, 2)).gt(0.0).tolist())
        return moved

    assert build(torch.randn(8, 2, 6)) == [[False, True], [True, True], [True, False]]
    # Where all axes share a latent, that is what is read.
    assert build(torch.randn(8, 1, 6)) == [[True], [True], [True]]


def test_balanced_draws_are_another_training(
    prepared: tuple[Path, Prepared], tmp_path: Path
) -> None:
    path, heard = prepared
    plain = against(path, f"{{domains: {KINDS['system']}}}")
    data = plain.data.model_copy(update={"balance": "system"})
    balanced = plain.model_copy(update={"data": data})
    one = fit_member(plain, heard.embedded, tmp_path / "one")
    # A clip among them is not rated on every axis.
    assert not same(one, fit_member(balanced, heard.embedded, tmp_path / "two"))


def test_other_domains_are_another_training(
    prepared: tuple[Path, Prepared], tmp_path: Path
) -> None:
    path, heard = prepared
    recipe = against(path, f"{{domains: {KINDS['system']}}}")
    embedded = heard.embedded
    first = train_member(recipe, embedded, tmp_path)
    assert same(first, train_member(recipe, embedded, tmp_path))
    renamed = tuple(
        replace(clip, system=f"system-{n % 2}") for n, clip in enumerate(embedded.clips)
    )
    with pytest.raises(ConfigError, match="another recipe or on other clips"):
        train_member(recipe, replace(embedded, clips=renamed), tmp_path)


def test_what_cannot_be_is_refused(prepared: tuple[Path, Prepared], tmp_path: Path) -> None:
    path, heard = prepared
    with pytest.raises(ConfigError, match="beauty, which is no axis"):
        against(path, "{domains: {kind: source}, axes: [beauty]}")
    with pytest.raises(ConfigError, match="of"):
        against(path, "{domains: {kind: source, of: weather}}")
    flat = tuple(replace(clip, path=Path(clip.path).name) for clip in heard.embedded.clips)
    with pytest.raises(DataError, match="two sources or more"):
        fit_member(
            against(path, "{domains: {kind: source}}"),
            replace(heard.embedded, clips=flat),
            tmp_path,
        )
