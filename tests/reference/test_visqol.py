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


def test_the_filter_bank_is_that_of_visqol_python(music: Audio) -> None:
    from visqol import VisqolApi

    original = VisqolApi()
    original.create(mode="audio")
    degraded = apply_process(music, parse_process("aac:48k"))
    expected = original.measure_from_arrays(
        music.samples[0].astype(np.float64), degraded.samples[0].astype(np.float64), 48000
    )
    assert visqol(music, degraded) == pytest.approx(expected.moslqo, abs=1e-9)


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
