"""Ladders on real clips, codecs and metrics: orders, what is left out, failures, taking up."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import signal
from tests.conftest import make_music

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError
from auricle.degrade.base import apply_process, parse_process
from auricle.evaluation.ladder_report import to_json, to_page, write_ladders
from auricle.evaluation.ladder_results import LadderResults
from auricle.evaluation.ladder_scores import RungScore
from auricle.evaluation.ladder_table import ALL, Ladder, find_ladders
from auricle.evaluation.ladders import run_ladders
from auricle.evaluation.page.blocks import Cell, Chart, Table, Text
from auricle.evaluation.page.markdown import to_markdown
from auricle.evaluation.rated_metrics import find_contenders, score_audio
from auricle.signal.io import read_audio, write_audio

METRICS = ["log-spectral", "codec-music", "stoi"]
# Vorbis has no less than 48 kb/s in mono at 48 kHz: the two last rungs sound the same.
OGG = Ladder("ogg", ("vorbis:160k", "vorbis:48k", "vorbis:32k"))
LOW = Ladder("low-pass", ("lowpass:20000", "lowpass:6000", "lowpass:3000"))


def write_narrow(path: Path) -> Path:
    """Music that ends below 4.5 kHz but for what 24 bits leave."""
    stop = signal.cheby2(20, 120.0, 4500.0, fs=48000, output="sos")
    samples = signal.sosfiltfilt(stop, make_music(2.0, seed=3).astype(np.float64))
    write_audio(path, Audio.from_array(samples, 48000))
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    for seed in (1, 2):
        write_audio(folder / f"{seed}.wav", Audio.from_array(make_music(2.0, seed), 48000))
    write_narrow(folder / "narrow.wav")
    write_audio(folder / "low.wav", Audio.from_array(make_music(2.0, 4, 16000), 16000))
    write_audio(folder / "silent.wav", Audio.from_array(np.zeros(96000), 48000))
    return [*sorted(folder.glob("*.wav")), folder / "nowhere.wav"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def found(clips: list[Path], kept: Path) -> LadderResults:
    contenders, _ = find_contenders(METRICS)
    return run_ladders(contenders, clips, ladders=[OGG, LOW], folder=kept, jobs=2)


def named(found: LadderResults, name: str) -> list[tuple[str, str]]:
    return [(one.process, one.reason) for one in found.left_out if Path(one.clip).name == name]


def test_rungs_that_a_clip_cannot_feel_are_left_out(found: LadderResults) -> None:
    same = ("vorbis:32k", "the same samples as vorbis:48k")
    assert named(found, "1.wav") == [same]
    assert named(found, "narrow.wav")[0] == same
    cut, edge = zip(*named(found, "narrow.wav")[1:], strict=True)
    assert cut == ("lowpass:20000", "lowpass:6000")
    assert all(reason == "the clip ends at 3.8 kHz" for reason in edge)
    assert ("lowpass:20000", "the clip is sampled at 16000 Hz") in named(found, "low.wav")


def test_every_pair_that_can_be_felt_is_counted(found: LadderResults) -> None:
    # Three rungs make three pairs, four make six. Vorbis has more bitrates at 16 kHz; the narrow
    # clip feels one low-pass of three, that at 16 kHz two.
    assert found.find("log-spectral", "ogg").every.pairs == 3 * 3 + 6
    assert found.find("log-spectral", "low-pass").every.pairs == 2 * 6 + 1 + 3
    whole = found.find("log-spectral")
    assert (whole.clips, whole.every.pairs) == (4, 31)
    assert whole.every.ordered + whole.every.tied + whole.every.inverted == 31


def test_a_metric_that_hears_everything_orders_everything(found: LadderResults) -> None:
    result = found.find("log-spectral")
    assert result.every.share is not None
    assert result.every.share.value == 1.0
    assert result.tau is not None
    assert result.tau.value == 1.0
    assert result.beyond is None
    curve = found.find("log-spectral", "low-pass").curve
    assert [step.process for step in curve] == ["", *LOW.rungs]
    # A distance: it rises, and from the clean clip, where it is none.
    means = [step.mean.value for step in curve if step.mean is not None]
    assert means[0] == 0.0
    assert means == sorted(means)


def test_scores_are_those_of_the_metric_itself(found: LadderResults, clips: list[Path]) -> None:
    audio = read_audio(clips[0])
    degraded = apply_process(audio, parse_process("vorbis:48k"))
    alone = score_audio("codec-music", audio, degraded)
    (score,) = (
        one
        for one in found.scores
        if (one.clip, one.process, one.metric) == (clips[0], "vorbis:48k", "codec-music")
    )
    low, high = alone.interval
    assert score == RungScore(
        clips[0], "vorbis:48k", "codec-music", alone.value, (high - low) / 2.0
    )
    assert found.find("codec-music").beyond is not None


def test_what_fails_is_listed_and_nothing_else_is_lost(found: LadderResults) -> None:
    failures = {(Path(one.clip).name, one.metric): one for one in found.failures}
    assert set(failures) == {("nowhere.wav", ""), *(("silent.wav", name) for name in METRICS)}
    assert len(failures["nowhere.wav", ""].processes) == 1 + len(OGG.rungs) + len(LOW.rungs)
    assert "silent" in failures["silent.wav", "codec-music"].message
    assert found.find("codec-music", "ogg").clips == 4


def test_another_run_computes_what_is_new_only(
    found: LadderResults, clips: list[Path], kept: Path
) -> None:
    contenders, _ = find_contenders(METRICS)
    told: list[tuple[int, int]] = []
    again = run_ladders(
        contenders,
        clips,
        ladders=[LOW, OGG],
        folder=kept,
        progress=lambda *n: told.append(n),
    )
    # That metrics refuse silence is known as well.
    assert told == []
    assert [one.message for one in again.failures] == [one.message for one in found.failures]
    assert again.find("log-spectral").every.ordered > 0
    run_ladders(
        contenders[:1], clips[:2], ladders=[Ladder("more", ("opus:96k", *LOW.rungs))],
        folder=kept, progress=lambda *n: told.append(n),
    )  # fmt: skip
    assert told == [(1, 2), (2, 2)]
    rest = {(one.clip, one.process, one.metric): one.value for one in found.scores}
    assert all(rest[one.clip, one.process, one.metric] == one.value for one in again.scores)


def test_a_changed_clip_is_scored_anew(tmp_path: Path) -> None:
    contenders, _ = find_contenders(["log-spectral"])
    path, values = tmp_path / "clip.wav", []
    for seed in (1, 2):
        write_audio(path, Audio.from_array(make_music(1.0, seed), 48000))
        result = run_ladders(contenders, [path], ladders=[LOW], folder=tmp_path)
        values.append(result.find("log-spectral", "low-pass").curve[-1].mean)
    assert values[0] != values[1]


def test_one_clip_has_shares_without_intervals(clips: list[Path], kept: Path) -> None:
    contenders, _ = find_contenders(["log-spectral"])
    one = run_ladders(contenders, clips[:1], ladders=[LOW], folder=kept)
    share = one.find("log-spectral").every.share
    assert share is not None
    assert (share.value, share.interval) == (1.0, None)
    assert "| log-spectral | 100 | 100 |" in to_markdown(to_page(one))


def test_nothing_to_do_is_refused(clips: list[Path]) -> None:
    contenders, _ = find_contenders(["log-spectral"])
    for metrics, files, ladders in (
        ([], clips, [LOW]),
        (contenders, [], [LOW]),
        (contenders, clips, []),
    ):
        with pytest.raises(ConfigError, match="at least one"):
            run_ladders(metrics, files, ladders=ladders)


def test_the_report_tells_all(
    found: LadderResults, tmp_path: Path, write: Callable[..., Path]
) -> None:
    pytest.importorskip("jinja2")
    assert write_ladders(found, ["a note"], tmp_path / "out") == []
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"report.md", "report.json", "report.html", "scores.csv"}
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert told["ladders"] == {"ogg": list(OGG.rungs), "low-pass": list(LOW.rungs)}
    assert {(one["metric"], one["ladder"]) for one in told["results"]} == {
        (metric, ladder) for metric in METRICS for ladder in ("ogg", "low-pass", ALL)
    }
    # Distances have no end, JSON no infinity.
    assert told["metrics"][0]["scale"]["high"] is None
    assert told["results"] == json.loads(json.dumps(to_json(found)["results"]))
    text = (tmp_path / "out" / "scores.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == len(found.scores)
    html = (tmp_path / "out" / "report.html").read_text()
    assert "log-spectral" in html
    assert "a note" in html


def test_the_page_has_a_chart_per_ladder_and_marks_the_best(found: LadderResults) -> None:
    page = to_page(found)
    charts = [b for section in page.sections for b in section.blocks if isinstance(b, Chart)]
    assert [(chart.title, chart.x) for chart in charts] == [
        ("ogg", "vorbis, bit/s"),
        ("low-pass", "lowpass, Hz"),
    ]
    assert charts[0].ticks == [(0, "clean"), (1, "160k"), (2, "48k"), (3, "32k")]
    for chart in charts:
        # Relative to the clean clip, and downwards for distances as well.
        assert all(series.marks[0].y == 0.0 for series in chart.series)
    (spectral,) = (one for one in charts[1].series if one.name == "log-spectral")
    assert spectral.marks[-1].y == -100.0
    assert all(mark.low <= mark.y <= mark.high for mark in spectral.marks if mark.low is not None)
    markdown = to_markdown(page)
    assert "| log-spectral | **100 [100, 100]** | **100 [100, 100]** | **100 [100, 100]** |" in (
        markdown
    )
    assert "the same samples as vorbis:48k" in markdown


def test_nothing_left_out_and_no_failures_are_said(clips: list[Path], kept: Path) -> None:
    contenders, _ = find_contenders(["log-spectral"])
    ladders = find_ladders(["noise=noise:40,noise:20"])
    found = run_ladders(contenders, clips[:1], ladders=ladders, folder=kept)
    page = to_page(found)
    blocks = [block for section in page.sections[-2:] for block in section.blocks]
    assert blocks == [Text("None: every clip feels every rung."), Text("None.")]
    # A metric alone is not the best.
    assert "**" not in to_markdown(page)


def test_without_a_pair_no_metric_is_the_best(tmp_path: Path) -> None:
    contenders, _ = find_contenders(METRICS)
    found = run_ladders(contenders, [tmp_path / "none.wav"], ladders=[LOW])
    page = to_page(found)
    table = page.sections[0].blocks[0]
    assert isinstance(table, Table)
    assert [(one.text, one.best) for one in table.rows[0][1:] if isinstance(one, Cell)] == [
        ("-", False)
    ] * 2
    assert "**" not in to_markdown(page)


def test_rungs_of_several_kinds_are_numbered(clips: list[Path], kept: Path) -> None:
    contenders, _ = find_contenders(["log-spectral"])
    mixed = Ladder("calls", ("opus:64k", "opus:24k+lowpass:3500"))
    found = run_ladders(contenders, clips[:1], ladders=[mixed], folder=kept)
    charts = [
        b for section in to_page(found).sections for b in section.blocks if isinstance(b, Chart)
    ]
    assert (charts[0].x, charts[0].ticks) == ("rung", [(0, "clean"), (1, "1"), (2, "2")])
