"""Zimtohrli, Google's metric near the threshold of audibility, by the package zimtohrli."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.core.spec import MetricSpec, Scale
from auricle.reference.base import ReferenceMetric


class Zimtohrli(ReferenceMetric):
    """MOS 1..5 of Zimtohrli, 5 for a recording compared with itself.

    It listens to level: full scale is taken for a sine of 78 dB SPL.

    Raises `ConfigError` without the package, which belongs to no extra. Source: J. Alakuijala et
    al., "Zimtohrli: An Efficient Psychoacoustic Audio Similarity Metric", 2025.
    """

    spec: ClassVar = MetricSpec(
        name="zimtohrli",
        tag="v0.2",
        summary="MOS 1 to 5 near the threshold of audibility; Zimtohrli",
        domain="any",
        needs_reference=True,
        sample_rate=48000,
        channels=1,
        # The engine writes out of bounds below some 0.1 s.
        shortest=0.25,
        scale=Scale(1.0, 5.0),
        listens_to_level=True,
        licence="Apache-2.0",
        citation=(
            "J. Alakuijala et al., Zimtohrli: An Efficient Psychoacoustic Audio Similarity Metric,"
            " 2025"
        ),
    )

    def __init__(self) -> None:
        try:
            self._engine = import_module("zimtohrli")
        except ImportError as error:
            raise ConfigError(
                "this needs the package zimtohrli, which is not installed: pip install zimtohrli"
            ) from error

    def _measure(self, reference: Audio, degraded: Audio) -> float:
        return float(self._engine.mos_from_signals(reference.samples[0], degraded.samples[0]))
