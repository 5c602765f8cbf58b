"""The domains that each axis is best trained against, and the system that follows from them.

```
NAME-SEED/      a model of each strategy and seed: recipe.yaml, log.csv, domains.json, ...
aspects-SEED/   the same of the system whose axes have each the strategy that is best for it
results.md      the table; results.json the same for programs
bundle/         that system, trained with the first seed
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.core.errors import ConfigError, DataError
from auricle.data.domains import find_source_domains
from auricle.data.manifest import Split
from auricle.data.rated import RatedClip
from auricle.heads.member import MemberHead
from auricle.stats.correlation import mse, spearman
from auricle.systems.config import Name
from auricle.systems.estimate import Estimate
from auricle.systems.fusion import Fusion
from auricle.systems.fusion_config import Axis, AxisName
from auricle.training.aspect_recipe import FINAL, AspectRecipe
from auricle.training.axis_adversaries import name_sources
from auricle.training.axis_adversary_recipe import RatedAdversaryConfig
from auricle.training.embeddings import EmbeddedClips, Progress
from auricle.training.fusion_bundle import calibrate_axes, calibration_rows, write_fusion
from auricle.training.fusion_fit import OnMemberEpoch, find_rows, rate
from auricle.training.fusion_loop import Prepared, prepare, train_member
from auricle.training.fusion_recipe import FusionRecipe, load_fusion_recipe
from auricle.training.grid import OnModel


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """How good the models of one strategy are on one split, `srcc` and `mse` `[seed, axis]`.

    SRCC is NaN where a model says the same of all clips, both where too few are rated.
    """

    srcc: NDArray[np.float64]
    mse: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AspectResult:
    """What a search found: `figures[split][strategy]`, and the strategy `chosen` for each axis."""

    axes: tuple[Axis, ...]
    figures: dict[Split, dict[Name, Figures]]
    chosen: dict[AxisName, Name]
    embedded: EmbeddedClips
    bundle: Path


def train_aspects(
    search: AspectRecipe,
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
) -> AspectResult:
    """Train all strategies of a search, choose one for each axis, and train and write the system.

    `clips` have paths relative to `audio`; `overrides` are of the base. With `resume`, models that
    were trained by the same recipe on the same clips are not trained again. Only the validation
    split chooses. Raises `ConfigError` when the base cannot be searched with, `DataError` when the
    clips don't fit it.
    """
    base = load_fusion_recipe(search.base, overrides)
    if base.adversaries:
        raise ConfigError("the adversaries are those of the strategies: the base has none")
    if any(member.head == "multi_gauss" for member in base.system.members):
        raise ConfigError(
            "the axes of a 'multi_gauss' head share what an adversary reads: search with the head"
            " 'mlp'"
        )
    if base.train_encoder != "frozen":
        raise ConfigError("a search shares embeddings: its base keeps the encoders frozen")
    prepared = prepare(base.system, base.data.precision, clips, audio, cache, on_clip)
    _check_domains(search, prepared.embedded.clips)
    series = _Series(search, base, prepared, output, resume, on_model, on_epoch)
    for name, adversaries in search.strategies.items():
        series.train(name, adversaries)
    chosen = _choose(search, base.system.axes, series.figures["validation"])
    member, estimate = series.train(FINAL, tuple(search.combine(chosen)))
    embedded = prepared.embedded
    unseen = calibration_rows(embedded.clips)
    known = Estimate(*(values[unseen] for values in estimate))
    calibration = calibrate_axes(base.system.axes, known, embedded.ratings[unseen])
    fusion = Fusion(prepared.encoders, [member], prepared.config)
    trained = output / f"{FINAL}-{search.seeds[0]}"
    bundle = write_fusion(output / "bundle", fusion, prepared.config, calibration, trained)
    return AspectResult(base.system.axes, series.figures, chosen, embedded, bundle)


def _check_domains(search: AspectRecipe, clips: Sequence[RatedClip]) -> None:
    """Look for the domains before the training: what is missing should not be missed afterwards."""
    training = find_rows(clips, "train")
    for name, adversaries in search.strategies.items():
        for domains in (adversary.domains for adversary in adversaries):
            if domains.kind == "source":
                find_source_domains(name_sources(domains.of, clips), training)
            elif domains.kind == "kmeans" and domains.clusters > training.size:
                raise DataError(
                    f"strategy {name}: {domains.clusters} clusters need as many clips to train on,"
                    f" not {training.size}"
                )


@dataclass
class _Series:
    """Models of one base, a strategy after the other."""

    search: AspectRecipe
    base: FusionRecipe
    prepared: Prepared
    output: Path
    resume: bool
    on_model: OnModel | None
    on_epoch: OnMemberEpoch | None
    figures: dict[Split, dict[Name, Figures]] = field(init=False)
    trained: int = 0

    def __post_init__(self) -> None:
        splits = {clip.split for clip in self.prepared.embedded.clips}
        self.figures = {"validation": {}, **({"test": {}} if "test" in splits else {})}

    def train(
        self, name: Name, adversaries: tuple[RatedAdversaryConfig, ...]
    ) -> tuple[MemberHead, Estimate]:
        """Train a strategy's models and judge them; return the first and what it says of all."""
        embedded = self.prepared.embedded
        everything = np.arange(len(embedded.clips))
        found = []
        for seed in self.search.seeds:
            self.trained += 1
            if self.on_model is not None:
                total = (len(self.search.strategies) + 1) * len(self.search.seeds)
                self.on_model(f"{name}-{seed}", self.trained, total)
            changes = {"adversaries": [one.model_dump() for one in adversaries], "seed": seed}
            recipe = FusionRecipe.model_validate({**self.base.model_dump(), **changes})
            folder = self.output / f"{name}-{seed}"
            member = train_member(
                recipe, embedded, folder, resume=self.resume, on_epoch=self.on_epoch
            )
            found.append((member, rate(recipe, member, embedded, everything)))
        for split, figures in self.figures.items():
            rows = np.flatnonzero([clip.split == split for clip in embedded.clips])
            means = np.stack([estimate.mean[rows] for _, estimate in found])
            figures[name] = judge_axes(self.base.system.axes, means, embedded.ratings[rows])
        return found[0]


def judge_axes(
    axes: Sequence[Axis], ratings: NDArray[np.float64], labels: NDArray[np.float64]
) -> Figures:
    """Judge `ratings` `[seed, clip, axis]`, kept within the scales, by `labels` `[clip, axis]`.

    >>> axis = Axis(name="quality", low=1.0, high=5.0)
    >>> ratings = np.array([[1.0, 2.0, 3.0, 6.0]])[:, :, None]
    >>> figures = judge_axes([axis], ratings, np.array([[2.0], [3.0], [4.0], [5.0]]))
    >>> figures.srcc.tolist(), figures.mse.tolist()
    ([[1.0]], [[0.75]])
    """
    low, high = ([getattr(axis, end) for axis in axes] for end in ("low", "high"))
    within = np.clip(ratings, low, high)
    rated = np.isfinite(labels)
    srcc, error = np.full((2, len(ratings), len(axes)), np.nan)
    for seed, place in np.ndindex(srcc.shape):
        known = rated[:, place]
        said, label = within[seed, known, place], labels[known, place]
        if known.any():
            error[seed, place] = mse(said, label)
        try:
            srcc[seed, place] = spearman(said, label)
        except DataError:
            # Nothing to rank: by SRCC such a model is never chosen.
            continue
    return Figures(srcc, error)


def _choose(
    search: AspectRecipe, axes: Sequence[Axis], figures: dict[Name, Figures]
) -> dict[AxisName, Name]:
    """Return the best strategy of each axis; of equal ones, the first."""
    chosen = {}
    for place, axis in enumerate(axes):
        means = {
            name: getattr(found, search.judge_by)[:, place].mean()
            for name, found in figures.items()
        }
        costs = {name: mean if search.judge_by == "mse" else -mean for name, mean in means.items()}
        chosen[axis.name] = min(costs, key=lambda name: np.nan_to_num(costs[name], nan=np.inf))
    return chosen
