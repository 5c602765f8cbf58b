"""The front ends of encoders, by name: what bundles say of them is enough to build them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from auricle.signal.music_front_ends import AisfxMel, M2dMel, MuqMel
from auricle.signal.spectra import LogMel
from auricle.signal.speech_front_ends import Standardise, WhisperMel

Floats = NDArray[np.float32]


class FrontEnd(Protocol):
    """What is done to samples before the network, in numpy: a frozen dataclass.

    Without torch, so that an exported model needs none either.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def sample_rate(self) -> int:
        """Rate of the samples in Hz."""

    def __call__(self, samples: Floats) -> Floats:
        """Return `[step, channel]` for mono samples `[time]`."""


_KINDS = (AisfxMel, LogMel, M2dMel, MuqMel, Standardise, WhisperMel)

FRONT_ENDS: Mapping[str, Callable[..., FrontEnd]] = {kind.__name__: kind for kind in _KINDS}
