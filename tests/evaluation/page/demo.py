"""A report page with everything that blocks can say, as long as real ones; values are made up.

`python -m tests.evaluation.page.demo page.html` writes it, to look at.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from auricle.evaluation.page.blocks import (
    Bar,
    Box,
    Boxes,
    Cell,
    Chart,
    Intervals,
    Mark,
    Page,
    Section,
    Series,
    Table,
    Text,
)
from auricle.evaluation.page.write import write_page

METRICS = (
    "auricle-full",
    "visqol-audio",
    "peaq-basic",
    "pesq-wb",
    "stoi",
    "log-spectral-distance",
    "si-sdr",
    "dnsmos-overall",
    "cdpam",
    "mel-cepstral-distance",
    "loudness-difference",
    "auricle-distance-embedding-of-a-long-name",
    "snr",
)
SETS = ("ODAQ", "BVCC", "NISQA", "TCD-VoIP", "SEBASS", "P.Sup23", "Musicians", "Bitrates")
SYSTEMS = ("Hidden reference", "Opus 64", "Opus 32", "AAC 64", "AAC 32", "MP3 64", "LP7", "LP3.5")


def make_demo() -> Page:
    """Return the page."""
    rng = np.random.default_rng(7)
    return Page(
        "Which metric agrees with listeners?",
        "Thirteen metrics over eight listening tests. Correlations are with the mean rating per"
        " clip; brackets hold 95% bootstrap intervals. Distances are negated, so that larger is"
        " better everywhere.",
        [
            Section(
                "Leaderboard",
                [
                    Text("Computed by `auricle benchmark`; hover or tap a cell for its clips."),
                    _leaderboard(rng),
                    _forest(rng),
                    _boxes(rng),
                ],
            ),
            Section("Ratings and scores", [_scatter(rng), _correlations(rng)]),
            Section("Rate and quality", [_rates(rng), _rates(rng, "Speech"), _savings()]),
            Section("Systems", [_many_boxes(rng)]),
            Section("Failures", [_failures()], folded=True),
            Section("Nothing", [Table(("a",), [], "Clips"), Chart("Empty", "x", "y", [])]),
        ],
        facts=[
            ("Auricle", "0.1.0"),
            ("Made", "2026-11-22"),
            ("Command", "auricle benchmark benchmarks/listening_tests.yaml --output report"),
        ],
    )


def _leaderboard(rng: np.random.Generator) -> Table:
    values = np.sort(rng.uniform(0.2, 0.95, (len(METRICS), len(SETS))), axis=0)[::-1]
    rows: list[list[str | Cell]] = []
    for place, name in enumerate(METRICS):
        cells: list[str | Cell] = [name, Cell(f"{values[place].mean():.2f}", values[place].mean())]
        for own, test in zip(values[place], SETS, strict=True):
            low, high = own - rng.uniform(0.02, 0.1), min(1.0, own + rng.uniform(0.02, 0.05))
            text = f"{own:.2f} [{low:.2f}, {high:.2f}]"
            hint = f"{name} on {test}: 240 of 240 clips"
            cells.append(Cell(text, own, hint, best=own == values[:, SETS.index(test)].max()))
        rows.append(cells)
    rows[-1][4] = "-"
    return Table(("Metric", "Mean", *SETS), rows, "SRCC with mean ratings, by set")


def _forest(rng: np.random.Generator) -> Intervals:
    values = np.sort(rng.uniform(0.3, 0.9, len(METRICS)))[::-1]
    bars = [
        Bar(name, value, value - rng.uniform(0.03, 0.12), value + rng.uniform(0.02, 0.05))
        for name, value in zip(METRICS, values, strict=True)
    ]
    return Intervals("Mean SRCC over sets, and the ceiling of the raters", "SRCC", bars, at=0.93)


def _boxes(rng: np.random.Generator) -> Boxes:
    return Boxes(
        "Ratings by system", "MUSHRA score", [_box(rng, name) for name in SYSTEMS], (0, 100)
    )


def _many_boxes(rng: np.random.Generator) -> Boxes:
    names = [
        f"{name} {rate} kbit/s" for name in ("opus", "aac", "mp3") for rate in range(16, 96, 8)
    ]
    return Boxes("Scores by setting", "Score", [_box(rng, name) for name in names])


def _box(rng: np.random.Generator, name: str) -> Box:
    low, first, median, third, high = np.sort(rng.uniform(10, 98, 5))
    outliers = (max(0.0, low - 9.0), min(100.0, high + 2.0)) if rng.random() < 0.5 else ()
    return Box(name, low, first, median, third, high, outliers, mean=(first + third) / 2)


def _scatter(rng: np.random.Generator) -> Chart:
    series = []
    for place, system in enumerate(SYSTEMS):
        truth = np.clip(95 - 10 * place + rng.normal(0, 6, 10 if place < 2 else 9), 2, 99)
        marks = [
            Mark(
                x,
                float(np.clip(x + rng.normal(0, 7), 0, 100)),
                f"item{number:02d}_{system.replace(' ', '')}.wav",
                x - 5,
                x + 6,
            )
            for number, x in enumerate(truth.tolist())
        ]
        series.append(Series(system, marks))
    return Chart("ODAQ", "Mean rating", "Score of auricle-full", series, diagonal=True)


def _correlations(rng: np.random.Generator) -> Chart:
    marks = [Mark(x, 0.05 * x + rng.normal(0, 0.6)) for x in rng.uniform(0, 100, 400).tolist()]
    marks += [Mark(float("nan"), 1.0), Mark(1.0, float("inf"))]
    return Chart("NISQA", "Mean rating", "Score of pesq-wb", [Series("", marks)])


def _rates(rng: np.random.Generator, title: str = "Music") -> Chart:
    series = []
    for place, codec in enumerate(("opus", "aac", "mp3")):
        marks = []
        for rate in (16, 24, 32, 48, 64, 96, 128, 160):
            y = 5 - 4 / (1 + (rate / (18 + 14 * place)) ** 1.4)
            spread = rng.uniform(0.1, 0.25)
            marks.append(Mark(rate, y, "", y - spread, min(5.0, y + spread)))
        series.append(Series(codec, marks, line=True))
    return Chart(title, "Bit rate (kbit/s)", "Score", series, y_range=(1, 5), logarithmic=True)


def _savings() -> Table:
    rows = [
        ("opus against mp3", "-43.1 [-48.0, -37.5]", "0.52"),
        ("opus against aac", "-18.9 [-24.4, -12.0]", "0.21"),
        ("aac against mp3", "-29.8 [-35.3, -24.1]", "0.33"),
    ]
    return Table(("Codecs", "BD-rate (%)", "BD-score"), rows, "Bjontegaard deltas")


def _failures() -> Table:
    odd = 'a<b>&"c"\n' + "very-long-name-" * 12 + "ü漢字.wav"
    rows = [("pesq-wb", "12", "no utterances were detected"), ("stoi", "3", f"too short: {odd}")]
    return Table(("Metric", "Files", "Because"), rows)


if __name__ == "__main__":
    write_page(make_demo(), Path(sys.argv[1]))
