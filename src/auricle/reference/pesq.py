"""PESQ, wide band (ITU-T P.862.2), by the package pesq, which wraps the ITU's C program."""

from __future__ import annotations

import subprocess
import sys
from typing import ClassVar, Final

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import LabelError, SignalError
from auricle.core.spec import MetricSpec, Scale
from auricle.reference.base import ReferenceMetric, import_engine

# The C program keeps room for 50 utterances and writes beyond it when there are more. Speech has no
# more in 30 s, other sounds may: so it gets a process of its own, and what falls then is that.
_LONGEST: Final = 30.0
_PROGRAM: Final = """
import sys
import numpy
import pesq
pair = numpy.frombuffer(sys.stdin.buffer.read(), dtype=numpy.float32).reshape(2, -1)
try:
    print(pesq.pesq(16000, pair[0], pair[1], "wb"))
except pesq.NoUtterancesError:
    print("nan")
"""


class Pesq(ReferenceMetric):
    """MOS-LQO of wide-band PESQ, 1.02 to 4.644 (a recording compared with itself).

    For speech at 16 kHz of 8 to 30 s (longer recordings are refused); it was never meant for
    music. Levels are equalised, so gain hardly matters. Every comparison starts a process, which
    takes about a quarter of a second.

    Raises `MissingDependencyError` without the `reference` extra. Source: ITU-T P.862.2 (2007);
    A. Rix et al., "Perceptual evaluation of speech quality (PESQ)", ICASSP 2001.

    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, 32000)
    >>> same = Audio.from_array(noise, 16000)
    >>> round(Pesq()(same, same).value, 3)
    4.644
    """

    spec: ClassVar = MetricSpec(
        name="pesq",
        tag="wb",
        summary="MOS-LQO 1.02 to 4.64 of telephone speech; PESQ, wide band",
        domain="speech",
        needs_reference=True,
        sample_rate=16000,
        channels=1,
        shortest=0.25,
        scale=Scale(1.0, 5.0),
        listens_to_level=False,
        licence="MIT (the ITU's terms apply to the C program)",
        citation="ITU-T P.862.2 (2007)",
    )

    def __init__(self) -> None:
        import_engine("pesq", "pesq")

    def _measure(self, reference: Audio, degraded: Audio) -> float:
        if reference.duration > _LONGEST:
            raise SignalError(
                f"it lasts {reference.duration:.1f} s: PESQ judges up to {_LONGEST:g} s; compare"
                " pieces of 8 to 30 s"
            )
        pair = np.stack((reference.samples[0], degraded.samples[0])).tobytes()
        # -P: or "import pesq" might find a file of that name in the current folder.
        command = [sys.executable, "-P", "-c", _PROGRAM]
        run = subprocess.run(command, input=pair, capture_output=True, check=False)
        if run.returncode < 0:
            raise LabelError(
                "PESQ failed on this pair: it bears no more than 50 utterances, parts of speech"
                " between pauses; compare shorter pieces"
            )
        if run.returncode > 0:
            reason = run.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise LabelError(f"PESQ gave no number for this pair: {''.join(reason)}")
        value = float(run.stdout)
        if np.isnan(value):
            raise SignalError("PESQ finds no utterance in this pair: it needs speech")
        return value
