"""`auricle score --explain`: the faces of a history."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from tests.conftest import make_music

from auricle.api import assess, to_row
from auricle.catalog import find_bundle
from auricle.cli.render import CsvWriter, TableWriter
from auricle.cli.score import score
from auricle.core.errors import ConfigError, MissingFileError
from auricle.core.score import History, Moment, Result, Score, Trace
from auricle.core.spec import Scale
from auricle.systems.bundle import Bundle

Write = Callable[..., Path]
TRACES = (Trace("lossy", 0.98, (32_000, 64_000)), Trace("mp3", 0.91, (48_000, 96_000)))
LOSSY = History(0.98, "lossy", 16_012.3, TRACES)
UNCLEAR = History(0.98, "lossy", 16_012.3, (TRACES[0], Trace("mp3", 0.4, (48_000, 96_000))))
GENUINE = History(0.02, "no trace", 22_000.0, TRACES)
LIKELY = History(0.82, "no trace", 22_000.0, TRACES, threshold=0.93)

SPEC = find_bundle("codec-music").config.spec


def row(history: History | None) -> dict:
    one = (Moment(0.0, 1.0, 50.0),)
    value = Score(50.0, (40.0, 60.0), 6.0, one, Scale(0.0, 100.0), "m.v1", 1.0, history=history)
    return to_row(Result("a.wav", "m.v1", "", score=value), explain=True)


FAILED = to_row(Result("b.wav", "m.v1", "", error=MissingFileError("gone")), explain=True)


@pytest.mark.parametrize(("history", "text"), [
    (LOSSY, "lossy 0.98: mp3 (0.91), 48-96 kb/s per channel; bandwidth 16.0 kHz"),
    (UNCLEAR, "lossy 0.98: codec unclear, 32-64 kb/s per channel; bandwidth 16.0 kHz"),
    (GENUINE, "no trace of lossy coding (0.02); bandwidth 22.0 kHz"),
    (LIKELY, "not certainly lossy (0.82); bandwidth 22.0 kHz"),
])  # fmt: skip
def test_the_table_tells_the_history_in_words(history: History, text: str) -> None:
    stream = io.StringIO()
    with TableWriter(stream, SPEC, track=False, explain=True) as writer:
        writer.write(row(history))
        writer.write(FAILED)
    assert text in stream.getvalue()
    assert "not scored: gone" in stream.getvalue()


def test_csv_is_flat() -> None:
    stream = io.StringIO()
    with CsvWriter(stream, SPEC, track=False, explain=True) as writer:
        for history in (LOSSY, UNCLEAR, GENUINE):
            writer.write(row(history))
        writer.write(FAILED)
    columns = [
        *("history_verdict", "history_lossy", "history_codec", "history_low", "history_high"),
        "bandwidth_hz",
    ]
    found = [
        [line[name] for name in columns] for line in csv.DictReader(io.StringIO(stream.getvalue()))
    ]
    assert found == [
        ["lossy", "0.98", "mp3", "48000", "96000", "16012"],
        ["lossy", "0.98", "", "32000", "64000", "16012"],
        ["no trace", "0.02", "", "", "", "22000"],
        [""] * 6,
    ]


def test_rows_hold_the_history_only_when_asked(told: Bundle, write: Write, tmp_path: Path) -> None:
    path, output = write("a.wav", make_music(1.5)), tmp_path / "s.jsonl"
    metric = str(told.folder)
    score([str(path)], metric=metric, output=output, explain=True, quiet=True)
    (result,) = assess(path, metric).results
    assert json.loads(output.read_text()) == to_row(result, explain=True)
    history = to_row(result, explain=True)["history"]
    assert history.keys() == {
        *("lossy", "lossy_threshold", "verdict", "codec", "bandwidth_hz", "traces")
    }
    assert history["lossy_threshold"] == told.calibration.lossy_threshold
    assert history["traces"][0].keys() == {"name", "probability", "low", "high"}
    assert "history" not in to_row(result)


@pytest.mark.parametrize("first", [True, False])
def test_resuming_never_mixes(told: Bundle, write: Write, tmp_path: Path, first: bool) -> None:
    path, output = write("a.wav", make_music(1.0)), tmp_path / "s.jsonl"

    def run(explain: bool) -> None:
        score(
            [str(path)],
            metric=str(told.folder),
            output=output,
            explain=explain,
            resume=True,
            quiet=True,
        )

    run(first)
    before = output.read_text()
    with pytest.raises(ConfigError, match=f"written {'with' if first else 'without'} --explain"):
        run(not first)
    run(first)
    assert output.read_text() == before


def test_a_metric_without_history_says_which_has_one(
    told: Bundle, untold: Bundle, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, metric = write("a.wav", make_music(1.0)), str(untold.folder)
    monkeypatch.setattr("auricle.cli.score.CATALOG", {metric: None, str(told.folder): None})
    with pytest.raises(ConfigError, match=f"tells no history: use --metric {told.folder}$"):
        score([str(path)], metric=metric, explain=True)
    monkeypatch.setattr("auricle.cli.score.CATALOG", {metric: None})
    with pytest.raises(ConfigError, match="none of the metrics here does"):
        score([str(path)], metric=metric, explain=True)


def test_failures_have_no_history(told: Bundle, tmp_path: Path) -> None:
    output = tmp_path / "s.csv"
    with pytest.raises(typer.Exit):
        score(["nowhere.wav"], metric=str(told.folder), output=output, explain=True, quiet=True)
    (line,) = csv.DictReader(io.StringIO(output.read_text()))
    assert (line["history_verdict"], line["error_kind"]) == ("", "missing")
