"""ViSQOL behind the same door as the other metrics with a reference."""

from __future__ import annotations

from typing import ClassVar

from auricle.core.audio import Audio
from auricle.core.spec import MetricSpec, Scale
from auricle.reference.base import ReferenceMetric
from auricle.reference.visqol import SAMPLE_RATE, SHORTEST, engine_name, visqol


class VisqolMetric(ReferenceMetric):
    """MOS-LQO 1..5 of ViSQOL v3's audio mode; a recording compared with itself reads 4.732.

    Run it from one thread of a process only: its engine cannot bear several.

    Raises `MissingDependencyError` without the `reference` extra.
    """

    spec: ClassVar = MetricSpec(
        name="visqol",
        tag="v3",
        summary="MOS-LQO 1 to 4.73 by gammatone similarity; ViSQOL v3, audio mode",
        domain="any",
        needs_reference=True,
        sample_rate=SAMPLE_RATE,
        channels=1,
        shortest=SHORTEST,
        scale=Scale(1.0, 5.0),
        listens_to_level=False,
        licence="Apache-2.0",
        citation=(
            "M. Chinen et al., ViSQOL v3: An Open Source Production Ready Objective Speech and"
            " Audio Metric, QoMEX 2020"
        ),
    )

    def __init__(self) -> None:
        engine_name()

    def _measure(self, reference: Audio, degraded: Audio) -> float:
        return visqol(reference, degraded)
