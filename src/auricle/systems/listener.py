"""Frozen encoders, applied to samples of any length."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.encoders.clock import embed_at_rate
from auricle.encoders.waveform import WaveformEncoder
from auricle.heads.fusion import Shape
from auricle.signal.segment import split_segments
from auricle.systems.config import Name
from auricle.systems.fusion_config import FusionConfig
from auricle.systems.fusion_front_end import FusionFrontEnd

Floats = NDArray[np.float32]


class Listener:
    """Frozen encoders that turn samples of any length into embeddings at one frame rate."""

    def __init__(self, config: FusionConfig, encoders: Mapping[Name, WaveformEncoder]) -> None:
        self.config = config
        self.encoders = encoders
        self._front_end = FusionFrontEnd(
            config, {name: encoder.front_end for name, encoder in encoders.items()}
        )

    @property
    def shapes(self) -> dict[Name, Shape]:
        """Sizes of the embeddings, by encoder."""
        facts = {name: encoder.facts for name, encoder in self.encoders.items()}
        return {name: Shape(fact.layers, fact.features) for name, fact in facts.items()}

    def embed(self, samples: Samples) -> dict[Name, Floats]:
        """Return `[layer, bin, feature]` by encoder for mono samples `[time]`.

        Each segment is heard by itself, as when scoring; of a last segment that was moved back,
        what is new is kept.
        """
        parts: dict[Name, list[Floats]] = {name: [] for name in self.encoders}
        for segment in split_segments([samples], self.config.segment_samples):
            fresh = self.config.bins(segment.fresh)
            for name, values in self.embed_segment(segment.samples).items():
                parts[name].append(values[:, -fresh:])
        return {name: np.concatenate(part, axis=1) for name, part in parts.items()}

    @torch.no_grad()
    def embed_segment(self, segment: Samples) -> dict[Name, Floats]:
        """Return `[layer, bin, feature]` by encoder for one segment `[time]`."""
        bins = self.config.bins(segment.size)
        found = {}
        for name, prepared in self._front_end(segment).items():
            batch = torch.from_numpy(prepared).unsqueeze(0)
            values = embed_at_rate(self.encoders[name], batch, self.config.frame_rate, bins)
            found[name] = np.asarray(values[0], dtype=np.float32)
        return found
