"""A small convolutional encoder of the full-band log-mel spectrogram, made to be compared."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.core.errors import ConfigError
from auricle.encoders.masking import mark_real
from auricle.encoders.waveform import EncoderFacts, WaveformEncoder
from auricle.signal.spectra import LogMel

FRONT_END = LogMel(hop=512, n_mels=96, range_db=90.0, ceiling=20000.0, level="absolute")
"""Full band, 10.7 ms from step to step; full scale is 90 dB above the floor, as in hearing."""

# Steps of context to each side grow by these factors, block by block, and start over.
_DILATIONS = (1, 2, 4)


class FullBandEncoder(WaveformEncoder):
    """Convolutions that keep their place on the mel scale: `channels` maps of half its bands.

    Every layer has two steps per frame, half the bands of the front end, and `channels` values
    for each band, so that the first layers still tell spectra apart, as the log-spectral distance
    does, and later ones see more of their surroundings. There is neither normalisation over clips
    nor over the batch: what a frame gives depends on its surroundings alone.

    Raises `ConfigError` when the front end's bands are odd in number, or relative to a maximum.

    >>> encoder = FullBandEncoder(channels=4, blocks=2).eval()
    >>> encoder(torch.zeros(1, 94, 96), torch.tensor([94])).shape
    torch.Size([1, 3, 47, 192])
    """

    front_end: LogMel

    def __init__(
        self,
        front_end: LogMel = FRONT_END,
        *,
        channels: int = 16,
        blocks: int = 6,
        licence: str = "Apache-2.0",
        sha256: str = "",
    ) -> None:
        super().__init__()
        if front_end.n_mels % 2 or front_end.level != "absolute":
            raise ConfigError("this encoder needs an even number of mel bands at absolute level")
        self.front_end = front_end
        bands = front_end.n_mels // 2
        self.stem = nn.Conv2d(1, channels, 3, stride=2, padding=1)
        # What is seen of a band depends on where it lies: hearing is not the same everywhere.
        self.position = nn.Parameter(torch.zeros(channels, 1, bands))
        self.blocks = nn.ModuleList(
            _Block(channels, _DILATIONS[number % len(_DILATIONS)]) for number in range(blocks)
        )
        self.facts = EncoderFacts(
            sample_rate=front_end.sample_rate,
            hop=2 * front_end.hop,
            layers=blocks + 1,
            features=channels * bands,
            licence=licence,
            sha256=sha256,
        )

    def frames(self, steps: Tensor) -> Tensor:
        """Number of frames `[batch]`: half the steps, rounded up."""
        return (steps + 1) // 2

    def forward(self, prepared: Tensor, steps: Tensor) -> Tensor:
        """Return `[batch, layer, frame, feature]` for `prepared` `[batch, step, mel]`."""
        image = self.stem(prepared.unsqueeze(1)) + self.position
        real = mark_real(self.frames(steps), image.shape[2])[:, None, :, None]
        image = torch.relu(image) * real
        layers = [image]
        for block in self.blocks:
            image = block(image) * real
            layers.append(image)
        # [batch, layer, channel, frame, band] to [batch, layer, frame, feature].
        return torch.stack(layers, dim=1).transpose(2, 3).flatten(3)


class _Block(nn.Module):
    """Two convolutions around which the image is carried; of frames, the first is dilated."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, 3, padding=(dilation, 1), dilation=(dilation, 1))
        self.near = nn.Conv2d(channels, channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        changed: Tensor = torch.relu(image + self.near(torch.relu(self.wide(image))))
        return changed
