"""Layouts of data sets: tiny trees of real files, as their distributors lay them out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DataError
from auricle.data.corpora import build_corpus
from auricle.data.corpus_recipe import CorpusRecipe, CorpusSource, ExcerptRecipe, FolderSource
from auricle.data.corpus_summary import summarise_corpus
from auricle.data.layouts import LAYOUTS, LayoutName, find_dataset
from auricle.data.recordings import Recording, read_corpus
from auricle.data.tracks import join_utterances
from auricle.signal.io import read_audio, write_audio

RATE = 44_100
EXCERPT = ExcerptRecipe(seconds=1.0, min_seconds=0.5)


def make_noise(seconds: float, seed: int = 0, channels: int = 1) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 0.1, (channels, round(seconds * RATE))).astype(np.float32)


def write(path: Path, seconds: float, seed: int = 0, channels: int = 1) -> None:
    write_audio(path, Audio.from_array(make_noise(seconds, seed, channels), RATE))


def write_mp3(path: Path, seconds: float, seed: int, *, thrift: float) -> None:
    """Write an MP3 file at a constant bit rate: `thrift` 0 is 320 kb/s, 1 the least there is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(
        path, make_noise(seconds, seed, 2).T, RATE,
        format="MP3", bitrate_mode="CONSTANT", compression_level=thrift,
    )  # fmt: skip


def make_tree(layout: LayoutName, folder: Path) -> None:
    """Lay out two recordings, and beside them what must not be taken for one."""
    if layout == "folder":
        write(folder / "One Song.wav", 3.0, 1)
        write(folder / "live/Other Song.flac", 3.0, 2)
        (folder / "notes.txt").write_text("not audio")
    elif layout == "musdb18hq":
        for number, name in enumerate(("train/The Band - One Song", "test/Singer - Other Song")):
            for part in ("mixture", "vocals", "drums", "bass", "other"):
                write(folder / name / f"{part}.wav", 3.0, number, channels=2)
    elif layout == "medleydb":
        for number, name in enumerate(("TheBand_OneSong", "Singer_OtherSong")):
            home = folder / "Audio" / name
            write(home / f"{name}_MIX.wav", 3.0, number, channels=2)
            write(home / f"{name}_STEMS" / f"{name}_STEM_01.wav", 3.0)
            write(home / f"{name}_RAW" / f"{name}_RAW_01_01.wav", 3.0)
    elif layout == "fma":
        write_mp3(folder / "fma_large/000/000002.mp3", 3.0, 1, thrift=0.0)
        write_mp3(folder / "fma_large/155/155320.mp3", 3.0, 2, thrift=0.0)
        (folder / "fma_large/checksums").write_text("")
    elif layout == "librispeech":
        for number, name in enumerate(("84/121123/84-121123-0000", "84/121550/84-121550-0001",
                                       "1272/128104/1272-128104-0000")):  # fmt: skip
            write(folder / "dev-clean" / f"{name}.flac", 1.5, number)
        (folder / "dev-clean/84/121123/84-121123.trans.txt").write_text("84-121123-0000 GO\n")
    elif layout == "vctk":
        for number, name in enumerate(("p225/p225_001", "p225/p225_002", "s5/s5_001")):
            home = folder / "wav48_silence_trimmed"
            write(home / f"{name}_mic1.flac", 1.5, number)
            write(home / f"{name}_mic2.flac", 1.5, number + 9)
    elif layout == "chime3":
        audio = folder / "data/audio/16kHz"
        for number, name in enumerate(("150203_010_CAF.CH1", "150203_010_CAF.CH5",
                                       "150204_020_BUS.CH1", "150204_020_BUS.CH2")):  # fmt: skip
            write(audio / f"backgrounds/BGD_{name}.wav", 3.0, number)
        write(audio / "isolated/dt05_bus_real/F01_050C0101_BUS.CH5.wav", 3.0)


RECORDINGS: dict[LayoutName, list[tuple[str, str, int]]] = {
    "folder": [("x/live-other-song", "Other Song", 1), ("x/one-song", "One Song", 1)],
    "musdb18hq": [
        ("x/singer-other-song", "Other Song", 1),
        ("x/the-band-one-song", "One Song", 1),
    ],
    "medleydb": [("x/singer_othersong", "OtherSong", 1), ("x/theband_onesong", "OneSong", 1)],
    "fma": [("x/000002", "000002", 1), ("x/155320", "155320", 1)],
    "librispeech": [("x/1272", "speaker 1272", 1), ("x/84", "speaker 84", 2)],
    "vctk": [("x/p225", "speaker p225", 2), ("x/s5", "speaker s5", 1)],
    "chime3": [
        ("x/bgd_150203_010_caf", "café", 1),
        ("x/bgd_150204_020_bus", "bus", 1),
    ],
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
class TestEachLayout:
    def test_finds_its_recordings(self, layout: LayoutName, tmp_path: Path) -> None:
        make_tree(layout, tmp_path)
        tracks = find_dataset(tmp_path, layout, "x")
        found = sorted((track.recording, track.title, len(track.files)) for track in tracks)
        assert found == RECORDINGS[layout]

    def test_cuts_excerpts_with_terms(self, layout: LayoutName, tmp_path: Path) -> None:
        make_tree(layout, tmp_path / "data")
        source = FolderSource(folder=tmp_path / "data", layout=layout, name="x")
        recipe = CorpusRecipe(name="x", excerpt=EXCERPT, folders=(source,))
        rows = build_corpus(recipe, tmp_path / "corpus", jobs=1)
        assert {row.recording for row in rows} == {name for name, _, _ in RECORDINGS[layout]}
        assert read_corpus(tmp_path / "corpus") == rows
        for row in rows:
            assert (row.source, row.kind, row.sample_rate) == ("x", LAYOUTS[layout].kind, RATE)
            assert row.licence == LAYOUTS[layout].licence
            assert row.credit.endswith(LAYOUTS[layout].credit)
            assert row.bandwidth_hz is not None
            assert row.bandwidth_hz > 15_000
            assert read_audio(tmp_path / "corpus" / row.path).duration == 1.0

    def test_another_tree_is_refused(self, layout: LayoutName, tmp_path: Path) -> None:
        (tmp_path / "readme").mkdir()
        (tmp_path / "songs.txt").write_text("not audio")
        with pytest.raises(DataError) as caught:
            find_dataset(tmp_path, layout, "x")
        assert LAYOUTS[layout].expected in str(caught.value)
        assert str(caught.value).endswith("found readme/, songs.txt")


@pytest.mark.parametrize(
    ("layout", "inner"),
    [
        ("musdb18hq", "train"),
        ("medleydb", "Audio"),
        ("fma", "fma_large"),
        ("librispeech", "dev-clean"),
        ("vctk", "wav48_silence_trimmed"),
        ("chime3", "data/audio/16kHz/backgrounds"),
    ],
)
def test_the_inner_folder_will_do(layout: LayoutName, inner: str, tmp_path: Path) -> None:
    make_tree(layout, tmp_path)
    assert find_dataset(tmp_path / inner, layout, "x")


def test_one_microphone_of_six_is_taken(tmp_path: Path) -> None:
    make_tree("chime3", tmp_path)
    files = [track.files[0].name for track in find_dataset(tmp_path, "chime3", "x")]
    assert files == ["BGD_150203_010_CAF.CH5.wav", "BGD_150204_020_BUS.CH1.wav"]


def test_no_folder_and_many_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        find_dataset(tmp_path / "nowhere", "vctk", "x")
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text("")
    with pytest.raises(DataError, match=r"found 0\.txt, .*4\.txt and 2 more"):
        find_dataset(tmp_path, "vctk", "x")


def test_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for name in ("a song.wav", "a-song.flac", "a/song.wav"):
        write(tmp_path / name, 0.1)
    tracks = find_dataset(tmp_path, "folder", "x")
    assert [track.recording for track in tracks] == ["x/a-song", "x/a-song-2", "x/a-song-3"]


class TestFma:
    def test_metadata_give_licence_and_artist(self, tmp_path: Path) -> None:
        make_tree("fma", tmp_path)
        (tmp_path / "fma_metadata").mkdir()
        (tmp_path / "fma_metadata/tracks.csv").write_text(
            ",artist,track,track\n"
            ",name,license,title\n"
            "track_id,,,\n"
            '2,AWOL,Attribution-NonCommercial-ShareAlike 3.0 International,"Food, again"\n'
        )
        source = FolderSource(folder=tmp_path, layout="fma")
        recipe = CorpusRecipe(name="x", excerpt=EXCERPT, folders=(source,))
        rows = build_corpus(recipe, tmp_path / "corpus", jobs=1)
        stated = {(row.title, row.licence, row.credit) for row in rows}
        assert stated == {
            (
                "Food, again",
                "Attribution-NonCommercial-ShareAlike 3.0 International",
                "AWOL, in FMA (Defferrard et al., 2017)",
            ),
            ("155320", LAYOUTS["fma"].licence, LAYOUTS["fma"].credit),
        }

    def test_another_table_is_refused(self, tmp_path: Path) -> None:
        make_tree("fma", tmp_path)
        (tmp_path / "tracks.csv").write_text("title,licence\nFood,CC0\n")
        with pytest.raises(DataError, match="not the table of tracks"):
            find_dataset(tmp_path, "fma", "x")

    def test_heavily_coded_tracks_are_left_out(self, tmp_path: Path) -> None:
        write_mp3(tmp_path / "data/000/000002.mp3", 3.0, 1, thrift=0.0)
        write_mp3(tmp_path / "data/000/000003.mp3", 3.0, 2, thrift=0.9)
        source = FolderSource(folder=tmp_path / "data", layout="fma")
        recipe = CorpusRecipe(name="x", excerpt=EXCERPT, folders=(source,))
        rows = build_corpus(recipe, tmp_path / "corpus", jobs=1)
        assert {row.recording for row in rows} == {"fma/000002"}
        assert rows[0].kbps == pytest.approx(320.0, rel=0.05)
        assert "fma/000003,it is coded at only" in (tmp_path / "corpus/skipped.csv").read_text()


class TestRecipe:
    def test_an_interrupted_build_goes_on(self, tmp_path: Path) -> None:
        make_tree("vctk", tmp_path / "data")
        source = FolderSource(folder=tmp_path / "data", layout="vctk")
        recipe = CorpusRecipe(name="x", excerpt=EXCERPT, folders=(source,))
        rows = build_corpus(recipe, tmp_path / "corpus", jobs=1)
        (tmp_path / "corpus/recordings.csv").unlink()
        (tmp_path / "corpus" / rows[0].path).unlink()
        kept = tmp_path / "corpus" / rows[-1].path
        before = kept.stat().st_mtime_ns
        assert build_corpus(recipe, tmp_path / "corpus", jobs=1) == rows
        assert (tmp_path / "corpus" / rows[0].path).is_file()
        assert kept.stat().st_mtime_ns == before

    def test_what_it_states_goes_before_the_layout(self, tmp_path: Path) -> None:
        make_tree("folder", tmp_path / "data")
        source = FolderSource(
            folder=tmp_path / "data", name="My Band", kind="loop", licence="CC0-1.0", credit="me"
        )
        recipe = CorpusRecipe(name="x", excerpt=EXCERPT, folders=(source,))
        row = build_corpus(recipe, tmp_path / "corpus", jobs=1)[0]
        assert (row.source, row.kind, row.licence, row.credit) == (
            "my-band", "loop", "CC0-1.0", "me",
        )  # fmt: skip

    def test_packages_and_data_sets_mix(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_tree("folder", tmp_path / "package")
        make_tree("medleydb", tmp_path / "data")
        monkeypatch.setattr(
            "auricle.data.corpora.fetch_package", lambda name, version, cache: tmp_path / "package"
        )
        package = CorpusSource(
            package="album", format="audio", kind="recorded", licence="CC0-1.0", credit="nobody",
            include=("*.wav",),
        )  # fmt: skip
        folder = FolderSource(folder=tmp_path / "data", layout="medleydb")
        recipe = CorpusRecipe(name="x", excerpt=EXCERPT, sources=(package,), folders=(folder,))
        rows = build_corpus(recipe, tmp_path / "corpus", cache=tmp_path, jobs=1)
        assert {row.source for row in rows} == {"album", "medleydb"}
        with pytest.raises(ConfigError, match="in which folder to keep them"):
            build_corpus(recipe, tmp_path / "corpus", jobs=1)

    def test_two_sources_of_one_name_are_refused(self, tmp_path: Path) -> None:
        make_tree("folder", tmp_path / "a/songs")
        make_tree("folder", tmp_path / "b/songs")
        folders = tuple(FolderSource(folder=tmp_path / name / "songs") for name in "ab")
        with pytest.raises(ConfigError, match="songs/one-song"):
            build_corpus(CorpusRecipe(name="x", folders=folders), tmp_path / "corpus", jobs=1)


class TestJoining:
    def test_utterances_fade_into_each_other(self) -> None:
        ones = Audio.from_array(np.ones((1, RATE)), RATE)
        joined = join_utterances([ones, ones, ones])
        assert joined.frames == 3 * RATE - 2 * round(0.02 * RATE)
        np.testing.assert_allclose(joined.samples, 1.0, atol=1e-6)

    def test_mono_goes_to_both_sides(self) -> None:
        mono = Audio.from_array(make_noise(0.1), RATE)
        stereo = Audio.from_array(make_noise(0.2, channels=2), RATE)
        joined = join_utterances([mono, stereo])
        assert joined.channels == 2
        head = joined.samples[:, : round(0.05 * RATE)]
        np.testing.assert_array_equal(head[0], head[1])

    def test_one_alone_stays_as_it_is(self) -> None:
        audio = Audio.from_array(make_noise(0.1), RATE)
        np.testing.assert_array_equal(join_utterances([audio]).samples, audio.samples)


def test_summary() -> None:
    def row(number: int, **changes: object) -> Recording:
        values = {
            "id": f"a/{number}", "recording": f"a/{number // 2}", "path": f"a/{number}.flac",
            "source": "a", "kind": "recorded", "licence": "CC0-1.0", "credit": "x", "title": "x",
            "sample_rate": 48_000, "channels": 2, "start": 0.0, "duration": 9.0,
        }  # fmt: skip
        return Recording(**{**values, **changes})  # type: ignore[arg-type]

    rows = [
        row(0, kbps=128.0, bandwidth_hz=16_000.0),
        row(1, kbps=128.0, bandwidth_hz=18_000.0, clipped=True),
        row(2, kind="rendered", source="b", channels=1, bandwidth_hz=20_000.0),
        row(4, kind="speech"),
        row(6, kind="tracker", source="b"),
    ]
    summary = summarise_corpus(rows)
    assert (summary["recordings"], summary["excerpts"]) == (4, 5)
    assert summary["per_kind"] == {"recorded": 1, "rendered": 1, "speech": 1, "tracker": 1}
    assert summary["per_source"] == {"a": 2, "b": 2}
    assert (summary["synthetic_share"], summary["lossy_share"]) == (0.5, 0.25)
    assert (summary["clipped"], summary["mono"], summary["stereo"]) == (1, 1, 4)
    assert summary["bandwidth_hz"]["0.5"] == 18_000
    empty = summarise_corpus([])
    assert (empty["synthetic_share"], empty["bandwidth_hz"]) == (None, {})
