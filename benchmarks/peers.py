"""Side by side on one core: seconds of audio per processor second, of this metric and of others.

    pip install --target work/peers --constraint constraints.txt \
        speechmos zimtohrli librosa requests
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH=work/peers \
        python benchmarks/peers.py --output DIR [FILE...]

The others lie in a folder of their own, so that the environment stays as it is; one that isn't
installed is listed as missing. All hear the same ten-second clips: the files given, or cuts from
`examples/lossless.flac`, coded by MP3 at 64 kb/s. Those that need a reference compare the coded
clip with the clip; what is done once for all clips (loading, compiling) isn't counted. DNSMOS hears
them at 16 kHz, mono, as it asks to; the conversion isn't counted either.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import auricle
from auricle.core.audio import Audio
from auricle.degrade.base import apply_process, parse_process
from auricle.degrade.codecs import encode
from auricle.signal.io import read_audio, write_audio
from auricle.signal.resample import resample
from excerpts import SAMPLE_RATE, finish, table, write_results

EXAMPLE = Path("examples/lossless.flac")
SECONDS = 10.0
Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """A clip in all the forms that the peers want: coded and its reference, at 48 and at 16 kHz."""

    reference: Audio
    degraded: Audio
    flac: Path
    mp3: Path

    @property
    def speech_rate(self) -> Samples:
        """The coded clip, mono at 16 kHz, within full scale, `[time]`."""
        samples = resample(self.degraded.mono(), 16000).samples[0]
        clipped: Samples = np.clip(samples.astype(np.float64), -1.0, 1.0)
        return clipped


@dataclass(frozen=True, slots=True)
class Peer:
    """A row of the table: `prepare` makes of the pairs one call for each."""

    name: str
    package: str
    needs_reference: bool
    prepare: Callable[[Sequence[Pair]], list[Callable[[], object]]]


def make_pairs(files: Sequence[Path], clips: int, folder: Path) -> list[Pair]:
    """Cut, code and store the clips."""
    pairs = []
    for index in range(clips):
        whole = read_audio(files[index % len(files)], sample_rate=SAMPLE_RATE)
        # What is shorter than a clip is repeated; every further round starts a second later.
        start = SAMPLE_RATE * (index // len(files))
        places = (start + np.arange(round(SECONDS * SAMPLE_RATE))) % whole.frames
        reference = finish(Audio.from_array(whole.samples[:, places], SAMPLE_RATE))
        degraded = finish(apply_process(reference, parse_process("mp3:64k")))
        flac, mp3 = folder / f"{index}.flac", folder / f"{index}.mp3"
        write_audio(flac, degraded, bits=16)
        mp3.write_bytes(encode(reference, "mp3", 64_000))
        pairs.append(Pair(reference, degraded, flac, mp3))
    return pairs


def by_samples(metric: str) -> Callable[[Sequence[Pair]], list[Callable[[], object]]]:
    """Return how to score decoded samples with a metric."""

    def prepare(pairs: Sequence[Pair]) -> list[Callable[[], object]]:
        ready = auricle.load(metric)
        return [partial(ready, pair.degraded.samples, SAMPLE_RATE) for pair in pairs]

    return prepare


def by_file(metric: str, suffix: str) -> Callable[[Sequence[Pair]], list[Callable[[], object]]]:
    """Return how to score files with a metric."""

    def prepare(pairs: Sequence[Pair]) -> list[Callable[[], object]]:
        ready = auricle.load(metric)
        paths = [pair.flac if suffix == "flac" else pair.mp3 for pair in pairs]
        return [partial(ready.score_file, path) for path in paths]

    return prepare


def our_visqol(pairs: Sequence[Pair]) -> list[Callable[[], object]]:
    """Compare with Auricle's ViSQOL, which uses the parts of visqol-python."""
    from auricle.reference.visqol import visqol

    return [partial(visqol, pair.reference, pair.degraded) for pair in pairs]


def plain_visqol(pairs: Sequence[Pair]) -> list[Callable[[], object]]:
    """Compare with visqol-python as it is."""
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="audio")
    logging.disable(logging.INFO)
    return [
        partial(api.measure_from_arrays, to_array(p.reference), to_array(p.degraded), SAMPLE_RATE)
        for p in pairs
    ]


def dnsmos(pairs: Sequence[Pair]) -> list[Callable[[], object]]:
    """Score with DNSMOS P.835 and P.808, as the package speechmos ships them."""
    peer = import_module("speechmos.dnsmos")
    return [partial(peer.run, pair.speech_rate, 16000) for pair in pairs]


def zimtohrli(pairs: Sequence[Pair]) -> list[Callable[[], object]]:
    """Compare with Zimtohrli."""
    peer = import_module("zimtohrli")
    return [
        partial(peer.mos_from_signals, to_array(p.reference), to_array(p.degraded)) for p in pairs
    ]


def to_array(audio: Audio) -> Samples:
    """Return the mono mean, `[time]`."""
    samples: Samples = audio.mono().samples[0].astype(np.float64)
    return samples


def measure(peer: Peer, pairs: Sequence[Pair], repeats: int) -> dict[str, Any]:
    """Return how fast a peer is: the median of the repeats, with the slowest and the quickest."""
    row: dict[str, Any] = {"name": peer.name, "needs_reference": peer.needs_reference}
    try:
        row["package"] = f"{peer.package} {version(peer.package)}"
        calls = peer.prepare(pairs)
    except (ImportError, PackageNotFoundError) as error:
        return {**row, "package": peer.package, "missing": str(error)}
    calls[0]()
    speeds, walls = [], []
    for _ in range(repeats):
        wall, began = time.perf_counter(), time.process_time()
        for call in calls:
            call()
        heard = SECONDS * len(calls)
        speeds.append(heard / (time.process_time() - began))
        walls.append(heard / (time.perf_counter() - wall))
    return {
        **row,
        "audio_seconds_per_processor_second": round(float(np.median(speeds)), 2),
        "slowest": round(min(speeds), 2),
        "quickest": round(max(speeds), 2),
        "audio_seconds_per_second": round(float(np.median(walls)), 2),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--metric", default="codec-music", help="a name, or a bundle's folder")
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    metric = auricle.load(options.metric).spec.full_name
    peers = [
        Peer(f"{metric}, decoded samples", "auricle", False, by_samples(options.metric)),
        Peer(f"{metric}, FLAC file", "auricle", False, by_file(options.metric, "flac")),
        Peer(f"{metric}, MP3 file", "auricle", False, by_file(options.metric, "mp3")),
        Peer("DNSMOS, 16 kHz", "speechmos", False, dnsmos),
        Peer("Zimtohrli", "zimtohrli", True, zimtohrli),
        Peer("ViSQOL, auricle.reference", "auricle", True, our_visqol),
        Peer("ViSQOL, visqol-python", "visqol-python", True, plain_visqol),
    ]
    with tempfile.TemporaryDirectory() as folder:
        pairs = make_pairs(options.files or [EXAMPLE], options.clips, Path(folder))
        rows = [measure(peer, pairs, options.repeats) for peer in peers]
    markdown = "\n".join([
        f"Audio seconds per processor second on one core, {options.clips} clips of {SECONDS:g} s,"
        f" median of {options.repeats} rounds with the slowest and the quickest; in parentheses by"
        " the clock.",
        "",
        table(
            ["", "package", "reference", "audio s per processor s"],
            [
                [
                    row["name"],
                    row["package"],
                    "needed" if row["needs_reference"] else "none",
                    "missing"
                    if "missing" in row
                    else f"{row['audio_seconds_per_processor_second']:.1f}"
                    f" [{row['slowest']:.1f}, {row['quickest']:.1f}]"
                    f" ({row['audio_seconds_per_second']:.1f})",
                ]
                for row in rows
            ],
        ),
    ])  # fmt: skip
    result = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "clips": options.clips,
        "repeats": options.repeats,
        "rows": rows,
    }
    write_results(options.output, "peers", result, markdown)


if __name__ == "__main__":
    main()
