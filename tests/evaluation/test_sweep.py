"""Sweeps: real codecs on short clips, and what is told of curves that are known."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import make_music

from auricle.core.errors import ConfigError
from auricle.degrade.programs import parse_program
from auricle.evaluation.page.markdown import to_markdown
from auricle.evaluation.rated_metrics import Contender, find_contenders
from auricle.evaluation.sweep import ORIGINAL, Sweep, SweepPoint, run_sweep
from auricle.evaluation.sweep_curves import find_curves
from auricle.evaluation.sweep_gate import compare_with_baseline, read_baseline
from auricle.evaluation.sweep_plan import Clip, SweepPlan
from auricle.evaluation.sweep_report import to_json, to_page, write_sweep
from auricle.evaluation.sweep_tables import SweepReport

Write = Callable[..., Path]
RATES = (16_000, 32_000, 64_000, 128_000)


def plan(*metrics: str, codecs: tuple[str, ...] = ("opus", "mp3"), **more: object) -> SweepPlan:
    contenders = tuple(find_contenders(list(metrics) or ["log-spectral"])[0])
    return SweepPlan(codecs, (16_000, 64_000), contenders, **more)  # type: ignore[arg-type]


@pytest.fixture
def files(write: Write) -> list[str]:
    return [str(write(f"{seed}.wav", make_music(1.0, seed))) for seed in (0, 1)]


def made(
    curves: Mapping[str, tuple[list[float], list[float]]], clips: int = 4, sign: float = 1.0
) -> Sweep:
    """A sweep of curves (bit/s, scores) that are the same for every clip but for a small shift."""
    contender = Contender("m", "m.v1", sign, "x")
    shifts = np.linspace(-1.0, 1.0, clips) if clips > 1 else np.zeros(1)
    names = [Clip(f"{place}.wav", f"sha{place}", 48000, 2, 1.0) for place in range(clips)]
    points = []
    for clip, shift in zip(names, shifts, strict=True):
        points.append(SweepPoint(clip.name, ORIGINAL, 0, 0, 0.0, "m", sign * (90.0 + shift)))
        for codec, (rates, scores) in curves.items():
            for nominal, rate, score in zip(RATES, rates, scores, strict=True):
                value = sign * (score + shift)
                points.append(SweepPoint(clip.name, codec, nominal, nominal, rate, "m", value))
    swept = SweepPlan(tuple(curves), RATES, (contender,))
    return Sweep(swept, tuple(names), tuple(points), (), 0)


RISING = [40.0, 60.0, 75.0, 85.0]
MEASURED = [float(rate) for rate in RATES]


def test_real_codecs(files: list[str], tmp_path: Path) -> None:
    found = run_sweep(plan("log-spectral", "codec-music"), files, tmp_path)
    # Two clips, uncoded and by two codecs at two bitrates, by two metrics.
    assert (len(found.points), found.failures) == (2 * 5 * 2, ())
    told = {(one.codec, one.nominal): one for one in found.points if one.metric == "log-spectral"}
    assert told[ORIGINAL, 0].score == 0.0
    assert told["mp3", 16_000].setting == 32_000
    assert told["mp3", 64_000].bitrate == pytest.approx(64_000, rel=0.01)
    for codec in ("opus", "mp3"):
        assert told[codec, 16_000].score > told[codec, 64_000].score > 0.0


def test_only_what_is_new_is_computed(files: list[str], tmp_path: Path) -> None:
    first = run_sweep(plan(), files, tmp_path)
    assert first.computed == 2 * 5
    again = run_sweep(plan(), files, tmp_path)
    assert (again.computed, again.points) == (0, first.points)
    more = run_sweep(replace(plan(), bitrates=(16_000, 64_000, 96_000)), files, tmp_path)
    assert more.computed == 2 * 2
    # A killed run may have left half a line.
    journal = tmp_path / "scores" / "sweep.jsonl"
    journal.write_text(journal.read_text()[:-20])
    mended = run_sweep(replace(plan(), bitrates=(16_000, 64_000, 96_000)), files, tmp_path)
    assert (mended.computed, mended.points) == (1, more.points)
    # The same content under another name.
    copy = tmp_path / "copy.wav"
    copy.write_bytes(Path(files[0]).read_bytes())
    assert run_sweep(plan(), [str(copy)], tmp_path).computed == 0
    both = run_sweep(plan(), [files[0], str(copy)], tmp_path)
    assert [clip.name for clip in both.clips] == files[:1]


def test_a_file_that_changed_and_another_excerpt_are_computed_anew(
    write: Write, tmp_path: Path
) -> None:
    # A length between two samples: what is taken is shorter than what was asked for.
    odd = replace(plan(codecs=("mp3",)), excerpt=0.500005)
    whole = replace(odd, excerpt=30.0)
    found = []
    for seed in (0, 1):
        path = str(write("clip.wav", make_music(1.0, seed)))
        found += [run_sweep(one, [path], tmp_path) for one in (odd, whole)]
        assert run_sweep(replace(whole, excerpt=1.0), [path], tmp_path).computed == 0
    assert [one.computed for one in found] == [3, 3, 3, 3]
    assert len({one.points[-1].score for one in found}) == 4


def test_settings_that_fall_together_are_computed_once(files: list[str], tmp_path: Path) -> None:
    swept = replace(plan(codecs=("mp3",)), bitrates=(8_000, 16_000, 32_000, 40_000))
    found = run_sweep(swept, files[:1], tmp_path)
    assert found.computed == 1 + 2
    (curve,) = find_curves(found).curves
    assert [(one.nominal, one.same) for one in curve.points] == [
        (32_000, (8_000, 16_000)),
        (40_000, ()),
    ]


def test_processes_find_the_same(files: list[str], tmp_path: Path) -> None:
    alone = run_sweep(plan(), files, tmp_path / "one")
    assert run_sweep(plan(), files, tmp_path / "two", jobs=2).points == alone.points


def test_failures_lose_nothing_else(files: list[str], write: Write, tmp_path: Path) -> None:
    silent = str(write("silent.wav", np.zeros(48000)))
    short = str(write("short.wav", make_music(0.3)))
    swept = plan("log-spectral", "visqol")
    found = run_sweep(swept, [silent, *files, short, "no.wav"], tmp_path)
    assert {one.clip for one in found.failures} == {silent, short, "no.wav"}
    assert all(one.metric == "visqol" for one in found.failures if one.clip == short)
    curves = find_curves(found)
    assert curves.complete == {"log-spectral": 3, "visqol": 2}
    told = to_markdown(to_page(SweepReport(found, curves)))
    assert "there is no such file" in told
    # Failures are tried again.
    assert run_sweep(swept, [short], tmp_path).computed == 5


def test_a_program_is_run_anew_and_its_failure_loses_no_codec(
    files: list[str], tmp_path: Path
) -> None:
    programs = (parse_program("raw=cp {in} {out}"), parse_program("bad=false {in} {out}"))
    swept = plan(codecs=("opus",), programs=programs)
    found = run_sweep(swept, files, tmp_path)
    assert {one.codec for one in found.failures} == {"bad"}
    assert run_sweep(swept, files, tmp_path).computed == 2 * 2 * 2
    curves = {curve.codec: curve for curve in find_curves(found).curves}
    assert set(curves) == {"opus", "raw"}
    assert curves["raw"].points[0].score.value == pytest.approx(0.0, abs=0.1)
    assert curves["raw"].points[0].bitrate == pytest.approx(24 * 48_000, rel=0.01)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_half_the_bitrate_is_found(sign: float) -> None:
    half = [rate / 2.0 for rate in MEASURED]
    sweep = made({"old": (MEASURED, RISING), "new": (half, RISING)}, sign=sign)
    (found,) = find_curves(sweep).comparisons
    assert (found.anchor, found.codec) == ("old", "new")
    assert found.rate.value == pytest.approx(-50.0)
    assert (found.rate.low, found.rate.high) == (pytest.approx(-50.0), pytest.approx(-50.0))
    assert found.rate_overlap == 1.0
    assert found.quality.value is not None
    assert found.quality.value > 0.0


def test_all_are_compared_with_the_anchor() -> None:
    sweep = made(dict.fromkeys("abc", (MEASURED, RISING)))
    assert len(find_curves(sweep).comparisons) == 3
    found = find_curves(sweep, anchor="b").comparisons
    assert [(one.anchor, one.codec) for one in found] == [("b", "a"), ("b", "c")]


def test_what_is_undefined_has_a_reason() -> None:
    low = made({"a": (MEASURED, [1.0, 2.0, 3.0, 4.0]), "b": (MEASURED, RISING)})
    (found,) = find_curves(low).comparisons
    assert (found.rate.value, found.rate_overlap) == (None, None)
    assert "no quality in common" in found.rate.note
    assert found.quality.value is not None
    falls = made({"a": (MEASURED, [80.0, 40.0, 60.0, 85.0]), "b": (MEASURED, RISING)})
    (found,) = find_curves(falls).comparisons
    assert "falls with bitrate" in found.rate.note
    small = made({"a": (MEASURED, [40.0, 39.0, 75.0, 85.0]), "b": (MEASURED, RISING)})
    (found,) = find_curves(small).comparisons
    assert found.left_out == ("a 32",)
    assert found.rate.value is not None


def test_a_flat_curve_tells_no_rates() -> None:
    flat = made({"a": (MEASURED, [80.0, 80.5, 81.0, 80.2]), "b": (MEASURED, RISING)})
    (found,) = find_curves(flat).comparisons
    assert found.rate.value is None
    assert found.rate.note == "the curve of a is nearly flat: it changes by 1 in all"
    assert found.quality.value is not None


def test_metrics_without_a_reference_are_explained_and_no_bitrate_is_the_best() -> None:
    sweep = made({"a": (MEASURED, RISING), "b": (MEASURED, RISING)})
    told = to_markdown(to_page(SweepReport(sweep, find_curves(sweep))))
    assert "does not hear the original" not in told
    assert "**" not in told
    (one,) = sweep.plan.contenders
    plan = replace(sweep.plan, contenders=(replace(one, needs_reference=False),))
    alone = replace(sweep, plan=plan)
    told = to_markdown(to_page(SweepReport(alone, find_curves(alone))))
    assert "does not hear the original" in told


def test_one_clip_has_values_without_intervals() -> None:
    found = find_curves(made({"a": (MEASURED, RISING), "b": (MEASURED, RISING)}, clips=1))
    point = found.curves[0].points[0].score
    assert (point.value, point.low, point.high) == (40.0, None, None)
    assert found.comparisons[0].rate.value == pytest.approx(0.0)
    # It suffers as the mean clip does: itself.
    assert found.losses == ()


def test_bitrates_for_a_wanted_score() -> None:
    sweep = made({"a": (MEASURED, RISING)})
    at, below, above = find_curves(sweep, targets=[60.0, 20.0, 95.0]).targets
    assert at.bitrate.value == pytest.approx(32_000)
    assert at.bitrate.low is not None
    assert at.bitrate.high is not None
    assert at.bitrate.low < 32_000 < at.bitrate.high
    assert (below.at_most, below.bitrate.value) == (True, pytest.approx(16_000))
    assert above.bitrate.value is None
    assert "85 at best" in above.bitrate.note


def test_the_clip_that_suffers_is_named() -> None:
    sweep = made({"a": (MEASURED, RISING)})
    points = tuple(
        replace(one, score=10.0) if (one.clip, one.nominal) == ("2.wav", 16_000) else one
        for one in sweep.points
    )
    worst = find_curves(replace(sweep, points=points)).losses[0]
    assert (worst.clip, worst.nominal, worst.score) == ("2.wav", 16_000, 10.0)
    assert worst.drop == pytest.approx(90.0 + 1 / 3 - 10.0)
    assert worst.beyond > 15.0


def write_baseline(sweep: Sweep, folder: Path) -> Path:
    report = to_json(SweepReport(sweep, find_curves(sweep)))
    (folder / "report.json").write_text(json.dumps(report, allow_nan=False))
    return folder / "report.json"


def test_reports_are_written(tmp_path: Path) -> None:
    sweep = made({"a": (MEASURED, RISING), "b": (MEASURED, RISING)})
    found = find_curves(sweep, targets=[70.0])
    assert write_sweep(SweepReport(sweep, found), tmp_path) == []
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["points"]) == len(sweep.points)
    assert report["comparisons"][0]["rate"]["value"] == pytest.approx(0.0)
    assert len((tmp_path / "points.csv").read_text().splitlines()) == 1 + len(sweep.points)
    assert "## Codecs compared" in (tmp_path / "report.md").read_text()
    assert "<svg" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_codec_that_became_worse(sign: float, tmp_path: Path) -> None:
    before = made({"a": (MEASURED, RISING), "b": (MEASURED, RISING)}, sign=sign)
    baseline = read_baseline(write_baseline(before, tmp_path), 30.0)
    fallen = [40.0, 52.0, 75.0, 85.0]
    after = made({"a": (MEASURED, fallen), "b": (MEASURED, RISING)}, sign=sign)
    same = compare_with_baseline(before, baseline)
    assert [one.change.value for one in same.changes] == [0.0, 0.0]
    assert same.worse == ()
    found = compare_with_baseline(after, baseline)
    (worse,) = found.worse
    assert (worse.codec, worse.worst, worse.points) == ("a", 32_000, 16)
    assert worse.change.value == pytest.approx(-2.0)
    assert worse.worst_change == pytest.approx(-8.0)
    # A fall within the tolerance, and one for the better.
    assert compare_with_baseline(after, baseline, tolerance=3.0).worse == ()
    fallen_before = read_baseline(write_baseline(after, tmp_path), 30.0)
    assert compare_with_baseline(before, fallen_before).worse == ()


def test_a_fall_by_chance_is_none(tmp_path: Path) -> None:
    before = made({"a": (MEASURED, RISING)})
    baseline = read_baseline(write_baseline(before, tmp_path), 30.0)
    noise = {"0.wav": -20.0, "1.wav": 8.0, "2.wav": -5.0, "3.wav": 9.0}
    points = tuple(replace(one, score=one.score + noise[one.clip]) for one in before.points)
    (change,) = compare_with_baseline(replace(before, points=points), baseline).changes
    assert change.change.value == pytest.approx(-2.0)
    assert not change.worse


def test_a_baseline_must_fit(tmp_path: Path) -> None:
    sweep = made({"a": (MEASURED, RISING)})
    path = write_baseline(sweep, tmp_path)
    with pytest.raises(ConfigError, match="--excerpt 30"):
        read_baseline(path, 10.0)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_baseline(tmp_path / "no.json", 30.0)
    (tmp_path / "odd.json").write_text('{"excerpt": 30}')
    with pytest.raises(ConfigError, match=r"no report\.json of a sweep"):
        read_baseline(tmp_path / "odd.json", 30.0)
    baseline = read_baseline(path, 30.0)
    with pytest.raises(ConfigError, match="no point in common"):
        compare_with_baseline(made({"other": (MEASURED, RISING)}), baseline)
    newer = replace(sweep.plan, contenders=(Contender("m", "m.v2", 1.0, "y"),))
    with pytest.raises(ConfigError, match="no point in common"):
        compare_with_baseline(replace(sweep, plan=newer), baseline)
    # A clip of another content is known by its name, and what is lost is told.
    clips = (replace(sweep.clips[0], sha256="new"), *sweep.clips[1:3])
    kept = tuple(one for one in sweep.points if one.clip != "3.wav")
    found = compare_with_baseline(replace(sweep, clips=clips, points=kept), baseline)
    assert found.notes == ("0.wav was matched by its name: its content changed",)
    assert found.missing == ("a by m.v1: 4 of the baseline's 16 points are not in this sweep",)
    # So is a codec that nothing was compared with.
    both = made({"a": (MEASURED, RISING), "new": (MEASURED, RISING)})
    found = compare_with_baseline(both, baseline)
    assert found.notes == ("new by m has no point in the baseline",)
    assert ([one.codec for one in found.changes], found.missing) == (["a"], ())
    # And one that is not there any more.
    before = read_baseline(write_baseline(both, tmp_path), 30.0)
    found = compare_with_baseline(sweep, before)
    assert found.missing == ("new by m.v1: 16 of the baseline's 16 points are not in this sweep",)
