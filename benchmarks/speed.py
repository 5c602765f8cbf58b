"""Speed on one core: where the time of a score goes, start-up, memory of a long file.

    python benchmarks/speed.py --output DIR [FILE...]

Without files, ten minutes of FLAC and of MP3 are made from `examples/lossless.flac`; the long
file is an hour of the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import auricle
from auricle.catalog import find_metric
from auricle.core.audio import Audio
from auricle.degrade.codecs import encode
from auricle.signal.io import AudioStream, read_audio, write_audio
from auricle.systems.bundle import read_bundle

EXAMPLE = Path("examples/lossless.flac")


def loop_example(minutes: float) -> Audio:
    """Return the example, repeated."""
    audio = read_audio(EXAMPLE)
    times = round(60 * minutes / audio.duration)
    return Audio.from_array(np.tile(audio.samples, times), audio.sample_rate)


def time_file(path: Path) -> dict[str, float]:
    """Return processor seconds per stage, and audio seconds per processor second."""
    metric = auricle.load("codec-music")
    front_end = read_bundle(find_metric("codec-music").folder).config.front_end.build()
    began = time.process_time()
    with AudioStream(path) as stream:
        for _ in stream.blocks():
            pass
    decoding = time.process_time() - began
    began = time.process_time()
    duration = metric.score_file(path).duration
    whole = time.process_time() - began
    samples = read_audio(path, sample_rate=48000).mono().samples[0][: 10 * 48000]
    began = time.process_time()
    for _ in range(10):
        log_mel = front_end(samples)
    spectrum = (time.process_time() - began) * duration / 100.0
    began = time.process_time()
    for _ in range(10):
        metric.run_network(log_mel)
    network = (time.process_time() - began) * duration / 100.0
    return {
        "audio_seconds": round(duration, 1),
        "processor_seconds": round(whole, 3),
        "audio_seconds_per_processor_second": round(duration / whole, 1),
        "of_which_decode": round(decoding, 3),
        "of_which_log_mel": round(spectrum, 3),
        "of_which_network": round(network, 3),
    }


def measure_command(path: Path, repeats: int) -> dict[str, float]:
    """Run `auricle score` on a file: best wall time of the repeats, and peak memory."""
    # Peak memory is the child's own record: what the system counts for children includes the
    # memory of the parent they were forked from.
    code = (
        "import re, sys; from auricle.cli.main import run\n"
        "try:\n    run()\n"
        "finally:\n"
        "    status = open('/proc/self/status').read()\n"
        "    print(re.search(r'VmHWM:\\s+(\\d+)', status)[1], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "score", str(path), "--format", "jsonl"]
    walls = []
    for _ in range(repeats):
        began = time.perf_counter()
        child = subprocess.run(command, check=True, capture_output=True, text=True)
        walls.append(time.perf_counter() - began)
    peak = int(child.stderr.split()[-1]) / 1024
    return {"wall_seconds": round(min(walls), 2), "peak_megabytes": round(peak)}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    result: dict[str, object] = {"start_up_10_s": measure_command(EXAMPLE, 5)}
    with tempfile.TemporaryDirectory() as folder:
        files = options.files
        if not files:
            audio = loop_example(10.0)
            files = [Path(folder, "ten-minutes.flac"), Path(folder, "ten-minutes.mp3")]
            write_audio(files[0], audio, bits=16)
            files[1].write_bytes(encode(audio, "mp3", 128_000))
        result["throughput_one_core"] = {path.name: time_file(path) for path in files}
        hour = Path(folder, "hour.flac")
        write_audio(hour, loop_example(60.0), bits=16)
        result["one_hour_file"] = measure_command(hour, 1)
    options.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2)
    (options.output / "speed.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
