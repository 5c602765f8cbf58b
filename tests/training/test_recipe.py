from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.core.errors import ConfigError
from auricle.recipes.reading import embedded_recipes, recipe_kind
from auricle.training.aspect_recipe import load_aspects
from auricle.training.distance_recipe import load_distance_recipe
from auricle.training.fusion_recipe import load_fusion_recipe, load_grid
from auricle.training.pretraining_recipe import load_pretraining_recipe
from auricle.training.recipe import Recipe, load_recipe


def test_every_embedded_recipe_loads() -> None:
    assert {"codec-conv1d", "codec-music"} <= set(embedded_recipes("systems"))
    for name in embedded_recipes("systems"):
        kind = recipe_kind(name, "systems")
        if kind is None:
            assert load_recipe(name).system.name == name
        elif kind == "fusion":
            assert load_fusion_recipe(name).system.name == name
        elif kind == "distance":
            assert load_distance_recipe(name).system.name == name
        elif kind == "pretraining":
            assert name.removesuffix("-pretraining") in ("jsqa", "jsqa-small")
            assert load_pretraining_recipe(name).encoder.kind == "residual_cnn"
        elif kind == "aspects":
            assert not load_fusion_recipe(load_aspects(name).base).adversaries
        else:
            models = list(load_grid(name).models())
            assert len(models) == len({name for name, _ in models}) >= 16
            for _, overrides in models:
                load_fusion_recipe(load_grid(name).base, overrides)


def test_the_paper_is_trained_as_published() -> None:
    recipe = load_recipe("codec-conv1d")
    assert recipe.loss.kind == "mean_squared_error"
    assert (recipe.optimiser.kind, recipe.optimiser.lr) == ("adam", 1e-3)
    assert (recipe.batch_size, recipe.max_epochs) == (64, 300)
    assert (recipe.plateau, recipe.patience) == (10, 50)
    assert (recipe.system.label_scale.low, recipe.system.label_scale.high) == (1.0, 5.0)
    assert recipe.data.crop is None


def test_overrides_come_last_and_keep_their_neighbours() -> None:
    recipe = load_recipe("codec-music", ["optimiser.lr=3e-4", "system.encoder.channels=[8, 16]"])
    assert recipe.optimiser.lr == 3e-4
    assert recipe.optimiser.kind == "adamw"
    assert recipe.system.encoder.model_dump()["channels"] == (8, 16)


def test_another_kind_takes_nothing_over_from_the_one_it_replaces() -> None:
    recipe = load_recipe("codec-music", ["loss={kind: mean_squared_error}"])
    assert recipe.loss.model_dump() == {"kind": "mean_squared_error"}


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("optimizer.lr=1e-3", "optimizer: Extra inputs"),
        ("optimiser.rate=1e-3", "optimiser.rate: Extra inputs"),
        ("system.encoder.chanels=[1]", "system.encoder.chanels: Extra inputs"),
        ("system.encoder.channels=[0]", "system.encoder.channels.0: Input should be greater"),
        ("system.encoder.kind=resnet", "system.encoder: Input tag 'resnet'"),
        ("data.augmentation.tilt=3", "data.augmentation.tilt: Extra inputs"),
        ("batch_size=many", "batch_size: Input should be a valid integer"),
    ],
)
def test_a_typo_is_rejected_with_its_path(override: str, path: str) -> None:
    with pytest.raises(ConfigError, match=f"recipe codec-music is wrong:\n  {path}"):
        load_recipe("codec-music", [override])


@pytest.mark.parametrize("override", ["optimiser.lr", "=3", "optimiser..lr=3", "seed=[1"])
def test_what_is_no_override_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="override"):
        load_recipe("codec-music", [override])


def test_extends_states_only_the_difference(tmp_path: Path) -> None:
    ablation = tmp_path / "ablation.yaml"
    ablation.write_text("extends: codec-music\nsystem: {encoder: {context: 0}}\n")
    base, changed = load_recipe("codec-music"), load_recipe(ablation)
    expected = base.model_dump()
    expected["system"]["encoder"]["context"] = 0
    assert changed == Recipe.model_validate(expected)


def test_extends_goes_one_level_and_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("extends: codec-music\nseed: 1\n")
    (tmp_path / "two.yaml").write_text("extends: one.yaml\n")
    with pytest.raises(ConfigError, match="itself extends another"):
        load_recipe(tmp_path / "two.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [("- 1", "must be a mapping"), ("a: [", "is not YAML"), ("a: !!python/name:os.system", "YAML")],
)
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_recipe(path)


def test_unknown_names_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"codec-conv1d, .*codec-music"):
        load_recipe("codec-musik")
    with pytest.raises(ConfigError, match="there is no recipe at"):
        load_recipe(tmp_path / "recipe.yaml")


@given(seed=st.integers(0, 2**31), lr=st.floats(1e-6, 1.0))
@settings(max_examples=15, deadline=None)
def test_a_resolved_recipe_loads_again(seed: int, lr: float) -> None:
    recipe = load_recipe("codec-conv1d", [f"seed={seed}", f"optimiser.lr={lr!r}"])
    text = yaml.safe_dump(recipe.model_dump(mode="json"))
    assert Recipe.model_validate(yaml.safe_load(text)) == recipe


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("codec-music", ["system.history=null"], "auxiliary.history"),
        ("codec-music", ["auxiliary.history=0"], "auxiliary.history"),
        ("codec-conv1d", ["data.crop=2.5"], "clips of any length"),
        ("codec-music", ["calibrate_on=test"], "calibrate_on"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    name: str, overrides: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe(name, overrides)
