"""The NISQA Corpus, as small as it gets: its columns, folders and habits, and generated clips."""

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from auricle.cli.main import app
from auricle.core.audio import Audio
from auricle.core.errors import DataError
from auricle.data.features import read_features
from auricle.data.nisqa import TABLE, read_nisqa
from auricle.data.rated import read_rated
from auricle.signal.io import write_audio
from auricle.training.trial import read_trial

COLUMNS = (
    "db,con,file,con_description,filename_deg,filename_ref,source,lang,votes,mos,noi,col,dis,loud,"
    "noi_std,col_std,dis_std,loud_std,mos_std,filepath_deg,filepath_ref"
).split(",")
SETS = {
    "NISQA_TRAIN_SIM": 24,
    "NISQA_VAL_SIM": 12,
    "NISQA_TEST_P501": 12,
    "NISQA_TEST_LIVETALK": 2,
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones in noise: the louder the noise, the lower the rating."""
    folder = tmp_path_factory.mktemp("NISQA_Corpus")
    rng = np.random.default_rng(0)
    rows = []
    for db, clips in SETS.items():
        live = db.endswith("LIVETALK")
        for number in range(1, clips + 1):
            noise = rng.uniform()
            time = np.arange(round(16000 * rng.uniform(0.6, 1.6))) / 16000
            tone = np.sin(2 * np.pi * rng.uniform(200, 900) * time)
            path = f"{db}/deg/c{number:05d}.wav"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            samples = 0.1 * (tone + 2 * noise * rng.standard_normal(time.size))
            write_audio(folder / path, Audio.from_array(samples, 16000))
            mean = f"{5 - 4 * noise:.6f}"
            facts = {
                "db": db, "con": str(number), "file": str(number), "lang": "en", "votes": "5",
                "filename_deg": path.rsplit("/", maxsplit=1)[-1], "filepath_deg": path,
                "filename_ref": "" if live else f"f{number % 4}.wav",
                "mos": mean, "noi": mean, "dis": "4.5", "col": "4.25", "loud": "" if live else "3",
            }  # fmt: skip
            rows.append(facts)
    write(folder / TABLE, rows)
    return folder


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)


def rows_of(corpus: Path) -> list[dict[str, str]]:
    with (corpus / TABLE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_sets_become_splits_and_columns_axes(corpus: Path) -> None:
    clips = read_nisqa(corpus)
    counts = {
        split: sum(c.split == split for c in clips) for split in ("train", "validation", "test")
    }
    assert counts == {"train": 24, "validation": 12, "test": 14}
    first, last = clips[0], clips[-1]
    assert first.path == "NISQA_TRAIN_SIM/deg/c00001.wav"
    assert (first.system, first.recording) == ("NISQA_TRAIN_SIM/1", "NISQA_TRAIN_SIM/f1.wav")
    assert first.domain == "speech"
    assert list(first.scores) == [
        "mos", "noisiness", "discontinuity", "coloration", "loudness",
    ]  # fmt: skip
    assert first.mean("discontinuity") == 4.5
    assert first.mean("coloration") == 4.25
    assert last.recording == ""
    assert "loudness" not in last.scores


def test_tables_of_single_sets_say_the_same(corpus: Path, tmp_path: Path) -> None:
    rows = rows_of(corpus)
    for db in SETS:
        write(tmp_path / db / f"{db}_file.csv", [row for row in rows if row["db"] == db])
    found = {clip.id: clip for clip in read_nisqa(tmp_path)}
    assert found == {clip.id: clip for clip in read_nisqa(corpus)}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("db", "NISQA_TTS", "line 3, column db: 'NISQA_TTS' is neither"),
        ("filepath_deg", "", "line 3, column filepath_deg: it is empty"),
        ("mos", "", "line 3, column mos: it is empty"),
        ("mos", "good", "line 3, column mos: 'good' is not a number"),
        ("noi", "5.2", "line 3, column noi: 5.2 does not lie between 1 and 5"),
        ("filepath_deg", "NISQA_TRAIN_SIM/deg/c00001.wav", "two clips have the id"),
    ],
)
def test_what_does_not_fit_is_named(
    corpus: Path, tmp_path: Path, column: str, value: str, message: str
) -> None:
    rows = rows_of(corpus)
    rows[1][column] = value
    write(tmp_path / TABLE, rows)
    with pytest.raises(DataError, match=message):
        read_nisqa(tmp_path)


def test_a_missing_column_or_table_is_named(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"there is no {TABLE} in"):
        read_nisqa(tmp_path)
    text = (corpus / TABLE).read_text("utf-8")
    (tmp_path / TABLE).write_text(text.replace(",dis,", ",dist,", 1), "utf-8")
    with pytest.raises(DataError, match="line 1: there is no column dis"):
        read_nisqa(tmp_path)


def test_from_the_corpus_to_a_model_by_the_command_line(corpus: Path, tmp_path: Path) -> None:
    table, features, output = (str(tmp_path / name) for name in ("t.csv", "features", "run"))
    tiny = [
        "system.front_end.n_mels=16", "system.segment=1.0",
        "system.encoder={kind: mel_cnn, stem: 4, channels: [8, 8], features: 16}",
        "max_epochs=2", "batch_size=8", "data.steps=6", "data.labels=12",
    ]  # fmt: skip
    settings = [part for text in tiny for part in ("--set", text)]

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, [*arguments])
        assert result.exit_code == 0, result.output
        return result.output

    (corpus / "NISQA_TEST_LIVETALK/deg/c00002.wav").write_bytes(b"")
    said = run(
        "data", "ratings", str(corpus), "--layout", "nisqa", "--audio", str(corpus),
        "--output", table,
    )  # fmt: skip
    assert "50 clips" in said
    assert len(read_rated(Path(table))) == 50
    said = run(
        "data", "features", table, "--audio", str(corpus), "--axis", "mos",
        "--recipe", "jsqa-small", "--output", features, "--jobs", "1", *settings,
    )  # fmt: skip
    assert "49 clips" in said
    assert "left out: " in said
    assert {clip.source for clip in read_features(Path(features)).clips[:1]} == {
        "NISQA_TRAIN_SIM/1"
    }
    said = run("train", "jsqa-small", "--features", features, "--output", output, *settings)
    assert "on 1 to 5" in said
    trial = read_trial(Path(output) / "test.csv")
    assert len(trial.label) == 13
    assert set(trial.recording[:4]) == {f"NISQA_TEST_P501/f{number}.wav" for number in range(4)}
