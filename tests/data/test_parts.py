import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.data.test_scores import SCALE, melody, midi

from auricle.core.errors import ConfigError
from auricle.data.mix_recipe import PartsRecipe
from auricle.data.parts import build_parts, measure_activity
from auricle.data.recordings import read_corpus
from auricle.signal.io import read_audio

FONTS = (Path("/usr/share/sounds/sf2/TimGM6mb.sf2"), Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"))
TERMS = {"licence": "CC0-1.0", "credit": "me"}


@pytest.fixture
def recipe(tmp_path: Path) -> PartsRecipe:
    """Two packages, already unpacked in the cache: a soundfont and a folder of scores."""
    font = next((path for path in FONTS if path.is_file()), None)
    if font is None or shutil.which("fluidsynth") is None:
        pytest.skip("there is no fluidsynth with a General MIDI soundfont")
    unpacked = tmp_path / "cache" / "unpacked"
    (unpacked / "font_any").mkdir(parents=True)
    (unpacked / "font_any" / "gm.sf2").symlink_to(font)
    (unpacked / "songs_any").mkdir()
    song = midi(melody(0, SCALE * 4), melody(1, [48, 55] * 8), melody(2, [90] * 3))
    (unpacked / "songs_any" / "Song.mid").write_bytes(song)
    (unpacked / "songs_any" / "torn.mid").write_bytes(song[:50])
    (unpacked / "songs_any" / "short.mid").write_bytes(midi(melody(0, SCALE[:4])))
    source = {"package": "songs", "format": "midi", "kind": "rendered", "include": ["*.mid"]}
    return PartsRecipe.model_validate(
        {
            "seconds": 2.0,
            "notes": 4,
            "soundfonts": [{"package": "font", "path": "gm.sf2", "licence": "MIT"}],
            "scores": [source | TERMS],
        }
    )


def test_every_part_is_cut_at_the_same_places(recipe: PartsRecipe, tmp_path: Path) -> None:
    output = tmp_path / "parts"
    told: list[str] = []
    rows = build_parts(
        recipe, output, cache=tmp_path / "cache", jobs=1,
        progress=lambda done, total, text: told.append(f"{done}/{total} {text}"),
    )  # fmt: skip
    assert read_corpus(output) == rows
    assert {row.recording for row in rows} == {"songs/song"}
    first, second = (
        [row for row in rows if row.id.startswith(f"songs/song/part{number:02d}-")]
        for number in (1, 2)
    )
    assert len(first) == 2
    assert {row.start for row in second} <= {row.start for row in first}
    for row in rows:
        audio = read_audio(output / row.path)
        assert (audio.sample_rate, audio.channels, audio.duration) == (48000, 1, 2.0)
        assert measure_activity(audio.samples, 48000) >= 0.7
    skipped = (output / "skipped.csv").read_text()
    assert "songs/torn,it breaks off" in skipped
    assert "songs/short,no part of it sounds" in skipped
    assert sorted(told)[-1].startswith("3/3 ")


def test_what_is_there_is_not_rendered_again(recipe: PartsRecipe, tmp_path: Path) -> None:
    output, cache = tmp_path / "parts", tmp_path / "cache"
    rows = build_parts(recipe, output, cache=cache, jobs=1)
    kept, lost = output / rows[0].path, output / rows[-1].path
    before = kept.read_bytes()
    kept.write_bytes(b"kept")
    assert build_parts(recipe, output, cache=cache, jobs=1) == rows
    assert kept.read_bytes() == b"kept"
    lost.unlink()
    assert build_parts(recipe, output, cache=cache, jobs=1) == rows
    assert kept.read_bytes() == before
    assert lost.is_file()


def test_voices_speak_for_the_whole_excerpt(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("there is no espeak-ng")
    text = "A short text is said again."
    speakers = {"engine": "espeak-ng", "voices": ["en", "en+f2"], "texts": [text]} | TERMS
    recipe = PartsRecipe.model_validate({"seconds": 4.0, "speakers": [speakers]})
    rows = build_parts(recipe, tmp_path / "parts", cache=tmp_path, jobs=1)
    assert [row.recording for row in rows] == ["espeak-ng/en", "espeak-ng/en-f2"]
    assert {(row.kind, row.duration, row.licence) for row in rows} == {("speech", 4.0, "CC0-1.0")}
    first, second = (read_audio(tmp_path / "parts" / row.path).samples for row in rows)
    assert not np.array_equal(first, second)


def test_a_synthesiser_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    speakers = {"engine": "flite", "voices": ["slt"], "texts": ["Hello."]} | TERMS
    recipe = PartsRecipe.model_validate({"speakers": [speakers]})
    with pytest.raises(ConfigError, match="apt-get install flite"):
        build_parts(recipe, tmp_path / "parts", cache=tmp_path, jobs=1)


@pytest.mark.parametrize(("gain_db", "activity"), [(-29.0, 1.0), (-31.0, 0.5)])
def test_activity_counts_what_is_within_30_db(gain_db: float, activity: float) -> None:
    tone = np.sin(np.arange(16000, dtype=np.float64))[np.newaxis]
    tone[:, 8000:] *= 10 ** (gain_db / 20)
    assert measure_activity(tone.astype(np.float32), 2000) == activity


def test_silence_is_never_active() -> None:
    assert measure_activity(np.zeros((1, 8000), np.float32), 8000) == 0.0
    assert measure_activity(np.ones((1, 100), np.float32), 8000) == 0.0
