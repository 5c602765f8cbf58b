"""The search for what each axis is best trained against, end to end with a tiny system."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from auricle.catalog import load
from auricle.cli.main import run
from auricle.core.errors import ConfigError, DataError
from auricle.data.rated import read_rated
from auricle.stats.correlation import spearman
from auricle.systems.fusion_config import Axis
from auricle.training.aspect_recipe import AspectRecipe, load_aspects
from auricle.training.aspects import AspectResult, judge_axes, train_aspects
from auricle.training.fusion_fit import load_member, rate
from auricle.training.fusion_loop import prepare
from auricle.training.fusion_recipe import FusionRecipe, load_fusion_recipe

SEARCH = {
    "kind": "aspects",
    "base": "tiny.yaml",
    "strategies": {
        "none": [],
        "system": [{"domains": {"kind": "source", "of": "system"}, "weight": 1.0}],
        "kmeans-2": [{"domains": {"kind": "kmeans", "clusters": 2}, "weight": 1.0}],
    },
    "seeds": [3, 5],
    "judge_by": "mse",
}


def load_tiny(recipes: Path, **changes: object) -> AspectRecipe:
    path = recipes / "aspects.yaml"
    path.write_text(yaml.safe_dump({**SEARCH, **changes}, sort_keys=False))
    return load_aspects(path)


@pytest.fixture(scope="module")
def searched(recipes: Path, audio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search by the command line."""
    output = tmp_path_factory.mktemp("search")
    load_tiny(recipes)
    arguments = ["train", str(recipes / "aspects.yaml"), "--clips", str(audio / "rated.csv")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["auricle", *arguments, "--output", str(output)])
        with pytest.raises(SystemExit) as leaving:
            run()
    assert not leaving.value.code
    return output


def test_all_strategies_are_trained_and_a_system_ships(searched: Path, audio: Path) -> None:
    names = {f"{name}-{seed}" for name in (*SEARCH["strategies"], "aspects") for seed in (3, 5)}
    assert {path.parent.name for path in searched.glob("*/result.json")} == names
    assert load(str(searched / "bundle")).score_file(audio / "1.wav").axes
    text = (searched / "results.md").read_text()
    for name in (*SEARCH["strategies"], "aspects"):
        assert text.count(f"| {name} |") == 2
    assert "### test (not used for the choice)" in text
    assert text.count("**") % 2 == 0
    assert "±" in text


def test_each_axis_gets_the_best_on_validation(searched: Path) -> None:
    facts = json.loads((searched / "results.json").read_text())
    figures = facts["figures"]["validation"]
    for axis, chosen in facts["chosen"].items():
        means = {name: np.mean(figures[name]["mse"][axis]) for name in SEARCH["strategies"]}
        assert chosen == min(means, key=lambda name: means[name])
    recipe = FusionRecipe.model_validate(
        yaml.safe_load((searched / "aspects-3" / "recipe.yaml").read_text())
    )
    told = {axis: one.domains.kind for one in recipe.adversaries for axis in one.axes}
    kinds = {"system": "source", "kmeans-2": "kmeans"}
    wanted = {axis: kinds[name] for axis, name in facts["chosen"].items() if name != "none"}
    assert told == wanted


def test_figures_are_those_of_the_models_that_are_there(
    searched: Path, recipes: Path, audio: Path
) -> None:
    facts = json.loads((searched / "results.json").read_text())
    recipe = load_fusion_recipe(recipes / "tiny.yaml")
    clips = read_rated(audio / "rated.csv")
    prepared = prepare(recipe.system, "float16", clips, audio, searched / "embeddings")
    embedded = prepared.embedded
    rows = np.flatnonzero([clip.split == "test" for clip in embedded.clips])
    member = load_member(recipe, embedded, searched / "system-5")
    said = np.clip(rate(recipe, member, embedded, rows).mean[:, 0], 1.0, 5.0)
    label = embedded.ratings[rows, 0]
    found = facts["figures"]["test"]["system"]
    assert found["mse"]["clarity"][1] == pytest.approx(np.mean((said - label) ** 2))
    assert found["srcc"]["clarity"][1] == pytest.approx(spearman(said, label))


@pytest.fixture
def again(searched: Path, recipes: Path, audio: Path) -> Callable[..., AspectResult]:
    def call(**options: object) -> AspectResult:
        return train_aspects(
            load_tiny(recipes, **options),
            read_rated(audio / "rated.csv"),
            audio,
            searched / "embeddings",
            searched,
            on_epoch=lambda epoch: pytest.fail("it trains again"),
        )

    return call


def test_a_search_goes_on_where_it_was(again: Callable[..., AspectResult], searched: Path) -> None:
    facts = json.loads((searched / "results.json").read_text())
    result = again()
    assert result.chosen == facts["chosen"]
    assert list(result.figures) == ["validation", "test"]


def test_too_many_clusters_are_missed_before_training(again: Callable[..., AspectResult]) -> None:
    wide = [{"domains": {"kind": "kmeans", "clusters": 32}}]
    with pytest.raises(DataError, match="strategy wide: 32 clusters need as many clips"):
        again(strategies={"none": [], "wide": wide})


def test_axes_with_one_latent_are_not_searched(recipes: Path, audio: Path, tmp_path: Path) -> None:
    joint = ["system.members=[{encoders: [mel], head: multi_gauss}]", "loss={kind: multi_gauss}"]
    with pytest.raises(ConfigError, match="share what an adversary reads"):
        train_aspects(load_tiny(recipes), [], audio, tmp_path / "cache", tmp_path, overrides=joint)


def test_what_cannot_be_searched_is_refused(recipes: Path, audio: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'aspects' is what the chosen system is called"):
        load_tiny(recipes, strategies={"aspects": [], "none": []})
    with pytest.raises(ConfigError, match="names one twice"):
        load_tiny(recipes, seeds=[1, 1])
    with pytest.raises(ConfigError, match="strategies"):
        load_tiny(recipes, strategies={"none": []})
    with pytest.raises(ConfigError, match="axes"):
        load_tiny(
            recipes,
            strategies={"none": [], "a": [{"domains": {"kind": "random"}, "axes": ["clarity"]}]},
        )
    wrong = ["adversaries=[{domains: {kind: random}}]"]
    with pytest.raises(ConfigError, match="the base has none"):
        train_aspects(load_tiny(recipes), [], audio, tmp_path / "cache", tmp_path, overrides=wrong)


def test_models_that_say_one_thing_are_not_ranked() -> None:
    axes = [Axis(name="a", low=1.0, high=5.0), Axis(name="b", low=1.0, high=5.0)]
    ratings = np.full((1, 4, 2), 3.0)
    labels = np.column_stack(([1.0, 2.0, 3.0, np.nan], np.full(4, np.nan)))
    figures = judge_axes(axes, ratings, labels)
    assert np.isnan(figures.srcc).all()
    assert figures.mse[0, 0] == pytest.approx(5.0 / 3.0)
    assert np.isnan(figures.mse[0, 1])


@pytest.mark.parametrize("name", ["dat-aspect", "dat-aspect-open"])
def test_embedded_searches_fit_their_base(name: str) -> None:
    search = load_aspects(name)
    base = load_fusion_recipe(search.base)
    chosen = dict.fromkeys((axis.name for axis in base.system.axes), "kmeans-16")
    (adversary,) = search.combine(chosen)
    assert adversary.axes == tuple(chosen)
    assert adversary.domains.kind == "kmeans"
    assert list(search.combine(dict.fromkeys(chosen, "none"))) == []
    # What is searched: source, five numbers of clusters, chance, and none.
    assert len(search.strategies) == 8
