import json
from collections import Counter
from pathlib import Path

import pytest

from auricle.core.errors import DataError
from auricle.data.aes import (
    AXES,
    CHALLENGE_DEV,
    CHALLENGE_TEST,
    CHALLENGE_TRAIN,
    NATURAL,
    PAM,
    read_challenge,
    read_natural,
    read_pam,
)
from auricle.data.rated import RatedClip, stratify

KEYS = (
    "Production_Quality",
    "Production_Complexity",
    "Content_Enjoyment",
    "Content_Usefulness",
)
PATHS = {
    "AES_natural_speech.jsonl": (
        "EARS/p001/emo_contentment_sentences.wav",
        "LibriTTS/train-clean-360/1446/122614/1446_122614_000007_000001.wav",
        "cv-corpus-13.0-2023-03-09/en/clips/common_voice_en_25997093.mp3",
    ),
    "AES_natural_music.jsonl": (
        "MUSDB18/test/AM Contra - Heart Peripheral/bass.wav",
        "MUSDB18/test/AM Contra - Heart Peripheral/drums.wav",
        "musiccaps/1FnA3w94zXI.wav",
    ),
    "AES_natural_sound.jsonl": ("unbalanced_train_segments/audio/-6FLs0P1KaQ_30000_40000.flac",),
    PAM: (
        "PAM/human_eval/audio/audiogen_m/generated_audio_index_1.wav",
        "PAM/human_eval/audio/real/generated_audio_index_1.wav",
        "PAM/human_eval/music/real/YvT7qFbUOO0.wav",
    ),
}
HEADER = "sample_id,data_path," + ",".join(KEYS) + "\n"
LISTED = "audiomos2025-track2-music-musiccaps_1FnA3w94zXI,/your_path/musiccaps/1FnA3w94zXI.wav"


def row(path: str, *scores: float) -> str:
    lists = {key: [score + number for score in scores] for number, key in enumerate(KEYS)}
    return json.dumps({"data_path": path, **lists}) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, paths in PATHS.items():
        lines = [row(f"/your_path/{path}", 4.0, 5.0, 6.0) for path in paths]
        (tmp_path / name).write_text("".join(lines), encoding="utf-8")
    (tmp_path / CHALLENGE_TRAIN).write_text(
        HEADER + "audiomos2025-track2-speech-EARS_p001,/your_path/"
        "EARS/p001/emo_contentment_sentences.wav,5.0,6.0,7.0,8.0\n"
    )
    (tmp_path / CHALLENGE_DEV).write_text(HEADER + f"{LISTED},5.0,6.0,7.0,8.0\n")
    (tmp_path / CHALLENGE_TEST).write_text(row("audiomos2025-track2-sys0v1wm-utt0dJodp", 1, 3))
    return tmp_path


def by_id(clips: list[RatedClip]) -> dict[str, RatedClip]:
    return {clip.id: clip for clip in clips}


def test_natural_clips_name_corpus_and_recording(folder: Path) -> None:
    clips = by_id(read_natural(folder, "calibration"))
    assert len(clips) == 7
    bass = clips["MUSDB18/test/AM Contra - Heart Peripheral/bass.wav"]
    assert (bass.system, bass.domain, bass.split) == ("MUSDB18", "music", "calibration")
    assert bass.recording == "MUSDB18/test/AM Contra - Heart Peripheral"
    assert tuple(bass.scores) == AXES
    assert [bass.mean(axis) for axis in AXES] == [5.0, 6.0, 7.0, 8.0]
    assert bass.scores["production_quality"] == (4.0, 5.0, 6.0)
    assert clips[PATHS["AES_natural_speech.jsonl"][0]].recording == "EARS/p001"
    assert clips[PATHS["AES_natural_speech.jsonl"][1]].recording == "LibriTTS/1446"
    assert clips[PATHS["AES_natural_speech.jsonl"][2]].recording == ""
    assert clips[PATHS["AES_natural_sound.jsonl"][0]].domain == "sound"


def test_pam_keeps_a_prompt_together(folder: Path) -> None:
    generated, real, music = read_pam(folder)
    assert (generated.system, real.system) == ("audio/audiogen_m", "audio/real")
    assert generated.recording == real.recording == "PAM/audio/generated_audio_index_1"
    assert (generated.domain, music.domain, music.system) == ("sound", "music", "music/real")


def test_the_challenge_has_three_lists(folder: Path) -> None:
    train, dev, test = read_challenge(folder)
    assert (train.split, train.domain, train.path) == (
        "train", "speech", "EARS/p001/emo_contentment_sentences.wav",
    )  # fmt: skip
    assert (dev.split, dev.id) == ("validation", LISTED.split(",", maxsplit=1)[0])
    assert dev.scores["content_usefulness"] == (7.0, 8.0, 9.0)
    assert (test.split, test.system) == ("test", "sys0v1wm")
    assert test.path == "audiomos2025-track2-sys0v1wm-utt0dJodp.wav"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (PAM, "{", "line 1: it is not JSON"),
        (PAM, "[]\n", "line 1: there is no data_path"),
        (PAM, row("/elsewhere/a.wav", 1), "line 1: '/elsewhere/a.wav' does not begin with"),
        (PAM, row("/your_path/PAM/a.wav", 1), "is not PAM/human_eval"),
        (PAM, row("/your_path/PAM/human_eval/speech/x/a.wav", 1), "neither audio nor music"),
        (PAM, row("/your_path/a.wav"), "Production_Quality is not a list"),
        (PAM, row("/your_path/a.wav", 8), "Content_Usefulness holds 11, no score from 0 to 10"),
        (PAM, row("/your_path/a.wav", float("nan")), "Production_Quality holds nan"),
        (CHALLENGE_TEST, row("sys0v1wm-utt0dJodp", 1), "is no id such as"),
        (CHALLENGE_DEV, f"{HEADER}{LISTED},5.0,6.0,7.0\n", "line 2: no value for Content_Useful"),
        (CHALLENGE_DEV, f"{HEADER}{LISTED},5.0,6.0,7.0,high\n", "'high', not a number"),
        (CHALLENGE_DEV, f"{HEADER}{LISTED},5.0,6.0,7.0,7.9\n", "7.9, but the mean .* is 8"),
        (CHALLENGE_DEV, f"{HEADER}{LISTED}x,5,6,7,8\n", "AES-natural has no"),
    ],
)
def test_a_wrong_row_is_rejected_with_the_place(
    folder: Path, name: str, text: str, message: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_pam(folder) if name == PAM else read_challenge(folder)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no AES_natural_speech\.jsonl"):
        read_natural(tmp_path)


@pytest.fixture(scope="module")
def published(data_folder: Path) -> Path:
    folder = data_folder / "ratings_only" / "aes"
    if not folder.is_dir():
        pytest.skip("AURICLE_DATA has no ratings_only/aes")
    return folder


def test_published_natural_clips(published: Path) -> None:
    clips = read_natural(published)
    assert Counter(clip.domain for clip in clips) == {"speech": 950, "music": 1000, "sound": 1000}
    assert Counter(clip.system for clip in clips) == {
        "EARS": 150,
        "LibriTTS": 300,
        "cv-corpus-13.0-2023-03-09": 500,
        "MUSDB18": 451,
        "musiccaps": 549,
        "unbalanced_train_segments": 1000,
    }
    assert all(len(clip.scores[axis]) == 10 for clip in clips for axis in AXES)
    held = Counter(clip.system for clip in stratify(clips) if clip.split == "validation")
    assert held["LibriTTS"] == 60
    assert held["unbalanced_train_segments"] == 200
    assert abs(held["MUSDB18"] - 0.2 * 451) <= 2


def test_published_pam(published: Path) -> None:
    clips = read_pam(published)
    systems = Counter(clip.system for clip in clips)
    assert len(systems) == 10
    assert set(systems.values()) == {100}
    assert len({clip.recording for clip in clips}) == 200
    assert all(len(clip.scores[axis]) == 10 for clip in clips for axis in AXES)


def test_published_challenge(published: Path) -> None:
    clips = read_challenge(published)
    assert Counter(clip.split for clip in clips) == {"train": 2700, "validation": 250, "test": 3060}
    systems = Counter(clip.system for clip in clips if clip.split == "test")
    assert len(systems) == 36
    assert set(systems.values()) == {85}
    assert all(len(clip.scores[axis]) == 10 for clip in clips for axis in AXES)
    assert NATURAL.keys() <= {path.name for path in published.iterdir()}
