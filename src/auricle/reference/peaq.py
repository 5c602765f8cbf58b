"""PEAQ, the ITU's measurement of perceived audio quality, by the program `peaq` of GstPEAQ."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from auricle.core.audio import Audio, Samples
from auricle.core.errors import ConfigError, LabelError
from auricle.core.spec import MetricSpec, Scale
from auricle.reference.base import ReferenceMetric

_RATE: Final = 48000
# Seconds beyond the recording's own length after which it has hung, as GStreamer may: it takes a
# hundredth of that length.
_PATIENCE: Final = 30.0
_GRADE: Final = re.compile(r"Objective Difference Grade:\s*(\S+)")


class Peaq(ReferenceMetric):
    """Objective difference grade of PEAQ's basic version: 0 inaudible to -4 very annoying.

    A recording compared with itself reads a little above 0. GstPEAQ states that it does not meet
    the recommendation's conformance test. It takes full scale for 92 dB SPL and reads 16 bit, so
    both recordings are attenuated together where one of them exceeds full scale.

    Raises `ConfigError` without the program `peaq`, which belongs to no extra, and `LabelError`
    when it gives no grade or hangs. Source: ITU-R BS.1387-1; M. Holters and U. Zölzer, "GstPEAQ -
    an open source implementation of the PEAQ algorithm", DAFx 2015.
    """

    spec: ClassVar = MetricSpec(
        name="peaq",
        tag="basic",
        summary="difference grade -4 to 0 for coded audio; PEAQ basic by GstPEAQ",
        domain="any",
        needs_reference=True,
        sample_rate=_RATE,
        channels=1,
        shortest=0.5,
        scale=Scale(-4.0, 0.3),
        listens_to_level=True,
        licence="LGPL-2.0-or-later",
        citation="M. Holters and U. Zölzer, GstPEAQ, DAFx 2015; ITU-R BS.1387-1",
    )

    def __init__(self) -> None:
        command = shutil.which("peaq")
        if command is None:
            raise ConfigError(
                "this needs the program peaq of GstPEAQ in the PATH, and its plugin in"
                " GST_PLUGIN_PATH: https://github.com/HSU-ANT/gstpeaq"
            )
        self._command = command

    def _measure(self, reference: Audio, degraded: Audio) -> float:
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder, name) for name in ("reference.wav", "degraded.wav")]
            peak = max(float(np.abs(audio.samples).max()) for audio in (reference, degraded))
            for path, audio in zip(paths, (reference, degraded), strict=True):
                _write_16_bit(path, audio.samples[0] / max(peak, 1.0))
            command = [self._command, *map(str, paths)]
            limit = _PATIENCE + reference.duration
            try:
                told = subprocess.run(
                    command, capture_output=True, text=True, check=False, timeout=limit
                )
            except subprocess.TimeoutExpired as error:
                raise LabelError(f"peaq did not end within {limit:.0f} s") from error
        found = _GRADE.search(told.stdout)
        if found is None:
            raise LabelError(f"peaq gave no grade: {told.stderr.strip()[-200:]}")
        try:
            return float(found[1])
        except ValueError:
            return math.nan


def _write_16_bit(path: Path, samples: Samples) -> None:
    values = np.rint(samples * 32767.0).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(values.tobytes())
