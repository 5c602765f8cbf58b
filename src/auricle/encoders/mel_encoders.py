"""Encoders of the full-band log-mel spectrogram: the embedded network, and plain statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, pad

from auricle.core.errors import ConfigError
from auricle.encoders.masking import mark_real, rest_batch_norms
from auricle.encoders.mel_cnn import HOLE, BandStatistics, MelCnn
from auricle.encoders.published import load_published
from auricle.encoders.waveform import EncoderFacts, WaveformEncoder
from auricle.signal.spectra import LogMel

# Front end of the embedded codec models: full band, 10.7 ms from frame to frame.
_FULL_BAND = LogMel(hop=512, range_db=90.0, ceiling=20000.0)


class MelCnnEncoder(WaveformEncoder):
    """`auricle.encoders.mel_cnn.MelCnn` as an encoder of samples; its one layer is the last.

    The network is run with the padding masked before every layer that sees neighbours, so that
    clips of unequal lengths can share a batch.

    >>> front_end = LogMel(n_mels=32, hop=512)
    >>> encoder = MelCnnEncoder(front_end, MelCnn(32, features=8)).eval()
    >>> encoder(torch.zeros(1, 94, 32), torch.tensor([94])).shape
    torch.Size([1, 1, 24, 8])
    """

    front_end: LogMel

    def __init__(
        self,
        front_end: LogMel,
        network: MelCnn,
        *,
        licence: str = "Apache-2.0",
        sha256: str = "",
    ) -> None:
        super().__init__()
        self.front_end = front_end
        self.network = network
        self.facts = EncoderFacts(
            sample_rate=front_end.sample_rate,
            hop=front_end.hop * network.stride,
            layers=1,
            features=network.features,
            licence=licence,
            sha256=sha256,
        )

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; batch normalisation stays as it was trained."""
        super().train(mode)
        rest_batch_norms(self)
        return self

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]`: a quarter of the steps, rounded up."""
        return _half(_half(steps))

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, 1, frame, feature]` for `prepared` `[batch, step, mel]`."""
        network = self.network
        bands = network.bands(prepared.transpose(1, 2).unsqueeze(-1))
        image = _mask(bands.permute(0, 3, 2, 1), steps)
        steps_left = _half(steps)
        image = _mask(torch.relu(network.stem(image) + network.position), steps_left)
        for stage in network.stages:
            before = image.shape[2]
            image = stage(image)
            if image.shape[2] < before:
                steps_left = _half(steps_left)
            image = _mask(image, steps_left)
        folded = network.fold(image.permute(0, 1, 3, 2).flatten(1, 2))
        real = mark_real(self.frames(steps), folded.shape[-1]).unsqueeze(1)
        embedding = folded + network.neighbours(folded * real)
        if network.statistics is not None:
            embedding = embedding + _band_statistics(network.statistics, prepared, steps)
        dropped: Tensor = network.dropout(embedding.relu() * real)
        return dropped.transpose(1, 2).unsqueeze(1)


class MelStatistics(WaveformEncoder):
    """Statistics of each mel band around each frame, without any weights.

    About `context` steps around each frame give the mean, standard deviation, 5th and 95th
    percentiles and mean absolute change of each band; beside them stands the mean over the
    frame's own `stride` steps. Neighbouring bands are then averaged to `bands`, so there are six
    times as many features. At a clip's ends, only steps within it count. Such statistics are a
    strong baseline for codec artefacts, which show in single bands at the edge of hearing.

    Raises `ConfigError` when the front end's bands are no multiple of `bands`.

    >>> encoder = MelStatistics()
    >>> encoder(torch.zeros(1, 94, 256), torch.tensor([94])).shape
    torch.Size([1, 1, 24, 384])
    """

    front_end: LogMel

    def __init__(
        self,
        front_end: LogMel = _FULL_BAND,
        *,
        bands: int = 64,
        stride: int = 4,
        context: int = 94,
    ) -> None:
        super().__init__()
        if front_end.n_mels % bands:
            raise ConfigError(f"{front_end.n_mels} mel bands cannot be averaged to {bands}")
        if not 1 <= stride <= context:
            raise ConfigError(f"a context of {context} steps does not hold a frame of {stride}")
        self.front_end = front_end
        self.bands = bands
        self.stride = stride
        self.context = context
        self.facts = EncoderFacts(
            sample_rate=front_end.sample_rate,
            hop=front_end.hop * stride,
            layers=1,
            features=6 * bands,
            licence="Apache-2.0",
        )

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]`: one for every begun `stride` steps."""
        return (steps + self.stride - 1) // self.stride

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, 1, frame, feature]` for `prepared` `[batch, step, mel]`."""
        real = mark_real(steps, prepared.shape[1])
        # One clip after another: all windows of a batch would take much memory.
        statistics = torch.stack(
            [self._describe(clip, here) for clip, here in zip(prepared, real, strict=True)]
        )
        narrow = statistics.view(*statistics.shape[:3], self.bands, -1).mean(dim=-1).flatten(2)
        within = mark_real(self.frames(steps), narrow.shape[1])
        return narrow.masked_fill(~within.unsqueeze(-1), 0.0).unsqueeze(1)

    def _describe(self, clip: Tensor, real: Tensor) -> Tensor:
        """Return `[frame, statistic, mel]` for `clip` `[step, mel]` and `real` `[step]`."""
        change = pad((clip[1:] - clip[:-1]).abs(), (0, 0, 1, 0))
        changed = pad((real[1:] & real[:-1]), (1, 0))
        around = self._windows(clip, self.context)
        here = self._windows(real.unsqueeze(-1), self.context)
        mean = _mean(around, here)
        deviation = _mean((around - mean.unsqueeze(-1)).square(), here).sqrt()
        ordered = around.masked_fill(~here, torch.inf).sort(dim=-1).values
        last = here.sum(dim=-1) - 1
        low, high = (_pick(ordered, (share * last).round().long()) for share in (0.05, 0.95))
        moved = _mean(
            self._windows(change, self.context),
            self._windows(changed.unsqueeze(-1), self.context),
        )
        own = _mean(
            self._windows(clip, self.stride), self._windows(real.unsqueeze(-1), self.stride)
        )
        return torch.stack((own, mean, deviation, low, high, moved), dim=1)

    def _windows(self, values: Tensor, length: int) -> Tensor:
        """Return `[frame, mel, step]`: the steps around the middle of each frame."""
        count = (values.shape[0] + self.stride - 1) // self.stride
        before = (length - self.stride) // 2
        after = (count - 1) * self.stride + length - before - values.shape[0]
        return pad(values, (0, 0, before, after)).unfold(0, length, self.stride)


def load_mel_cnn(
    front_end: LogMel,
    options: Mapping[str, Any],
    state: Mapping[str, Tensor],
    *,
    prefix: str = "encoder.",
    licence: str = "Apache-2.0",
    sha256: str = "",
) -> MelCnnEncoder:
    """Return the network of a bundle of weights as an encoder, in evaluation mode.

    `options` are those of `MelCnn` beside the number of bands. Of `state`, the weights whose
    names begin with `prefix` are taken, all of them.

    Raises `ConfigError` when the options or the weights don't fit.
    """
    own = {name: value for name, value in state.items() if name.startswith(prefix)}
    try:
        network = MelCnn(front_end.n_mels, **options)
    except TypeError as error:
        raise ConfigError(f"these are no options of MelCnn: {error}") from error
    load_published(network, own, source="the bundle", prefix=prefix)
    return MelCnnEncoder(front_end, network, licence=licence, sha256=sha256).eval()


def _half(steps: Tensor) -> Tensor:
    return (steps + 1) // 2


def _mask(image: Tensor, steps: Tensor) -> Tensor:
    """Clear the padding of `[batch, channel, step, band]`."""
    return image * mark_real(steps, image.shape[2])[:, None, :, None]


def _band_statistics(statistics: BandStatistics, log_mel: Tensor, steps: Tensor) -> Tensor:
    """`BandStatistics` of the real steps alone, `[batch, feature, frame]`."""
    bands = log_mel.transpose(1, 2)
    real = mark_real(steps, bands.shape[-1]).unsqueeze(1).to(bands)
    change = pad((bands[..., 1:] - bands[..., :-1]).abs(), (1, 0))
    holes = (bands < HOLE).to(bands)
    mean, square, change, holes = (
        _around(values, real, statistics) for values in (bands, bands.square(), change, holes)
    )
    deviation = ((square - mean.square()).clamp_min(0.0) + 1e-6).sqrt()
    described: Tensor = statistics.layers(torch.cat((mean, deviation, change, holes), dim=1))
    return described


def _around(values: Tensor, real: Tensor, statistics: BandStatistics) -> Tensor:
    def average(parts: Tensor) -> Tensor:
        return avg_pool1d(parts, statistics.stride, ceil_mode=True)

    def smooth(parts: Tensor) -> Tensor:
        return avg_pool1d(parts, 2 * statistics.reach + 1, stride=1, padding=statistics.reach)

    share = average(real)
    frames = average(values * real) / share.clamp_min(1e-9)
    begun = (share > 0.0).to(values)
    return smooth(frames) / smooth(begun).clamp_min(1e-9)


def _mean(windows: Tensor, real: Tensor) -> Tensor:
    """Mean over the real steps of `[frame, mel, step]`; zero where there is none."""
    return (windows * real).sum(dim=-1) / real.sum(dim=-1).clamp_min(1)


def _pick(ordered: Tensor, places: Tensor) -> Tensor:
    """Take one step of each window, by `places` `[frame, 1]`."""
    index = places.clamp_min(0).unsqueeze(-1).expand(-1, ordered.shape[1], 1)
    return ordered.gather(-1, index).squeeze(-1)
