"""ViSQOL v3, audio mode: the engine that labels training data.

M. Chinen et al., "ViSQOL v3: An Open Source Production Ready Objective Speech and Audio
Metric", QoMEX 2020. The work is done by visqol-python, a port of Google's C++ program.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import LabelError, MissingDependencyError, SignalError
from auricle.signal.resample import resample

if TYPE_CHECKING:
    from visqol.audio_utils import AudioSignal
    from visqol.visqol_manager import VisqolManager

    from auricle.reference.gammatone import VectorisedSpectrogramBuilder

SAMPLE_RATE: Final = 48000
SHORTEST: Final = 0.75
IDENTITY: Final = 4.732
"""What ViSQOL's audio mode says of a recording compared with itself (not 5)."""


class Visqol:
    """MOS-LQO 1..5 of degraded audio against one reference; the reference is analysed once.

    The mono mean at 48 kHz is compared. Raises `SignalError` for a silent or too short (under
    0.75 s) reference and `MissingDependencyError` without the `reference` extra.
    """

    def __init__(self, reference: Audio) -> None:
        self._manager, self._builder = _engine()
        self._reference = _prepare(reference)

    def __call__(self, degraded: Audio) -> float:
        """Return the MOS-LQO of `degraded`.

        Raises `SignalError` when it is silent or too short and `LabelError` when ViSQOL gives
        no number.
        """
        self._builder.remember(self._reference)
        result = self._manager.run_from_signals(self._reference, _prepare(degraded))
        if not math.isfinite(result.moslqo):
            raise LabelError("ViSQOL gave no number for this pair")
        return float(result.moslqo)


def visqol(reference: Audio, degraded: Audio) -> float:
    """Return ViSQOL's MOS-LQO (1..5, identity 4.732) of `degraded` against `reference`."""
    return Visqol(reference)(degraded)


def engine_name() -> str:
    """Name, version and mode of the engine, as labels record it.

    Raises `MissingDependencyError` without the `reference` extra.
    """
    try:
        return f"visqol-python {version('visqol-python')} audio"
    except PackageNotFoundError as error:
        raise MissingDependencyError("visqol-python", extra="reference") from error


def _prepare(audio: Audio) -> AudioSignal:
    from visqol.audio_utils import AudioSignal

    mono = resample(audio.mono(), SAMPLE_RATE)
    if mono.duration < SHORTEST:
        raise SignalError(f"ViSQOL needs at least {SHORTEST} s, not {mono.duration:.2f} s")
    if not np.any(mono.samples):
        raise SignalError("ViSQOL cannot judge silence")
    return AudioSignal(mono.samples[0].astype(np.float64), SAMPLE_RATE)


@lru_cache(maxsize=1)
def _engine() -> tuple[VisqolManager, VectorisedSpectrogramBuilder]:
    # numba's default threads kill a process that calls from several of its own.
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    try:
        from visqol.visqol_manager import MINIMUM_FREQ, NUM_BANDS_AUDIO, VisqolManager

        from auricle.reference.gammatone import VectorisedSpectrogramBuilder
    except ImportError as error:
        raise MissingDependencyError("visqol-python", extra="reference") from error
    manager = VisqolManager()
    manager.init(str(files("visqol") / "model" / "libsvm_nu_svr_model.txt"))
    builder = VectorisedSpectrogramBuilder(NUM_BANDS_AUDIO, MINIMUM_FREQ)
    manager.spect_builder = builder
    return manager, builder
