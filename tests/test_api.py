from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import RATE, make_music

import auricle
from auricle.api import expand_paths, to_row
from auricle.core.errors import ConfigError, InputError, UnknownMetricError

Write = Callable[..., Path]


def test_the_public_face_is_what_it_says() -> None:
    assert auricle.__all__ == [
        "Audio",
        "AuricleError",
        "AxisScore",
        "History",
        "Moment",
        "Notice",
        "Report",
        "Result",
        "Score",
        "Trace",
        "__version__",
        "assess",
        "build_bank",
        "compare",
        "compare_with_bank",
        "load",
    ]
    assert all(hasattr(auricle, name) for name in auricle.__all__)


def test_every_request_has_its_result_in_order(write: Write, tmp_path: Path) -> None:
    good = write("good.wav", make_music(2.0))
    bad = tmp_path / "bad.wav"
    bad.write_text("no audio")
    asked = [bad, good, tmp_path / "nowhere.flac", good, tmp_path / "*.opus"]
    report = auricle.assess(asked, jobs=2)
    assert [result.path for result in report] == [str(path) for path in asked]
    kinds = [result.error.kind if result.error else None for result in report]
    assert kinds == ["decode", None, "missing", None, "missing"]
    assert len(report.scores) == 2
    assert len(report.failures) == 3
    assert report.scores[0] == report.scores[1]


def test_folders_and_globs_are_expanded_in_order(write: Write, tmp_path: Path) -> None:
    for name in ("b.wav", "a.flac", "sub/c.wav", ".hidden.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(name, make_music(0.6))
    (tmp_path / "notes.txt").write_text("not audio")
    names = [Path(path).name for path in expand_paths([tmp_path])]
    assert names == ["a.flac", "b.wav", "c.wav"]
    assert [Path(p).name for p in expand_paths([str(tmp_path / "*.wav")])] == ["b.wav"]
    # A file named outright is tried whatever it is called; a name with brackets is a name first.
    odd = write("odd[1].wav", make_music(0.6))
    assert expand_paths([odd, tmp_path / "notes.txt"]) == [str(odd), str(tmp_path / "notes.txt")]


def test_a_folder_without_audio_is_a_failure(tmp_path: Path) -> None:
    (failure,) = auricle.assess(tmp_path).failures
    assert "no audio" in str(failure.error)


def test_score_interval_track_and_worst_moment_fit_together(write: Write) -> None:
    score = auricle.assess(write("a.wav", make_music(12.5))).scores[0]
    assert score.interval[0] <= score.value <= score.interval[1]
    assert score.duration == pytest.approx(12.5)
    assert [moment.start for moment in score.track] == [float(second) for second in range(13)]
    assert score.track[-1].end == pytest.approx(12.5)
    assert score.worst.score == min(moment.score for moment in score.track)


def test_a_short_rest_belongs_to_the_last_second(write: Write) -> None:
    track = auricle.assess(write("a.wav", make_music(3.2))).scores[0].track
    assert [(moment.start, moment.end) for moment in track] == [(0, 1), (1, 2), (2, 3.2)]


def test_arrays_are_scored_like_files(write: Write) -> None:
    music = np.stack([make_music(3.0, 1, 44100), make_music(3.0, 2, 44100)])
    metric = auricle.load("codec-music")
    assert metric(music, 44100) == metric.score_file(write("a.wav", music, 44100))


def test_wrong_requests_are_refused(write: Write) -> None:
    path = write("a.wav", make_music(0.6))
    with pytest.raises(UnknownMetricError, match="did you mean 'codec-music'"):
        auricle.assess(path, metric="codec-musik")
    with pytest.raises(ConfigError, match="at least one job"):
        auricle.assess(path, jobs=0)
    with pytest.raises(InputError, match="shape"):
        auricle.load("codec-music")(np.zeros((1, 1, 4800)), RATE)
    with pytest.raises(UnknownMetricError, match="holds no bundle"):
        auricle.load(str(path.parent))


@pytest.mark.parametrize("rate", ["48k", 44100.5, float("nan"), None])
def test_a_rate_is_a_whole_number(rate: object) -> None:
    with pytest.raises(ConfigError, match="whole number of Hz"):
        auricle.load("codec-music")(make_music(0.6), rate)  # type: ignore[arg-type]


def test_whole_numbers_of_other_types_will_do() -> None:
    metric, music = auricle.load("codec-music"), make_music(0.6)
    assert metric(music, np.int32(RATE)) == metric(music, float(RATE)) == metric(music, RATE)  # type: ignore[arg-type]


def test_rows_are_the_documented_schema(write: Write) -> None:
    good, bad = auricle.assess([write("a.wav", make_music(2.0)), "nowhere.wav"]).results
    row = to_row(good, track=True, explain=True)
    documented = {
        line.split("`")[1]
        for line in Path("docs/output.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    }
    # Only metrics of several axes have them.
    assert row.keys() | {"axes", "correlation"} == documented
    assert row["metric"] == "codec-music.v3"
    assert len(row["model_sha256"]) == 64
    assert row["worst"].keys() == {"start", "end", "score"}
    failed = to_row(bad)
    assert (failed["score"], failed["interval"], failed["worst"]) == (None, None, None)
    assert failed["error"]["kind"] == "missing"


def test_pairs_that_are_none_are_refused() -> None:
    wrong: Any = "lossless.flac"
    with pytest.raises(ConfigError, match=r"tuples \(reference, degraded\), not 'lossless.flac'"):
        auricle.compare([wrong])
