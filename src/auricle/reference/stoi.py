"""STOI and extended STOI, speech intelligibility, by the package pystoi."""

from __future__ import annotations

import warnings
from typing import ClassVar

from auricle.core.audio import Audio
from auricle.core.errors import SignalError
from auricle.core.spec import MetricSpec, Scale
from auricle.reference.base import ReferenceMetric, import_engine

_RATE = 10000


class Stoi(ReferenceMetric):
    """Short-time objective intelligibility, 1 for a recording compared with itself.

    Correlates one-third octave bands up to 4.3 kHz over 384 ms; what the reference holds 40 dB
    below its loudest frame is left out. Intelligibility of speech, not quality of sound.

    Raises `MissingDependencyError` without the `reference` extra. Source: C. Taal et al., "An
    Algorithm for Intelligibility Prediction of Time-Frequency Weighted Noisy Speech", IEEE TASLP
    19(7), 2011, Eqs. 1 to 6.

    >>> import numpy as np
    >>> noise = Audio.from_array(np.random.default_rng(0).normal(0.0, 0.1, 20000), 10000)
    >>> round(Stoi()(noise, noise).value, 3)
    1.0
    """

    extended: ClassVar = False
    spec: ClassVar = MetricSpec(
        name="stoi",
        tag="v1",
        summary="speech intelligibility, about 0 to 1; STOI",
        domain="speech",
        needs_reference=True,
        sample_rate=_RATE,
        channels=1,
        shortest=0.45,
        scale=Scale(0.0, 1.0),
        listens_to_level=False,
        licence="MIT",
        citation=(
            "C. Taal et al., An Algorithm for Intelligibility Prediction of Time-Frequency Weighted"
            " Noisy Speech, IEEE TASLP 19(7), 2011"
        ),
    )

    def __init__(self) -> None:
        self._stoi = import_engine("pystoi", "pystoi").stoi

    def _measure(self, reference: Audio, degraded: Audio) -> float:
        # Doubles: pystoi takes over the type, and float32 costs it four digits.
        first, second = (audio.samples[0].astype("float64") for audio in (reference, degraded))
        with warnings.catch_warnings():
            # It would warn and return 1e-5.
            warnings.filterwarnings("error", message="Not enough STFT frames")
            try:
                return float(self._stoi(first, second, _RATE, extended=self.extended))
            except RuntimeWarning as error:
                raise SignalError(
                    f"{self.spec.full_name} needs 0.4 s of the reference within 40 dB of its"
                    " loudest part: there is less"
                ) from error


class ExtendedStoi(Stoi):
    """Extended STOI, which bears maskers that fluctuate; 1 for a recording compared with itself.

    Source: J. Jensen and C. Taal, "An Algorithm for Predicting the Intelligibility of Speech
    Masked by Modulated Noise Maskers", IEEE/ACM TASLP 24(11), 2016.
    """

    extended: ClassVar = True
    spec: ClassVar = MetricSpec(
        name="estoi",
        tag="v1",
        summary="speech intelligibility in fluctuating noise, about 0 to 1; extended STOI",
        domain="speech",
        needs_reference=True,
        sample_rate=_RATE,
        channels=1,
        shortest=0.45,
        scale=Scale(0.0, 1.0),
        listens_to_level=False,
        licence="MIT",
        citation=(
            "J. Jensen and C. Taal, An Algorithm for Predicting the Intelligibility of Speech"
            " Masked by Modulated Noise Maskers, IEEE/ACM TASLP 24(11), 2016"
        ),
    )
