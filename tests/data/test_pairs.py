import itertools
import json
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from tests.conftest import RATE, make_music
from typer.testing import CliRunner

from auricle.cli.data import app
from auricle.core.audio import Audio
from auricle.core.errors import ConfigError, DataError
from auricle.data.jnd_recipe import read_pair_recipe
from auricle.data.pair_plan import PairClip, plan_pairs
from auricle.data.pair_recipe import Family, PairRecipe
from auricle.data.pairs import build_pairs, read_pairs, write_pairs
from auricle.data.recordings import Recording, write_recordings
from auricle.reference.log_spectral import LogSpectral
from auricle.signal.io import read_audio, write_audio
from auricle.signal.loudness import integrated_loudness

TREE = {
    "seconds": 2.0,
    "leave": ["band/loud*"],
    "speech": 0.5,
    "families": {
        "codecs": {"kinds": {"mp3": [160000, 32000], "opus": [64000, 12000]}, "rungs": 3},
        "defects": {"kinds": {"noise": [40, 5], "clip": [2, 40]}, "ladders": 2},
    },
    "labels": ["visqol", "log_spectral", "stoi"],
    "excerpts": {"train": 6, "test": 3},
    "split": {"train": 0.5, "test": 0.5},
}
RECIPE = PairRecipe.model_validate(TREE)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    rows = []
    for seed, name in enumerate([*(f"song{number}" for number in range(6)), "loud"]):
        samples = make_music(2.5, seed)
        write_audio(folder / "band" / f"{name}-1.flac", Audio.from_array(samples, RATE))
        row = Recording(
            f"band/{name}-1", f"band/{name}", f"band/{name}-1.flac", "band", "recorded", "CC0-1.0",
            "me", name, RATE, 1, 0.0, 2.5,
        )  # fmt: skip
        rows.append(row)
    write_recordings(rows, folder / "recordings.csv")
    return folder


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain folder, as anyone has: no table says that this is speech."""
    folder = tmp_path_factory.mktemp("voices")
    for seed in range(5):
        audio = Audio.from_array(make_music(2.2, 100 + seed), RATE)
        write_audio(folder / f"voice{seed}.flac", audio)
    return folder


@pytest.fixture(scope="module")
def planned(corpus: Path, voices: Path) -> list[PairClip]:
    return plan_pairs(RECIPE, [corpus], [voices])


@pytest.fixture(scope="module")
def built(
    planned: list[PairClip], corpus: Path, voices: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[PairClip]]:
    folder = tmp_path_factory.mktemp("pairs")
    few = [clip for clip in planned if clip.excerpt in ("train-0000", "train-0001", "test-0000")]
    return folder, build_pairs(RECIPE, few, [corpus, voices], folder)


def test_every_excerpt_has_a_clean_clip_ladders_and_a_cascade(planned: list[PairClip]) -> None:
    assert Counter(clip.split for clip in planned) == {"train": 6 * 9, "test": 3 * 9}
    for excerpt in {clip.excerpt for clip in planned}:
        clips = [clip for clip in planned if clip.excerpt == excerpt]
        (clean,) = [clip for clip in clips if clip.clean]
        assert clean.process == ""
        assert {clip.reference for clip in clips} == {clean.path}
        ladders = Counter(clip.ladder for clip in clips if clip.ladder)
        assert sorted(ladders.values()) == [2, 2, 3]
        (cascade,) = [clip for clip in clips if "+" in clip.process]
        assert (cascade.ladder, cascade.rung) == ("", 0)


def test_rungs_go_from_mild_to_severe(planned: list[PairClip]) -> None:
    for mild, severe in itertools.pairwise(planned):
        if mild.ladder and (mild.excerpt, mild.ladder) == (severe.excerpt, severe.ladder):
            values = [int(c.process.partition(":")[2].replace("k", "000")) for c in (mild, severe)]
            assert severe.rung == mild.rung + 1
            assert (values[0] < values[1]) == (mild.ladder == "clip")


def test_a_recording_is_in_one_split_and_speech_is_known(planned: list[PairClip]) -> None:
    splits: dict[str, set[str]] = {}
    for clip in planned:
        splits.setdefault(clip.recording, set()).add(clip.split)
        assert (clip.domain == "speech") == clip.recording.startswith("voice")
        assert not clip.recording.startswith("band/loud")
    assert all(len(found) == 1 for found in splits.values())
    assert {clip.domain for clip in planned} == {"speech", "music"}


def test_plan_depends_on_the_seed_alone(
    planned: list[PairClip], corpus: Path, voices: Path
) -> None:
    assert plan_pairs(RECIPE, [corpus], [voices]) == planned
    other = RECIPE.model_copy(update={"seed": 1})
    assert plan_pairs(other, [corpus], [voices]) != planned


def test_clips_are_made_as_the_table_says(built: tuple[Path, list[PairClip]]) -> None:
    folder, clips = built
    assert all(clip.error == "" for clip in clips)
    for clip in clips:
        audio = read_audio(folder / clip.path)
        assert audio.samples.shape == (1, 2 * RATE)
        assert integrated_loudness(audio) == pytest.approx(-23.0, abs=0.1)
        wanted = {"visqol", "log_spectral"} | ({"stoi"} if clip.domain == "speech" else set())
        assert set(clip.labels) == (set() if clip.clean else wanted)
    clip = next(clip for clip in clips if clip.labels)
    pair = read_audio(folder / clip.reference), read_audio(folder / clip.path)
    assert LogSpectral()(*pair).value == pytest.approx(clip.labels["log_spectral"], abs=1e-3)
    assert read_pairs(folder / "pairs.csv") == clips


def test_a_killed_build_goes_on_and_labels_are_kept(
    built: tuple[Path, list[PairClip]], corpus: Path, voices: Path, tmp_path: Path
) -> None:
    _, clips = built
    first = build_pairs(RECIPE, clips[:4], [corpus, voices], tmp_path)
    assert first == clips[:4]
    (tmp_path / clips[1].path).unlink()
    journal = tmp_path / "journal.jsonl"
    journal.write_text(journal.read_text()[:-20])
    assert build_pairs(RECIPE, clips[:6], [corpus, voices], tmp_path) == clips[:6]


def test_a_label_that_the_recipe_asks_later_is_added(
    built: tuple[Path, list[PairClip]], corpus: Path, voices: Path, tmp_path: Path
) -> None:
    clips = [replace(clip, labels={}) for clip in built[1][:4]]
    fewer = RECIPE.model_copy(update={"labels": ("log_spectral",)})
    few = build_pairs(fewer, clips, [corpus, voices], tmp_path)
    assert set(few[1].labels) == {"log_spectral"}
    assert build_pairs(RECIPE, clips, [corpus, voices], tmp_path) == built[1][:4]
    kept = build_pairs(fewer, few, [corpus, voices], tmp_path)
    assert kept == few


def test_an_error_of_the_past_is_forgotten(
    built: tuple[Path, list[PairClip]], corpus: Path, voices: Path, tmp_path: Path
) -> None:
    failed = [replace(clip, error="missing: no corpus holds it") for clip in built[1][:2]]
    for _ in range(2):  # The second time they come from the journal.
        assert build_pairs(RECIPE, failed, [corpus, voices], tmp_path) == built[1][:2]


@pytest.mark.parametrize("field", ["path", "reference", "source"])
@pytest.mark.parametrize("value", ["../x.flac", "clips/../../x.flac", "/tmp/x.flac"])
def test_a_table_does_not_lead_out_of_its_folder(
    built: tuple[Path, list[PairClip]], tmp_path: Path, field: str, value: str
) -> None:
    row = {**asdict(replace(built[1][1], labels={})), "labels": {}, field: value}
    write_pairs([PairClip(**row)], tmp_path / "pairs.csv")
    with pytest.raises(DataError, match=f"row 1: {field} .* leads out of its folder"):
        read_pairs(tmp_path / "pairs.csv")


def test_another_corpus_is_noticed(
    built: tuple[Path, list[PairClip]], corpus: Path, voices: Path, tmp_path: Path
) -> None:
    _, clips = built
    altered = replace(clips[1], pcm_sha256="0" * 64)
    (made,) = build_pairs(RECIPE, [altered], [corpus, voices], tmp_path)
    assert "other samples than were labelled" in made.error
    (missing,) = build_pairs(RECIPE, [clips[0]], [tmp_path], tmp_path)
    assert "no corpus holds" in missing.error


def test_table_with_an_unknown_split_is_refused(
    built: tuple[Path, list[PairClip]], tmp_path: Path
) -> None:
    write_pairs(built[1], tmp_path / "pairs.csv")
    text = (tmp_path / "pairs.csv").read_text()
    (tmp_path / "pairs.csv").write_text(text.replace(",train,", ",trein,", 1))
    with pytest.raises(DataError, match="row 1: split 'trein'"):
        read_pairs(tmp_path / "pairs.csv")
    with pytest.raises(DataError, match="make one with 'auricle data pairs'"):
        read_pairs(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"families.codecs.kinds.mp3": [1, 2]}, "mp3 takes"),
        ({"families.codecs.ladders": 11}, "11 ladders"),
        ({"families.defects.kinds.anchor": [7000, 3500]}, "anchor takes 3500 or 7000"),
        ({"split.train": 0.2}, "add up to 1"),
        ({"split.train": 0.88, "split.test": 0.0}, "no share"),
        ({"labels": ["peaq"]}, "labels"),
    ],
)
def test_wrong_recipes_are_refused(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_pair_recipe("open-pairs", tuple(f"{k}={json.dumps(v)}" for k, v in overrides.items()))


def test_values_lie_evenly_in_what_their_unit_asks() -> None:
    ranges = {"mp3vbr": (0, 9), "reverb": (1000, 3000), "mask": (30, -5), "sbc": (220000, 64000)}
    family = Family(kinds=ranges)
    found = {kind: [family.at(kind, place).value for place in (0.0, 0.4, 1.0)] for kind in ranges}
    assert found["mp3vbr"] == [0, 4, 9]
    assert found["reverb"] == [1000, 1552, 3000]
    assert found["mask"] == [30, 16, -5]
    assert found["sbc"] == [220000, 134000, 64000]


def test_the_shipped_table_is_what_its_recipe_draws(tmp_path: Path) -> None:
    shipped = read_pairs(Path(__file__).parents[2] / "benchmarks/labels/open-pairs.csv")
    # Which processes are drawn for an excerpt depends neither on the corpora nor on its recording.
    kinds = ("recorded", "speech")
    rows = [
        Recording(f"a/{n}", f"a/{n}", f"a/{n}.flac", "a", kinds[n % 2], "CC0-1.0", "me", "t", RATE,
                  1, 0.0, 9.0)
        for n in range(200)
    ]  # fmt: skip
    write_recordings(rows, tmp_path / "recordings.csv")
    drawn = plan_pairs(read_pair_recipe("open-pairs"), [tmp_path])
    assert [(c.id, c.process, c.ladder, c.rung) for c in drawn] == [
        (c.id, c.process, c.ladder, c.rung) for c in shipped
    ]


def test_a_split_without_speech_is_told(corpus: Path) -> None:
    with pytest.raises(DataError, match="no recording of speech"):
        plan_pairs(RECIPE, [corpus])


def test_command_makes_pairs(corpus: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "few.yaml"
    only = {"speech": 0.0, "excerpts": {"train": 1}, "split": {"train": 1.0}}
    recipe.write_text(json.dumps({**TREE, **only, "labels": ["log_spectral"]}))
    arguments = ["pairs", str(recipe), "--corpus", str(corpus), "--output", str(tmp_path)]
    result = CliRunner().invoke(app, [*arguments, "--jobs", "1"])
    assert result.exit_code == 0, result.output
    assert "9 clips made, 0 failed" in result.output
    clips = read_pairs(tmp_path / "pairs.csv")
    assert all(clip.labels["log_spectral"] > 0.0 for clip in clips if not clip.clean)
