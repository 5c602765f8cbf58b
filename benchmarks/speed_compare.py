"""Side by side on one core: seconds of audio per processor second of metrics with a reference.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/speed_compare.py deepaq-fullband \
        visqol zimtohrli pesq stoi log-spectral --speech FILE --output DIR

All compare `examples/lossless.flac`, metrics of speech `FILE`, repeated to the length asked for,
with the same coded as MP3 at 64 kb/s, both as FLAC files of 48 kHz and 16 bits. Once files are
decoded, as `auricle compare` does, once decoded samples are given; finding the delay, bringing both
to one level and rate is always part of it. Loading a metric is not.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import auricle
from auricle.catalog import load_reference_metric
from auricle.core.audio import Audio
from auricle.core.errors import AuricleError
from auricle.degrade.base import apply_process, parse_process
from auricle.signal.io import read_audio, write_audio
from excerpts import SAMPLE_RATE, table, write_results

EXAMPLE = Path("examples/lossless.flac")
LENGTHS = (10.0, 60.0)
CHANNELS = {"mono": 1, "stereo": 2}
Files = tuple[Path, Path]


def make_files(source: Path, folder: Path, seconds: float, channels: int) -> Files:
    """Write a recording and a coded version of it; stereo that is not two times the same."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = read_audio(source, sample_rate=SAMPLE_RATE)
    mono = whole.mono().samples[0]
    side = np.roll(mono, SAMPLE_RATE // 100)
    places = np.arange(round(seconds * SAMPLE_RATE)) % mono.size
    samples = np.stack([mono, 0.7 * mono + 0.3 * side])[:channels, places]
    reference = Audio.from_array(samples, SAMPLE_RATE)
    files = folder / f"{seconds}-{channels}.flac", folder / f"{seconds}-{channels}-coded.flac"
    write_audio(files[0], reference, bits=16)
    write_audio(files[1], apply_process(reference, parse_process("mp3:64k")), bits=16)
    return files


def time_call(call: Callable[[], object], seconds: float, repeats: int) -> float:
    """Return seconds of audio per processor second: the median of the repeats."""
    call()
    speeds = []
    for _ in range(repeats):
        began = time.process_time()
        call()
        speeds.append(seconds / (time.process_time() - began))
    return round(float(np.median(speeds)), 1)


def compare_files(metric: str, files: Files) -> None:
    """Compare files as `auricle compare` does; raises what stands in the way."""
    (result,) = auricle.compare([files], metric)
    if result.error is not None:
        raise result.error


def measure(metric: str, files: Files, seconds: float, repeats: int) -> dict[str, Any]:
    """Return the speed with and without decoding, or why there is none."""
    ready = load_reference_metric(metric)
    try:
        from_files = time_call(partial(compare_files, metric, files), seconds, repeats)
        decoded = [read_audio(file) for file in files]
        from_samples = time_call(partial(ready, *decoded), seconds, repeats)
    except AuricleError as error:
        return {"error": str(error)}
    return {"from_files": from_files, "from_samples": from_samples}


def show_speed(part: dict[str, Any], key: str) -> str:
    """Return a cell: the speed, or that there is none."""
    return "-" if "error" in part else f"{part[key]:.1f}"


def run(
    metrics: Sequence[str], sources: Mapping[str, Path], repeats: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the speeds by kind of pair and metric; `sources` has a file for speech, and `any`."""
    result: dict[str, dict[str, dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seconds, (word, channels) in product(LENGTHS, CHANNELS.items()):
            files = {
                domain: make_files(source, Path(folder, domain), seconds, channels)
                for domain, source in sources.items()
            }
            result[f"{seconds:g} s {word}"] = {
                metric: measure(
                    metric,
                    files.get(load_reference_metric(metric).spec.domain, files["any"]),
                    seconds,
                    repeats,
                )
                for metric in metrics
            }
    return result


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", nargs="+", help="names, or folders of bundles")
    parser.add_argument("--speech", type=Path, metavar="FILE", help="for metrics of speech")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sources = {"any": EXAMPLE, "speech": options.speech or EXAMPLE}
    result = run(options.metrics, sources, options.repeats)
    rows = [
        [metric, *(show_speed(part[metric], key) for part in result.values())]
        for key in ("from_files", "from_samples")
        for metric in options.metrics
    ]
    half = len(options.metrics)
    markdown = "\n".join([
        "Seconds of audio per processor second, files decoded:",
        "",
        table(["metric", *result], rows[:half]),
        "",
        "From decoded samples:",
        "",
        table(["metric", *result], rows[half:]),
    ])  # fmt: skip
    facts = {"machine": platform.processor() or platform.machine(), "speeds": result}
    write_results(options.output, "speed-compare", facts, markdown)


if __name__ == "__main__":
    main()
