import csv
import math
from pathlib import Path

import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import SignalError
from auricle.degrade.base import apply_process, parse_process
from auricle.reference.visqol import IDENTITY, Visqol, visqol
from auricle.signal.io import read_audio


def test_published_conformance_values(data_folder: Path) -> None:
    # MOS-LQO of the C++ program as ViSQOL publishes them with its conformance files.
    folder = data_folder / "visqol_conformance"
    with (folder / "expected.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["mode"] == "audio"]
    assert len(rows) >= 10
    for row in rows:
        reference, degraded = (read_audio(folder / row[key]) for key in ("reference", "degraded"))
        assert visqol(reference, degraded) == pytest.approx(float(row["moslqo"]), abs=0.005)


def test_the_remembered_reference_changes_nothing(music: Audio) -> None:
    first, second = (apply_process(music, parse_process(p)) for p in ("mp3:48k", "lowpass:5000"))
    other = Audio.from_array(music.samples[:, ::-1].copy(), music.sample_rate)
    judge, interloper = Visqol(music), Visqol(other)
    once = judge(first), judge(second)
    interloper(second)
    assert (judge(first), judge(second)) == once
    assert visqol(music, first) == once[0]


@pytest.mark.parametrize(
    ("process", "late", "lost"),
    [
        ("aac:48k", 0, 0),
        ("mp3:64k", 700, 0),
        ("opus:24k", -700, 0),
        ("lowpass:3500", 0, 60000),
        ("mp2:64k", 333, 200000),
    ],
)
def test_the_answer_is_that_of_visqol_python(
    music: Audio, process: str, late: int, lost: int
) -> None:
    # A late or early start moves every patch; a lost end leaves patches without a partner.
    from visqol import VisqolApi

    original = VisqolApi()
    original.create(mode="audio")
    coded = apply_process(music, parse_process(process)).samples[0]
    samples = np.concatenate((np.zeros(max(late, 0)), coded[max(-late, 0) : coded.size - lost]))
    samples = samples.astype(np.float32)
    expected = original.measure_from_arrays(
        music.samples[0].astype(np.float64), samples.astype(np.float64), 48000
    )
    judgement = Visqol(music).compare(Audio.from_array(samples, 48000))
    assert judgement.mos == pytest.approx(expected.moslqo, abs=1e-6)
    patches = [patch.similarity for patch in expected.patch_sims]
    assert judgement.patches == pytest.approx(np.array(patches), abs=1e-6)
    starts = [patch.ref_patch_start_time for patch in expected.patch_sims]
    assert judgement.seconds == pytest.approx(np.array(starts), abs=1e-6)


def test_patches_tell_where_the_damage_is(music: Audio) -> None:
    half = music.samples.shape[1] // 2
    coded = apply_process(music, parse_process("lowpass:3500")).samples.copy()
    coded[:, :half] = music.samples[:, :half]
    judge = Visqol(music)
    degraded = Audio.from_array(coded, music.sample_rate)
    mos, patches, seconds = judge.compare(degraded)
    assert judge(degraded) == mos
    assert patches.shape == seconds.shape
    assert np.all(np.diff(seconds) > 0)
    second_half = seconds >= half / music.sample_rate
    first_half = seconds + 0.68 < half / music.sample_rate
    assert patches[first_half].min() > 0.99
    assert patches[second_half].max() < patches[first_half].min()


def test_identity_is_not_five(music: Audio) -> None:
    assert visqol(music, music) == pytest.approx(IDENTITY, abs=0.001)


def test_harder_coding_is_never_better(music: Audio) -> None:
    judge = Visqol(music)
    ladder = [judge(apply_process(music, parse_process(f"lowpass:{cut}"))) for cut in (3500, 9000)]
    assert ladder[0] < ladder[1] < judge(music)


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_what_visqol_cannot_judge_is_an_error(music: Audio, seconds: float) -> None:
    short = Audio.from_array(music.samples[:, : math.ceil(seconds * 48000) or 1], 48000)
    with pytest.raises(SignalError, match=r"0\.75"):
        visqol(music, short)
    with pytest.raises(SignalError, match="silence"):
        visqol(music, Audio.from_array(np.zeros(96000), 48000))
