from pathlib import Path

import numpy as np
import pytest

from auricle.core.errors import DataError
from auricle.data.features import LabelledClip
from auricle.training.trial import read_trial, write_trial

CLIPS = [LabelledClip(f"c{n}", f"r{n // 2}", "s", "test", 3.0, "mp3:64k") for n in range(4)]
LABEL = [0.0, 25.0, 50.0, 100.0]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_trial(CLIPS, LABEL, np.array([3.0, 28.0, 53.0, 97.0], dtype=np.float32), tmp_path / "t")
    trial = read_trial(tmp_path / "t")
    assert trial.id == ("c0", "c1", "c2", "c3")
    assert trial.recording == ("r0", "r0", "r1", "r1")
    assert trial.process == ("mp3:64k",) * 4
    assert trial.label.tolist() == LABEL
    assert trial.rmse == pytest.approx(3.0)
    assert trial.srcc == pytest.approx(1.0)
    assert 0.99 < trial.pcc < 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_a_network_that_always_says_the_same_correlates_with_nothing(tmp_path: Path) -> None:
    write_trial(CLIPS, LABEL, [100.0] * 4, tmp_path / "t")
    trial = read_trial(tmp_path / "t")
    assert trial.pcc == trial.srcc == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\na,1\n", "lacks the columns predicted, process, recording, source"),
        ("id,recording,source,process,label,predicted\na,b,c,d,1,x\n", "column of numbers"),
        (None, "cannot read"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "t").write_text(text)
    with pytest.raises(DataError, match=message):
        read_trial(tmp_path / "t")
