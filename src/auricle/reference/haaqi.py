"""HAAQI, the hearing-aid audio quality index, for normal hearing, by the package pyclarity."""

from __future__ import annotations

import math
import warnings
from importlib import import_module
from typing import ClassVar

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, LabelError
from auricle.core.spec import MetricSpec, Scale
from auricle.reference.base import ReferenceMetric

_RATE = 24000
_LEVEL = 65.0
_ADD_GAIN = 1


class Haaqi(ReferenceMetric):
    """Music quality 0..1 of HAAQI for a listener without hearing loss.

    The reference is played at 65 dB SPL, the degraded recording with the same gain. The model's
    ear ends at 12 kHz. A recording compared with itself does not quite reach 1: silent frames and
    the limited coherence of the ear's fibres are in the model.

    Raises `ConfigError` without the package, which belongs to no extra. Source: J. Kates and
    K. Arehart, "The Hearing-Aid Audio Quality Index (HAAQI)", IEEE/ACM TASLP 24(2), 2016.
    """

    spec: ClassVar = MetricSpec(
        name="haaqi",
        tag="v1",
        summary="music quality 0 to 1 by a model of the ear; HAAQI, normal hearing",
        domain="music",
        needs_reference=True,
        sample_rate=_RATE,
        channels=1,
        shortest=0.5,
        scale=Scale(0.0, 1.0),
        listens_to_level=True,
        licence="MIT",
        citation=(
            "J. Kates and K. Arehart, The Hearing-Aid Audio Quality Index (HAAQI), IEEE/ACM TASLP"
            " 24(2), 2016"
        ),
    )

    def __init__(self) -> None:
        try:
            self._engine = import_module("clarity.evaluator.haaqi.haaqi")
            audiogram = import_module("clarity.utils.audiogram").Audiogram
        except ImportError as error:
            raise ConfigError(
                "this needs the package pyclarity, which is not installed: pip install pyclarity"
            ) from error
        frequencies = np.array([250, 500, 1000, 2000, 4000, 6000])
        self._normal = audiogram(levels=np.zeros(frequencies.size), frequencies=frequencies)

    def _measure(self, reference: Audio, degraded: Audio) -> float:
        first, second = (audio.samples[0].astype(np.float64) for audio in (reference, degraded))
        loudest = _LEVEL - 20.0 * math.log10(math.sqrt(float(np.mean(np.square(first)))))
        try:
            with warnings.catch_warnings():
                # What fails with NumPy 2.4 is deprecated before it.
                warnings.simplefilter("ignore", DeprecationWarning)
                found = self._engine.haaqi_v1(
                    first, _RATE, second, _RATE, self._normal, _ADD_GAIN, level1=loudest
                )
        except (TypeError, ValueError) as error:
            # pyclarity 0.8.0 puts arrays of one number where numpy 2.4 and later want the number.
            raise LabelError(f"HAAQI gave up on this pair (it needs numpy<2.4): {error}") from error
        return float(found[0])
