"""ViSQOL v3, audio mode: the engine that labels training data.

M. Chinen et al., "ViSQOL v3: An Open Source Production Ready Objective Speech and Audio
Metric", QoMEX 2020. The work is done by visqol-python, a port of Google's C++ program.
"""

from __future__ import annotations

import math
import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Audio
from auricle.core.errors import LabelError, MissingDependencyError, SignalError
from auricle.signal.resample import resample

if TYPE_CHECKING:
    from auricle.reference.comparison import Comparison

SAMPLE_RATE: Final = 48000
SHORTEST: Final = 0.75
IDENTITY: Final = 4.732
"""What ViSQOL's audio mode says of a recording compared with itself (not 5)."""


class Judgement(NamedTuple):
    """ViSQOL's answer for one degraded recording: its quality overall and its course in time.

    `patches` holds the similarity (mean NSIM, 1 where nothing differs, 0 where the patch is lost)
    of successive patches of 0.6 s of the reference, shape `[patch]`; `seconds`, of the same shape,
    is where each starts in the reference.
    """

    mos: float
    patches: NDArray[np.float64]
    seconds: NDArray[np.float64]


class Visqol:
    """MOS-LQO 1..5 of degraded audio against one reference; the reference is analysed once.

    The mono mean at 48 kHz is compared. Raises `SignalError` for a silent or too short (under
    0.75 s) reference and `MissingDependencyError` without the `reference` extra.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=2 * 48000) / 10
    >>> faulty = noise.copy()
    >>> faulty[48000:] = np.sign(noise[48000:]) / 10
    >>> judge = Visqol(Audio.from_array(noise, 48000))
    >>> mos, patches, seconds = judge.compare(Audio.from_array(faulty, 48000))
    >>> bool(patches[0] > patches[-1])
    True
    """

    def __init__(self, reference: Audio) -> None:
        self._compare = _comparison(_prepare(reference))

    def __call__(self, degraded: Audio) -> float:
        """Return the MOS-LQO of `degraded`; raises what `compare` raises."""
        return self.compare(degraded).mos

    def compare(self, degraded: Audio) -> Judgement:
        """Return the MOS-LQO of `degraded` with the similarity of each patch.

        Raises `SignalError` when it is silent or too short and `LabelError` when ViSQOL gives
        no number.
        """
        samples = _prepare(degraded)
        try:
            mos, found = self._compare(samples)
        except ValueError as error:
            raise LabelError(f"ViSQOL gave no number for this pair: {error}") from error
        if not math.isfinite(mos):
            raise LabelError("ViSQOL gave no number for this pair")
        return Judgement(
            float(mos),
            np.array([patch.similarity for patch in found]),
            np.array([patch.ref_patch_start_time for patch in found]),
        )


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


def _prepare(audio: Audio) -> NDArray[np.float64]:
    mono = resample(audio.mono(), SAMPLE_RATE)
    if mono.duration < SHORTEST:
        raise SignalError(f"ViSQOL needs at least {SHORTEST} s, not {mono.duration:.2f} s")
    if not np.any(mono.samples):
        raise SignalError("ViSQOL cannot judge silence")
    samples: NDArray[np.float64] = mono.samples[0].astype(np.float64)
    return samples


def _comparison(reference: NDArray[np.float64]) -> Comparison:
    # numba's default threads kill a process that calls from several of its own.
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    try:
        from auricle.reference.comparison import Comparison
    except ImportError as error:
        raise MissingDependencyError("visqol-python", extra="reference") from error
    return Comparison(reference)
