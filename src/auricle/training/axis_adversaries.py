"""What a member of a fused system is trained against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from auricle.data.domains import balance_sources
from auricle.data.rated import RatedClip
from auricle.heads.axes import AxisPrediction
from auricle.training.adversary import Adversary, write_domains
from auricle.training.adversary_recipe import find_domains
from auricle.training.axis_adversary_recipe import RatedSource
from auricle.training.fusion_recipe import FusionRecipe
from auricle.training.judging import Ratings, dataset


class AxisAdversaries(nn.Module):
    """Discriminators, each of which reads the latents of its own axes.

    `places[i]` are the latents that adversary `i` reads. Without adversaries there is no loss.
    """

    def __init__(self, adversaries: Sequence[Adversary], places: Sequence[Sequence[int]]) -> None:
        super().__init__()
        # Typed as what they are; the list registers them.
        self.members = tuple(adversaries)
        self.adversaries = nn.ModuleList(adversaries)
        self.places = [list(chosen) for chosen in places]

    def forward(
        self, prediction: AxisPrediction, rows: NDArray[np.int64], progress: float
    ) -> Tensor:
        """Return the loss to be added to that of a batch: the sum of all adversaries'.

        `rows` `[batch]` are the clips' places, `progress` (0..1) the share of the training done.
        """
        loss = prediction.mean.new_zeros(())
        for adversary, chosen in zip(self.adversaries, self.places, strict=True):
            vectors = prediction.latents[:, chosen].flatten(1)
            loss = loss + adversary(vectors, rows, progress)
        return loss

    def rates(self) -> list[tuple[nn.Module, float]]:
        """Return each adversary with its share of the learning rate."""
        return [(adversary, adversary.config.lr) for adversary in self.members]

    def save(self, folder: Path) -> None:
        """Write what `auricle.training.adversary.write_domains` does."""
        write_domains(self.members, folder)


def build_adversaries(
    recipe: FusionRecipe,
    clips: Sequence[RatedClip],
    training: NDArray[np.int64],
    vectors: Callable[[], ArrayLike],
    latents: Tensor,
) -> AxisAdversaries:
    """Build a recipe's adversaries for clips.

    `training` are the rows that may be looked at, `vectors()` `[clip, feature]` what clips sound
    like before the training, `latents` `[batch, latent, feature]` an example of the member's.
    Raises `DataError` when there are too few domains of a wanted kind.
    """
    names = [axis.name for axis in recipe.system.axes]
    adversaries, places = [], []
    for config in recipe.adversaries:
        chosen = [names.index(name) for name in config.axes or names]
        read = chosen if latents.shape[1] == len(names) else [0]
        source = config.domains.of if config.domains.kind == "source" else "dataset"
        sources = name_sources(source, clips)
        domains = find_domains(config.domains, sources, vectors, training, recipe.seed)
        adversaries.append(Adversary(config, len(read) * latents.shape[2], domains))
        places.append(read)
    return AxisAdversaries(adversaries, places)


def name_sources(of: RatedSource, clips: Sequence[RatedClip]) -> list[str]:
    """Return the source of each clip.

    >>> name_sources("dataset", [RatedClip("a", "PAM/a.wav", "train")])
    ['PAM']
    """
    if of == "dataset":
        return [dataset(clip) for clip in clips]
    return [getattr(clip, of) for clip in clips]


def share_draws(
    recipe: FusionRecipe, clips: Sequence[RatedClip], ratings: Ratings
) -> NDArray[np.float64] | None:
    """Return how often each training clip is to be drawn, `[clip]`, as the recipe's balance wants.

    The sources it names are balanced by the mean of the axes with `ratings` `[clip, axis]`, each as
    a share of its scale; clips that are rated on none count as average.
    """
    if recipe.data.balance is None:
        return None
    axes = recipe.system.axes
    low, span = (np.array([getattr(axis, end) for axis in axes]) for end in ("low", "span"))
    shares = (ratings - low) / span
    rated = np.isfinite(shares)
    count = rated.sum(axis=1)
    quality = np.where(rated, shares, 0.0).sum(axis=1) / np.maximum(count, 1)
    quality[count == 0] = quality[count > 0].mean()
    return balance_sources(name_sources(recipe.data.balance, clips), quality)
