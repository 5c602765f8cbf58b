"""Corpora: cutting, resuming, reading; on tiny generated trees, without a network."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest

from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DataError, InputError, SignalError
from auricle.data import corpora
from auricle.data.corpora import build_corpus
from auricle.data.corpus_recipe import (
    CorpusRecipe,
    CorpusSource,
    ExcerptRecipe,
    read_corpus_recipe,
)
from auricle.data.excerpts import (
    choose_positions,
    estimate_bandwidth,
    find_cliff,
    is_clipped,
    repeat_to,
)
from auricle.data.packages import expand_archives, read_wad, run_tool
from auricle.data.recordings import read_corpus
from auricle.data.tracks import find_tracks, mix_stems, name_generator
from auricle.signal.io import read_audio, write_audio

RATE = 8_000


def make_noise(seconds: float, *, seed: int = 0, rate: int = RATE, channels: int = 2) -> Audio:
    rng = np.random.default_rng(seed)
    samples = rng.normal(0.0, 0.1, (channels, round(seconds * rate)))
    return Audio.from_array(samples.astype(np.float32), rate)


def make_wad(lumps: dict[str, bytes]) -> bytes:
    body, directory = b"", b""
    for name, data in lumps.items():
        directory += struct.pack("<ii8s", 12 + len(body), len(data), name.encode())
        body += data
    return struct.pack("<4sii", b"IWAD", len(lumps), 12 + len(body)) + body + directory


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that is unpacked already: one long track, one short, one loop, two stems."""
    folder = tmp_path / "package"
    write_audio(folder / "music/Long Track.flac", make_noise(6.0, seed=1))
    write_audio(folder / "music/short.flac", make_noise(0.5, seed=2))
    write_audio(folder / "loops/beat.flac", make_noise(0.75, seed=3))
    write_audio(folder / "songs/duet/voice.flac", make_noise(3.0, seed=4))
    write_audio(folder / "songs/duet/piano.flac", make_noise(2.5, seed=5, channels=1))
    monkeypatch.setattr(corpora, "fetch_package", lambda name, version, cache: folder)
    return folder


def make_recipe(**sources: tuple[str, str]) -> CorpusRecipe:
    return CorpusRecipe.model_validate({
        "name": "tiny",
        "sample_rate": RATE,
        "excerpt": {"seconds": 2.0, "min_seconds": 1.0},
        "sources": [
            {"package": name, "format": kind, "kind": "recorded", "licence": "CC0-1.0",
             "credit": "nobody", "include": [pattern]}
            for name, (kind, pattern) in sources.items()
        ],
    })  # fmt: skip


class TestBuild:
    def test_cuts_each_kind_of_track(self, package: Path, tmp_path: Path) -> None:
        recipe = make_recipe(
            albums=("audio", "music/*.flac"),
            beats=("loop", "loops/*.flac"),
            songs=("stems", "songs/*/*.flac"),
        )
        rows = build_corpus(recipe, tmp_path / "corpus", cache=tmp_path, jobs=1)
        assert [row.id for row in rows] == [
            "albums/long-track-1", "albums/long-track-2", "beats/beat-1", "songs/duet-1",
        ]  # fmt: skip
        assert {row.recording for row in rows[:2]} == {"albums/long-track"}
        assert [row.duration for row in rows] == [2.0] * 4
        assert (tmp_path / "corpus/skipped.csv").read_text().splitlines() == [
            "recording,reason",
            "albums/short,it lasts only 0.5 s",
        ]

    def test_table_reads_back_and_matches_the_files(self, package: Path, tmp_path: Path) -> None:
        output = tmp_path / "corpus"
        rows = build_corpus(
            make_recipe(albums=("audio", "music/L*")), output, cache=tmp_path, jobs=1
        )
        assert read_corpus(output) == rows
        audio = read_audio(output / rows[0].path)
        assert (audio.sample_rate, audio.channels, audio.duration) == (RATE, 2, rows[0].duration)
        source = read_audio(package / "music/Long Track.flac").samples
        start = round(rows[0].start * RATE)
        np.testing.assert_allclose(audio.samples, source[:, start : start + 2 * RATE], atol=1e-6)

    def test_resumes_without_touching_what_is_there(self, package: Path, tmp_path: Path) -> None:
        output = tmp_path / "corpus"
        recipe = make_recipe(albums=("audio", "music/L*"))
        first = build_corpus(recipe, output, cache=tmp_path, jobs=1)
        (output / first[1].path).unlink()
        longer = make_recipe(albums=("audio", "music/L*"), beats=("loop", "loops/*"))
        again = build_corpus(longer, output, cache=tmp_path, jobs=1)
        # A missing excerpt makes its track be cut anew; a complete one stays as it is.
        assert again[:2] == first
        assert (output / first[1].path).is_file()
        stamps = {row.path: (output / row.path).stat().st_mtime_ns for row in again}
        assert build_corpus(longer, output, cache=tmp_path, jobs=1) == again
        assert stamps == {row.path: (output / row.path).stat().st_mtime_ns for row in again}

    def test_files_of_one_speaker_are_one_recording(self, package: Path, tmp_path: Path) -> None:
        recipe = make_recipe(songs=("joined", "**/*.flac"))
        source = recipe.sources[0].model_copy(update={"recording": "Some One"})
        recipe = recipe.model_copy(update={"sources": (source,)})
        rows = build_corpus(recipe, tmp_path / "out", cache=tmp_path, jobs=1)
        assert {(row.recording, row.title) for row in rows} == {("songs/some-one", "Some One")}

    def test_many_excerpts_of_one_recording(self, package: Path, tmp_path: Path) -> None:
        output = tmp_path / "corpus"
        recipe = make_recipe(albums=("audio", "music/L*"))
        many = ExcerptRecipe(
            seconds=0.5, min_seconds=0.5, positions=tuple(number / 10 for number in range(11))
        )
        rows = build_corpus(
            recipe.model_copy(update={"excerpt": many}), output, cache=tmp_path, jobs=1
        )
        assert [row.id for row in rows if row.start == 5.5] == ["albums/long-track-11"]
        assert len({row.path for row in rows}) == 11
        build_corpus(recipe, output, cache=tmp_path, jobs=1)
        assert len(list(output.rglob("*.flac"))) == 2

    def test_stale_excerpts_go(self, package: Path, tmp_path: Path) -> None:
        output = tmp_path / "corpus"
        recipe = make_recipe(albums=("audio", "music/L*"))
        build_corpus(recipe, output, cache=tmp_path, jobs=1)
        single = recipe.excerpt.model_copy(update={"positions": (0.5,)})
        rows = build_corpus(
            recipe.model_copy(update={"excerpt": single}), output, cache=tmp_path, jobs=1
        )
        assert [path.stem for path in output.rglob("*.flac")] == ["long-track-1"]
        assert [row.start for row in rows] == [2.0]

    def test_a_failed_tool_is_tried_again(
        self, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(track: object, **settings: object) -> None:
            raise DataError("fluidsynth took longer than 600 s")

        recipe = make_recipe(albums=("audio", "music/L*"))
        with monkeypatch.context() as patch:
            patch.setattr(corpora, "decode_track", fail)
            assert build_corpus(recipe, tmp_path / "out", cache=tmp_path, jobs=1) == []
        assert "600 s" in (tmp_path / "out/skipped.csv").read_text()
        assert len(build_corpus(recipe, tmp_path / "out", cache=tmp_path, jobs=1)) == 2

    def test_result_does_not_depend_on_jobs(self, package: Path, tmp_path: Path) -> None:
        recipe = make_recipe(albums=("audio", "music/*"), beats=("loop", "loops/*"))
        one = build_corpus(recipe, tmp_path / "one", cache=tmp_path, jobs=1)
        two = build_corpus(recipe, tmp_path / "two", cache=tmp_path, jobs=2)
        assert one == two
        table = "recordings.csv"
        assert (tmp_path / "one" / table).read_bytes() == (tmp_path / "two" / table).read_bytes()

    def test_progress_tells_every_track(self, package: Path, tmp_path: Path) -> None:
        told: list[str] = []
        build_corpus(
            make_recipe(albums=("audio", "music/*")), tmp_path / "out", cache=tmp_path, jobs=1,
            progress=lambda done, total, text: told.append(f"{done}/{total} {text}"),
        )  # fmt: skip
        assert told == [
            "0/1 fetching albums",
            "1/2 albums/long-track: 2 cut",
            "2/2 albums/short: skipped: it lasts only 0.5 s",
        ]

    def test_too_loud_is_scaled_not_clipped(self, tmp_path: Path, package: Path) -> None:
        loud = Audio.from_array(make_noise(3.0).samples * 20.0, RATE)
        write_audio(package / "loud/loud.wav", loud)
        rows = build_corpus(
            make_recipe(loud=("audio", "loud/*")), tmp_path / "out", cache=tmp_path, jobs=1
        )
        samples = read_audio(tmp_path / "out" / rows[0].path).samples
        assert np.abs(samples).max() == pytest.approx(1.0, abs=1e-6)
        assert np.count_nonzero(np.abs(samples) > 0.99) < 10


class TestRecipe:
    @pytest.mark.parametrize("name", ["open-music", "open-speech", "open-noise"])
    def test_shipped_recipe_is_valid(self, name: str) -> None:
        path = Path(corpora.__file__).parents[1] / f"recipes/corpora/{name}.yaml"
        recipe = read_corpus_recipe(path)
        assert len({source.package for source in recipe.sources}) > 5
        for source in recipe.sources:
            assert "NC" not in source.licence
            assert source.version

    def test_open_speech_has_many_voices_and_sentences(self) -> None:
        recipe = read_corpus_recipe("open-speech")
        assert {source.kind for source in recipe.sources} == {"speech"}
        assert sum(len(source.voices) for source in recipe.voices) > 20
        for source in recipe.voices:
            assert len(set(source.texts)) == len(source.texts) >= 16

    def test_only_joined_files_are_one_recording(self) -> None:
        with pytest.raises(ValueError, match="only files that are joined"):
            CorpusSource.model_validate({
                "package": "x", "format": "audio", "kind": "speech", "licence": "x",
                "credit": "x", "include": ["*"], "recording": "someone",
            })  # fmt: skip

    def test_typo_is_rejected_with_its_place(self, tmp_path: Path) -> None:
        path = tmp_path / "recipe.yaml"
        path.write_text("name: x\nsources: []\nexcerpt: {second: 10}\n")
        with pytest.raises(ConfigError, match=r"excerpt\.second"):
            read_corpus_recipe(path)

    def test_a_source_needs_a_licence(self) -> None:
        with pytest.raises(ValueError, match="licence"):
            CorpusSource.model_validate({
                "package": "x", "format": "audio", "kind": "recorded",
                "licence": "", "credit": "x", "include": ["*"],
            })  # fmt: skip


class TestRead:
    def test_plain_folder(self, tmp_path: Path) -> None:
        folder = tmp_path / "mine"
        write_audio(folder / "a.wav", make_noise(1.0))
        write_audio(folder / "jazz/live/b.flac", make_noise(2.0, channels=1))
        (folder / "notes.txt").write_text("not audio")
        rows = read_corpus(folder)
        assert [(row.path, row.source, row.duration) for row in rows] == [
            ("a.wav", "mine", 1.0),
            ("jazz/live/b.flac", "jazz", 2.0),
        ]
        assert rows[0].bandwidth_hz is None
        assert len({row.recording for row in rows}) == 2

    def test_lossy_files_have_a_rate_whatever_their_suffix(self, tmp_path: Path) -> None:
        write_audio(tmp_path / "a.wav", make_noise(2.0))
        for suffix, codec in ((".mp3", "libmp3lame"), (".wma", "wmav2"), (".mka", "flac")):
            with av.open(tmp_path / f"a{suffix}", "w") as container:
                stream = container.add_stream(codec, rate=44100, layout="stereo")
                if codec != "flac":
                    stream.bit_rate = 128_000
                source = av.open(tmp_path / "a.wav")
                resampler = av.AudioResampler(stream.format, "stereo", 44100, stream.frame_size)
                for frame in (*source.decode(audio=0), None):
                    for part in resampler.resample(frame):
                        container.mux(stream.encode(part))
                container.mux(stream.encode(None))
                source.close()
        rates = {row.path: row.kbps for row in read_corpus(tmp_path)}
        assert rates["a.wav"] is rates["a.mka"] is None
        assert rates["a.mp3"] == pytest.approx(128, rel=0.1)
        assert rates["a.wma"] == pytest.approx(128, rel=0.2)

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="neither"):
            read_corpus(tmp_path)
        with pytest.raises(DataError, match="no corpus"):
            read_corpus(tmp_path / "nowhere")

    def test_table_without_a_column(self, tmp_path: Path) -> None:
        (tmp_path / "recordings.csv").write_text("id,recording\na,a\n")
        with pytest.raises(DataError, match="no column path"):
            read_corpus(tmp_path)


class TestPositions:
    def test_skips_silence(self) -> None:
        samples = make_noise(60.0).samples.copy()
        samples[:, 10 * RATE : 30 * RATE] = 0.0
        starts = choose_positions(samples, RATE, seconds=5.0, positions=[0.3, 0.65])
        for start in starts:
            assert np.abs(samples[:, start : start + 5 * RATE]).any()
        assert len(starts) == 2
        assert starts[1] - starts[0] >= 5 * RATE

    def test_short_recording_gives_one(self) -> None:
        samples = make_noise(15.0).samples
        assert len(choose_positions(samples, RATE, seconds=10.0, positions=[0.3, 0.65])) == 1

    def test_shorter_than_an_excerpt_gives_all_of_it(self) -> None:
        samples = make_noise(7.0).samples
        assert choose_positions(samples, RATE, seconds=10.0, positions=[0.3, 0.65]) == [0]

    def test_silence_throughout(self) -> None:
        with pytest.raises(SignalError, match="silent"):
            choose_positions(np.zeros((1, RATE), np.float32), RATE, seconds=0.5, positions=[0.5])


class TestMeasures:
    @pytest.mark.parametrize("edge", [11_000.0, 16_000.0])
    def test_cliff_and_bandwidth(self, edge: float) -> None:
        noise = make_noise(4.0, rate=48_000, channels=1).samples
        spectrum = np.fft.rfft(noise)
        spectrum[:, np.fft.rfftfreq(noise.shape[1], 1 / 48_000) > edge] *= 1e-3
        limited = np.fft.irfft(spectrum, n=noise.shape[1]).astype(np.float32)
        assert find_cliff(limited, 48_000) == pytest.approx(edge, abs=150.0)
        assert estimate_bandwidth(limited, 48_000) == pytest.approx(edge, abs=150.0)

    def test_gentle_slope_is_no_cliff(self) -> None:
        noise = make_noise(4.0, rate=48_000, channels=1).samples
        spectrum = np.fft.rfft(noise)
        frequency = np.fft.rfftfreq(noise.shape[1], 1 / 48_000)
        dull = np.fft.irfft(spectrum * 10 ** (-5.0 * frequency / 24_000), n=noise.shape[1])
        assert find_cliff(dull.astype(np.float32), 48_000) is None
        assert 15_000 < estimate_bandwidth(dull.astype(np.float32), 48_000) < 22_000

    def test_short_signals(self) -> None:
        assert not is_clipped(np.ones((1, 2), np.float32))
        assert estimate_bandwidth(np.ones((1, 300), np.float32), 48_000) >= 0.0

    def test_repeat_keeps_the_loop_whole(self) -> None:
        loop = make_noise(0.3).samples
        repeated = repeat_to(loop, RATE)
        assert repeated.shape == (2, RATE)
        np.testing.assert_array_equal(repeated[:, : loop.shape[1]], loop)
        np.testing.assert_array_equal(repeated[:, loop.shape[1] : 2 * loop.shape[1]], loop)


class TestTracks:
    def test_duplicates_and_name_clashes(self, tmp_path: Path) -> None:
        for name, seed in {"x/song.wav": 1, "y/song.wav": 2, "z/copy.wav": 1}.items():
            write_audio(tmp_path / name, make_noise(0.1, seed=seed))
        tracks = find_tracks(tmp_path, "p", "audio", ["*/*.wav"])
        assert [track.recording for track in tracks] == ["p/song", "p/y-song"]

    def test_a_pattern_must_match(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no file matches"):
            find_tracks(tmp_path, "p", "audio", ["*.ogg"])

    def test_stems_of_unequal_length_and_channels(self) -> None:
        mixed = mix_stems([make_noise(0.2, seed=1), make_noise(0.1, seed=2, channels=1)])
        assert mixed.samples.shape == (2, round(0.2 * RATE))
        expected = make_noise(0.2, seed=1).samples[:, -1]
        np.testing.assert_array_equal(mixed.samples[:, -1], expected)

    def test_generator_depends_on_the_name_only(self) -> None:
        assert name_generator("a").random() == name_generator("a").random()
        assert name_generator("a").random() != name_generator("b").random()


class TestPackages:
    def test_wad(self, tmp_path: Path) -> None:
        path = tmp_path / "game.wad"
        content = {"D_E1M1": b"MThd1234", "PLAYPAL": b"\0" * 9, "../EVIL": b"MThd"}
        path.write_bytes(make_wad(content))
        lumps = read_wad(path)
        assert [(lump.name, lump.suffix) for lump in lumps] == [
            ("D_E1M1", ".mid"),
            ("PLAYPAL", ""),
            (".._EVIL", ".mid"),
        ]
        assert lumps[0].data == b"MThd1234"

    @pytest.mark.parametrize("data", [b"", b"PK\3\4" + b"\0" * 20, make_wad({"A": b"x"})[:-8]])
    def test_damaged_wad(self, tmp_path: Path, data: bytes) -> None:
        path = tmp_path / "bad.wad"
        path.write_bytes(data)
        with pytest.raises(DataError):
            read_wad(path)

    def test_inner_archives_are_unpacked(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "music.pk3", "w") as archive:
            archive.writestr("sound/a.ogg", b"OggS")
        (tmp_path / "doom.wad").write_bytes(make_wad({"D_A": b"MThd", "MAP": b"x"}))
        expand_archives(tmp_path)
        assert (tmp_path / "music.pk3.d/sound/a.ogg").read_bytes() == b"OggS"
        assert [path.name for path in (tmp_path / "doom.wad.d").iterdir()] == ["D_A.mid"]

    def test_missing_tool_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("auricle.data.packages.shutil.which", lambda name: None)
        with pytest.raises(ConfigError, match="apt-get install fluidsynth"):
            run_tool(["fluidsynth", "--version"])

    def test_failing_tool(self) -> None:
        with pytest.raises(DataError, match="failed"):
            run_tool(["sh", "-c", "echo broken >&2; exit 3"])
        with pytest.raises(DataError, match="longer than"):
            run_tool(["sleep", "5"], timeout=0.1)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty\.wav.*take it out"):
        read_corpus(tmp_path)
