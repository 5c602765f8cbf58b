"""Training a member of a fused system together with the encoders that it reads."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from auricle.core.audio import Samples
from auricle.core.errors import ConfigError
from auricle.data.domains import draw_rows
from auricle.encoders.clock import embed_at_rate
from auricle.encoders.lora import add_lora, merged_state
from auricle.encoders.waveform import WaveformEncoder
from auricle.heads.axes import AxisPrediction
from auricle.heads.member import MemberHead
from auricle.signal.checks import is_silent
from auricle.signal.segment import split_segments
from auricle.systems.config import Name
from auricle.systems.encoders import build_encoder
from auricle.systems.estimate import Estimate
from auricle.systems.fusion_config import FusionConfig
from auricle.systems.fusion_front_end import FusionFrontEnd
from auricle.systems.listener import Listener
from auricle.training.axis_adversaries import (
    AxisAdversaries,
    build_adversaries,
    share_draws,
)
from auricle.training.embeddings import digest_weights
from auricle.training.epochs import Trainer
from auricle.training.fusion_fit import (
    MemberEpoch,
    OnMemberEpoch,
    estimate_loss,
    find_rows,
    rate_segments,
    rating_loss,
    start_member,
)
from auricle.training.fusion_recipe import FusionRecipe
from auricle.training.optimiser import build_optimiser
from auricle.training.sampled_clips import SampledClips


class TunedFusion(nn.Module):
    """Encoders that learn, and the member that reads them; `config` is the resolved one."""

    def __init__(
        self,
        encoders: Mapping[Name, WaveformEncoder],
        member: MemberHead,
        config: FusionConfig,
    ) -> None:
        super().__init__()
        # Typed as what they are; the dictionary registers them.
        self.by_name = dict(encoders)
        self.encoders = nn.ModuleDict(encoders)
        self.member = member
        self.config = config
        front_ends = {name: encoder.front_end for name, encoder in encoders.items()}
        self.front_end = FusionFrontEnd(config, front_ends)

    def forward(self, segments: Sequence[Samples]) -> AxisPrediction:
        """Return the ratings of mono segments `[time]` at the system's rate, of any lengths."""
        bins = torch.tensor([self.config.bins(segment.size) for segment in segments])
        prediction: AxisPrediction = self.member(self.embed(segments, int(bins.max())), bins)
        return prediction

    def embed(self, segments: Sequence[Samples], bins: int) -> list[Tensor]:
        """Return `[batch, layer, bin, feature]` by encoder, in the order that the member reads."""
        prepared = [self.front_end(segment) for segment in segments]
        found = []
        for name in self.config.members[0].encoders:
            clips = [torch.from_numpy(one[name]) for one in prepared]
            steps = torch.tensor([len(clip) for clip in clips])
            padded = pad_sequence(clips, batch_first=True)
            rate = self.config.frame_rate
            found.append(embed_at_rate(self.by_name[name], padded, rate, bins, steps))
        return found


def tune_member(
    recipe: FusionRecipe,
    encoders: Mapping[Name, WaveformEncoder],
    config: FusionConfig,
    sampled: SampledClips,
    folder: Path,
    *,
    resume: bool = True,
    on_epoch: OnMemberEpoch | None = None,
) -> TunedFusion:
    """Train a member and its encoders; return both as in the epoch of least validation loss.

    `encoders` and the resolved `config` are what `load_encoders` returns; the encoders are changed.
    `folder` receives `log.csv`, a checkpoint and the best weights. With `resume` it goes on from
    there, to the same weights as without interruption; the same seed and number of threads give
    the same weights.

    Raises `DataError` without training or validation clips or without ratings of an axis,
    `ConfigError` when the folder belongs to another training, the loss is not finite any more, or
    an encoder has no layer that LoRA is to adapt.
    """
    trainer = _Trainer(recipe, start_tuning(recipe, encoders, config, sampled), sampled)
    folder.mkdir(parents=True, exist_ok=True)
    trainer.run(folder, resume=resume, on_epoch=on_epoch)
    trainer.adversaries.save(folder)
    return trainer.network


def start_tuning(
    recipe: FusionRecipe,
    encoders: Mapping[Name, WaveformEncoder],
    config: FusionConfig,
    sampled: SampledClips,
) -> TunedFusion:
    """Build the network before training, the same every time, and say what of it learns."""
    training = find_rows(sampled.clips, "train")
    listener = Listener(config, encoders)

    def embed(name: Name) -> Iterator[Tensor]:
        return (torch.from_numpy(listener.embed(sampled.samples(r))[name]) for r in training)

    member = start_member(recipe, listener.shapes, sampled.ratings[training], embed)
    for encoder in encoders.values():
        encoder.requires_grad_(recipe.train_encoder == "full")
        if (lora := recipe.lora) is not None:
            add_lora(encoder, lora.rank, lora.alpha, lora.targets, lora.dropout)
    return TunedFusion(encoders, member, config)


@torch.no_grad()
def rate_samples(network: TunedFusion, sampled: SampledClips, rows: NDArray[np.int64]) -> Estimate:
    """Return what a network says of clips as when scoring, `mean` `[row, axis]` on the scales."""
    network.eval()
    # One by one: what is said of a clip must not depend on who is next to it.
    clips = (sampled.samples(row) for row in rows)
    found = [rate_segments(network.member, _cut(network, clip)) for clip in clips]
    return Estimate(*map(np.stack, zip(*found, strict=True)))


def merge_encoders(network: TunedFusion) -> tuple[dict[Name, WaveformEncoder], FusionConfig]:
    """Return encoders to be run or saved, adapters merged, and the configuration that tells them.

    The checksums there are those of what was learned.
    """
    merged, sources = {}, {}
    for name, source in network.config.encoders.items():
        # Fresh weights are drawn and thrown away: nobody's random numbers are to change by that.
        with torch.random.fork_rng(devices=[]):
            encoder = build_encoder(source)
        encoder.load_state_dict(merged_state(network.by_name[name]), strict=True)
        merged[name] = encoder.eval().requires_grad_(False)
        sources[name] = source.model_copy(update={"sha256": digest_weights(encoder)})
    return merged, network.config.model_copy(update={"encoders": sources})


def _cut(network: TunedFusion, samples: Samples) -> Iterator[tuple[float, list[Tensor]]]:
    """Yield the segments that are judged: the samples that are new in them, and embeddings."""
    segments = [*split_segments([samples], network.config.segment_samples)]
    # Of a recording that is silent by parts only, as steps of an offset are, all are taken.
    for segment in [one for one in segments if not is_silent(one.samples)] or segments:
        bins = network.config.bins(segment.samples.size)
        yield segment.fresh, network.embed([segment.samples], bins)


class _Trainer(Trainer[MemberEpoch]):
    record = MemberEpoch

    def __init__(self, recipe: FusionRecipe, network: TunedFusion, sampled: SampledClips) -> None:
        self.recipe, self.sampled = recipe, sampled
        self.network: TunedFusion = network
        self.training = find_rows(sampled.clips, "train")
        self.validation = find_rows(sampled.clips, "validation")
        self.fingerprint = _fingerprint(recipe, network, sampled)
        self.adversaries = _build_adversaries(recipe, network, sampled, self.training)
        learning = nn.ModuleList([network, self.adversaries])
        shares = [(network.encoders, recipe.encoder_lr), *self.adversaries.rates()]
        self.optimiser = build_optimiser(recipe.optimiser, learning, shares)
        self.epochs: list[MemberEpoch] = []

    @property
    def improved(self) -> bool:
        return self._stale == 0

    @property
    def finished(self) -> bool:
        done = len(self.epochs)
        return done >= self.recipe.max_epochs or (done > 0 and self._stale >= self.recipe.patience)

    @property
    def _stale(self) -> int:
        """How many epochs came after the best one."""
        losses = [epoch.validation_loss for epoch in self.epochs]
        return len(losses) - 1 - int(np.argmin(losses))

    def run_epoch(self) -> MemberEpoch:
        began = time.monotonic()
        number = len(self.epochs) + 1
        train_loss = self._optimise(number)
        estimate = rate_samples(self.network, self.sampled, self.validation)
        labels = self.sampled.ratings[self.validation]
        loss = estimate_loss(self.recipe, self.network.member, estimate, labels)
        if not (math.isfinite(train_loss) and math.isfinite(loss)):
            raise ConfigError(f"training diverged in epoch {number}: lower optimiser.lr")
        return MemberEpoch(number, train_loss, loss, time.monotonic() - began)

    def _optimise(self, number: int) -> float:
        rng = np.random.default_rng([self.recipe.seed, number])
        # Dropout follows from the epoch's number too, so there is no generator state to keep.
        torch.manual_seed(int(rng.integers(2**31)))
        self.network.train()
        clips = [self.sampled.clips[row] for row in self.training]
        shares = share_draws(self.recipe, clips, self.sampled.ratings[self.training])
        total, rows = 0.0, draw_rows(self.training, shares, rng)
        batches = math.ceil(len(rows) / self.recipe.batch_size)
        for step, chosen in enumerate(np.array_split(rows, batches)):
            self.optimiser.zero_grad(set_to_none=True)
            found = self.network([self._crop(row, rng) for row in chosen])
            labels = torch.from_numpy(self.sampled.ratings[chosen].astype(np.float32))
            member = self.network.member
            loss = rating_loss(self.recipe, member, found.mean, found.factor, labels)
            progress = (number - 1 + step / batches) / self.recipe.max_epochs
            loss = loss + self.adversaries(found, chosen, progress)
            loss.backward()
            self.optimiser.step()
            total += loss.item() * len(chosen)
        return total / len(rows)

    def _crop(self, row: int, rng: np.random.Generator) -> Samples:
        samples = self.sampled.samples(row)
        crop = round(self.recipe.data.crop * self.recipe.system.sample_rate)
        begin = int(rng.integers(max(0, samples.size - crop) + 1))
        return np.array(samples[begin : begin + crop])

    def state(self) -> dict[str, Any]:
        return super().state() | {"adversaries": self.adversaries.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.adversaries.load_state_dict(state["adversaries"])


@torch.no_grad()
def _build_adversaries(
    recipe: FusionRecipe,
    network: TunedFusion,
    sampled: SampledClips,
    training: NDArray[np.int64],
) -> AxisAdversaries:
    """Build what is trained against; domains are found in what the encoders say at first."""
    config = network.config
    listener = Listener(config, network.eval().by_name)

    def describe(row: int) -> NDArray[np.float32]:
        found = listener.embed(sampled.samples(row)).values()
        return np.concatenate([one[-1].mean(axis=0) for one in found])

    return build_adversaries(
        recipe,
        sampled.clips,
        training,
        lambda: np.stack([describe(row) for row in range(len(sampled.clips))]),
        network([sampled.samples(training[0])[: config.segment_samples]]).latents,
    )


def _fingerprint(recipe: FusionRecipe, network: TunedFusion, sampled: SampledClips) -> str:
    digests = [digest_weights(encoder) for encoder in network.by_name.values()]
    facts = repr([recipe.model_dump_json(), sampled.identity, digests])
    return hashlib.sha256(facts.encode()).hexdigest()
