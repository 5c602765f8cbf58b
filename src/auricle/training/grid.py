"""Many variants of one recipe, judged alike, and ensembles of the best.

```
NAME/           a model each: recipe.yaml, log.csv, member.safetensors, result.json
ratings.csv     what every model and ensemble says of every clip
results.md      the tables; results.json the same for programs
bundle/         the chosen ensemble
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import ConfigError, DataError
from auricle.data.rated import RatedClip
from auricle.heads.member import MemberHead
from auricle.systems.config import Name
from auricle.systems.estimate import Estimate, combine_members
from auricle.systems.fusion import Fusion
from auricle.systems.fusion_config import FusionConfig
from auricle.training.embeddings import EmbeddedClips, Progress
from auricle.training.fusion_bundle import calibrate_axes, calibration_rows, write_fusion
from auricle.training.fusion_fit import OnMemberEpoch, rate
from auricle.training.fusion_loop import Prepared, prepare, train_member
from auricle.training.fusion_recipe import FusionRecipe, GridRecipe, Ranking, load_fusion_recipe
from auricle.training.judging import Judgement, Ratings, choose_rows, judge

OnModel = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A model or an ensemble: its members, and what it says of all clips, `mean` `[clip, axis]`."""

    name: str
    members: tuple[str, ...]
    estimate: Estimate

    @property
    def ratings(self) -> Ratings:
        """Ratings of all clips `[clip, axis]`."""
        return self.estimate.mean


@dataclass(frozen=True, slots=True, eq=False)
class GridResult:
    """What came out of a grid, judged on all of its sets (`judgements[model][set]`)."""

    models: tuple[Candidate, ...]
    ensembles: tuple[Candidate, ...]
    judgements: dict[str, dict[Name, Judgement]]
    embedded: EmbeddedClips
    config: FusionConfig
    bundle: Path

    def best_model(self, of: Name) -> Candidate:
        """Return the single model with the best SRCC on a set."""
        return max(self.models, key=lambda model: self.judgements[model.name][of].srcc)


def train_grid(
    grid: GridRecipe,
    clips: Sequence[RatedClip],
    audio: Path,
    cache: Path,
    output: Path,
    *,
    overrides: Sequence[str] = (),
    resume: bool = True,
    on_clip: Progress | None = None,
    on_model: OnModel | None = None,
    on_epoch: OnMemberEpoch | None = None,
) -> GridResult:
    """Train all models of a grid, judge them, form its ensembles, and write the chosen bundle.

    `clips` have paths relative to `audio`; `overrides` of the base come before a variant's own.
    With `resume`, models that were trained by the same recipe on the same clips are not trained
    again.

    Raises `ConfigError` when variants differ in more than members and training, `DataError` when
    the clips don't fit the recipe or no model is in an ensemble.
    """
    recipes = {
        name: load_fusion_recipe(grid.base, (*overrides, *changes))
        for name, changes in grid.models()
    }
    config = _common_system(recipes)
    precision = next(iter(recipes.values())).data.precision
    prepared = prepare(config, precision, clips, audio, cache, on_clip)
    embedded = prepared.embedded
    sets = {name: choose_rows(embedded.clips, choice) for name, choice in grid.sets.items()}
    judgements: dict[str, dict[Name, Judgement]] = {}
    members: dict[str, MemberHead] = {}
    raw: dict[str, Estimate] = {}
    models: list[Candidate] = []
    everything = np.arange(len(embedded.clips))
    for number, (name, recipe) in enumerate(recipes.items(), start=1):
        if on_model is not None:
            on_model(name, number, len(recipes))
        members[name] = train_member(
            recipe, embedded, output / name, resume=resume, on_epoch=on_epoch
        )
        raw[name] = rate(recipe, members[name], embedded, everything)
        models.append(_combine(config, name, raw, [name]))
        judgements[name] = _judge_sets(grid, config, embedded, sets, models[-1].ratings)
    ensembles = [
        _combine(config, name, raw, _choose(models, judgements, rankings))
        for name, rankings in grid.ensembles.items()
    ]
    for ensemble in ensembles:
        judgements[ensemble.name] = _judge_sets(grid, config, embedded, sets, ensemble.ratings)
    chosen = next(ensemble for ensemble in ensembles if ensemble.name == grid.bundle)
    whole = config.model_copy(
        update={"members": tuple(recipes[name].system.members[0] for name in chosen.members)}
    )
    parts = [members[name] for name in chosen.members]
    bundle = _write(output / "bundle", whole, parts, chosen, prepared)
    return GridResult(tuple(models), tuple(ensembles), judgements, embedded, config, bundle)


def _judge_sets(
    grid: GridRecipe,
    config: FusionConfig,
    embedded: EmbeddedClips,
    sets: Mapping[Name, NDArray[np.int64]],
    ratings: Ratings,
) -> dict[Name, Judgement]:
    """Judge ratings of all clips `[clip, axis]` on the rows of each set."""
    return {
        name: judge(
            config.axes,
            [embedded.clips[row] for row in rows.tolist()],
            ratings[rows],
            embedded.ratings[rows],
            grid.sets[name].level,
            grid.resamples,
        )
        for name, rows in sets.items()
    }


def _choose(
    models: Sequence[Candidate],
    judgements: dict[str, dict[Name, Judgement]],
    rankings: Sequence[Ranking],
) -> list[str]:
    """Return the models that are among the best of every ranking, in the grid's order."""
    chosen = {model.name for model in models}
    for ranking in rankings:
        scores = {name: judgements[name][ranking.set].srcc for name in judgements}
        ordered = sorted((m.name for m in models), key=lambda name: -scores[name])
        chosen &= set(ordered[: ranking.best])
    return [model.name for model in models if model.name in chosen]


def _combine(
    config: FusionConfig, name: str, raw: Mapping[str, Estimate], members: Sequence[str]
) -> Candidate:
    """Average what the members say and keep the ratings within the scales, as scoring does."""
    if not members:
        raise DataError(f"no model is among the best of every ranking of ensemble {name}")
    low, high = ([getattr(axis, end) for axis in config.axes] for end in ("low", "high"))
    whole = combine_members([raw[member] for member in members])
    return Candidate(name, tuple(members), whole._replace(mean=np.clip(whole.mean, low, high)))


def _common_system(recipes: dict[str, FusionRecipe]) -> FusionConfig:
    """Return the system with all encoders that some model reads."""
    systems = [recipe.system for recipe in recipes.values()]
    members = tuple(member for system in systems for member in system.members)
    whole = [system.model_copy(update={"members": members}) for system in systems]
    if any(system != whole[0] for system in whole):
        raise ConfigError("the variants of a grid may differ in their members, not in the system")
    if len({recipe.data.precision for recipe in recipes.values()}) > 1:
        raise ConfigError("the variants of a grid share their embeddings: state one data.precision")
    if any(recipe.train_encoder != "frozen" for recipe in recipes.values()):
        raise ConfigError(
            "the models of a grid share their embeddings: train one that changes its encoders"
            " by itself, by a recipe of kind fusion"
        )
    return whole[0]


def _write(
    folder: Path,
    config: FusionConfig,
    members: Sequence[MemberHead],
    chosen: Candidate,
    prepared: Prepared,
) -> Path:
    read = config.used_encoders.keys()
    sources = {name: s for name, s in prepared.config.encoders.items() if name in read}
    resolved = config.model_copy(update={"encoders": sources})
    encoders = {name: prepared.encoders[name] for name in sources}
    embedded = prepared.embedded
    unseen = calibration_rows(embedded.clips)
    estimate = Estimate(*(values[unseen] for values in chosen.estimate))
    calibration = calibrate_axes(config.axes, estimate, embedded.ratings[unseen])
    return write_fusion(folder, Fusion(encoders, members, resolved), resolved, calibration)
