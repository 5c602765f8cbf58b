"""What a metric costs: time for a recording, and the memory of a process that does nothing else."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from auricle.core.audio import Audio
from auricle.core.errors import AuricleError
from auricle.data.workers import run_alone
from auricle.evaluation.journal import Journal
from auricle.evaluation.rated_metrics import Contender, load_contender, score_audio
from auricle.evaluation.rated_scores import processor_seconds

SECONDS: Final = 10.0
"""Length of the pair that is scored."""

_RATE: Final = 48000
_RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Footprint:
    """What scoring one pair of 10 s costs a process of its own, or the `error` that it ended in.

    In seconds: `loading` until the metric is ready, `first` for its first pair (compilers run
    then), `wall` and `processor` for later ones (medians). In bytes: `start` is what Auricle takes
    before the metric is loaded, `peak` the most that the process ever held; 0 where the system does
    not tell. The time of programs that a metric starts is in `processor`, their memory is not in
    `peak`. `load` is how many processes wanted to run when it began, on average over a minute.
    """

    loading: float = 0.0
    first: float = 0.0
    wall: float = 0.0
    processor: float = 0.0
    start: int = 0
    peak: int = 0
    load: float = 0.0
    error: str = ""


def measure_footprints(
    contenders: Sequence[Contender],
    journal: Journal,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Footprint]:
    """Return what each metric costs on this machine, by `Contender.name`, one after the other.

    What `journal` knows of the same metric on the same machine is not measured again.
    """
    machine = describe_machine()
    found = {}
    for done, one in enumerate(contenders, start=1):
        key = f"{one.identity}|{machine}"
        known = journal.get(key)
        if known is None:
            found[one.name] = run_alone(measure_footprint, one.name)
            if not found[one.name].error:
                journal.put(key, asdict(found[one.name]))
        else:
            found[one.name] = Footprint(**known)
        if progress is not None:
            progress(done, len(contenders))
    return found


def measure_footprint(name: str) -> Footprint:
    """Score the fixed pair by a metric, several times, in this process.

    >>> cost = measure_footprint("log-spectral")
    >>> 0.0 < cost.wall < 10.0, cost.error
    (True, '')
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    reference, degraded = make_pair()
    start = _peak_memory()
    begun = time.perf_counter()
    try:
        load_contender(name)
        ready = time.perf_counter()
        score_audio(name, reference, degraded)
        first = time.perf_counter() - ready
        walls, processors = [], []
        for _ in range(_RUNS):
            wall, processor = time.perf_counter(), processor_seconds()
            score_audio(name, reference, degraded)
            walls.append(time.perf_counter() - wall)
            processors.append(processor_seconds() - processor)
    except AuricleError as error:
        return Footprint(error=str(error))
    return Footprint(
        loading=ready - begun,
        first=first,
        wall=statistics.median(walls),
        processor=statistics.median(processors),
        start=start,
        peak=_peak_memory(),
        load=load,
    )


def make_pair() -> tuple[Audio, Audio]:
    """Return 10 s of a voice-like buzz in syllables with pauses, mono at 48 kHz, and noise on it.

    >>> [audio.duration for audio in make_pair()]
    [10.0, 10.0]
    """
    seconds = np.arange(round(SECONDS * _RATE)) / _RATE
    phase = 2.0 * np.pi * np.cumsum(120.0 + 15.0 * np.sin(4.4 * seconds)) / _RATE
    buzz = sum(np.sin(k * phase) / np.sqrt(k) for k in range(1, 140))
    syllables = np.clip(np.sin(6.0 * np.pi * seconds), 0.0, None) * (seconds % 2.5 < 1.9)
    noise = np.random.default_rng(0).standard_normal(seconds.size)
    clean = 0.05 * buzz * syllables + 1e-4 * noise
    return Audio.from_array(clean, _RATE), Audio.from_array(clean + 1e-3 * noise, _RATE)


def describe_machine() -> str:
    """Return the processor with the number of its cores, the system, and Python's version."""
    cores = f"{os.cpu_count()} cores"
    python = f"Python {platform.python_version()}"
    return ", ".join(
        (_processor_name(), cores, f"{platform.system()} {platform.machine()}", python)
    )


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")


def _peak_memory() -> int:
    """Return the most memory that this process has held, in bytes; 0 where nothing tells."""
    # Linux hands the peak of the parent on to getrusage of a child; this one begins anew.
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
