"""Planning pairs: which excerpts to take of corpora, and which degradations to make of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from auricle.core.errors import DataError
from auricle.data.clip_recipe import seed_of
from auricle.data.manifest import SPLITS, Split
from auricle.data.pair_recipe import ExcerptChoice
from auricle.data.rated import Domain
from auricle.data.recordings import Kind, Recording, read_corpus
from auricle.degrade.base import parse_cascade


@dataclass(frozen=True, slots=True)
class PairClip:
    """One clip: how it comes about, and how far it is from its reference.

    Clips of one `excerpt` share their `reference`, of which they differ by `process`; the clean
    clip has none, and is its own reference. Those of one `ladder`, the kind of a single process,
    are the milder the lower their `rung`, from 1 on; others have none and rung 0. Two of the same
    ladder and rung are less than a just-noticeable difference apart. `source` is the excerpt's path
    in its corpus, of which it begins at `start` seconds, and `noise` that of the recording which a
    process `snr` puts under it, from `noise_start` on. `labels` holds what reference metrics say,
    each on its own scale (see `auricle.data.pairs`), `pcm_sha256` the hash of the 16-bit samples,
    and `error` why there is no clip. Paths are relative to the data folder.
    """

    id: str
    excerpt: str
    recording: str
    split: Split
    domain: Domain
    path: str
    reference: str
    source: str
    start: float
    process: str
    ladder: str = ""
    rung: int = 0
    noise: str = ""
    noise_start: float = 0.0
    labels: Mapping[str, float] = field(default_factory=dict)
    pcm_sha256: str = ""
    error: str = ""

    @property
    def clean(self) -> bool:
        """Whether this is the reference itself."""
        return self.path == self.reference


_DOMAINS: Mapping[Kind, Domain] = {"speech": "speech", "effects": "sound"}


def plan_pairs(
    recipe: ExcerptChoice,
    corpora: Sequence[Path],
    speech: Sequence[Path] = (),
    noise: Sequence[Path] = (),
) -> list[PairClip]:
    """Return the clips that a recipe makes of corpora, unlabelled, excerpt by excerpt.

    All that lies in the folders of `speech` is speech, whatever their tables say; without a table,
    each subfolder is one voice. What lies in the folders of `noise` is there for the process `snr`:
    each excerpt meets one noise, of its own split.

    Raises `DataError` when a split has no recording of what is wanted, and when two folders hold a
    path that is taken: rows name recordings by their path alone.
    """
    pool = _read_pool(recipe, corpora, speech)
    noises = _read_noises(recipe, noise)
    _check_paths([*pool, *noises], {*corpora, *speech, *(noise if noises else ())})
    clips: list[PairClip] = []
    for split in sorted(recipe.excerpts, key=SPLITS.index):
        part = [row for row in pool if _split_of(recipe, row.recording) == split]
        under = [row for row in noises if _split_of(recipe, row.recording) == split]
        if noises and not under:
            raise DataError(f"the {split} split has no recording of noise: give more of them")
        rng = np.random.default_rng(seed_of(f"{recipe.seed}|{split}"))
        for number in range(recipe.excerpts[split]):
            row = _draw_excerpt(recipe, part, split, rng)
            clips += _plan_excerpt(recipe, row, under, split, f"{split}-{number:04d}")
    return clips


def _read_noises(recipe: ExcerptChoice, folders: Sequence[Path]) -> list[Recording]:
    if "snr" not in recipe.kinds:
        return []
    rows = [
        row for folder in folders for row in read_corpus(folder) if row.duration >= recipe.seconds
    ]
    if not rows:
        raise DataError(
            f"'snr' needs noises of {recipe.seconds:g} s or longer: give --noise FOLDER"
        )
    return rows


def _read_pool(
    recipe: ExcerptChoice, corpora: Sequence[Path], speech: Sequence[Path]
) -> list[Recording]:
    rows: dict[str, Recording] = {}
    for folder, spoken in [(f, False) for f in corpora] + [(f, True) for f in speech]:
        for row in read_corpus(folder):
            if not _is_taken(recipe, row):
                continue
            if row.path in rows:
                raise DataError(f"two corpora hold {row.path}: give one of them alone")
            rows[row.path] = _as_spoken(row) if spoken else row
    if not rows:
        raise DataError("no excerpt is taken: see 'take', 'leave' and 'seconds' of the recipe")
    return list(rows.values())


def _check_paths(rows: Iterable[Recording], folders: Iterable[Path]) -> None:
    """Raise `DataError` for a recording whose path leads to another one in another folder."""
    apart = {folder.resolve() for folder in folders}
    for row in rows:
        holding = sorted(str(folder) for folder in apart if (folder / row.path).is_file())
        if len(holding) > 1:
            raise DataError(
                f"{' and '.join(holding)} both hold {row.path}: rename one of the files, or put the"
                " recordings of one into a subfolder of another name"
            )


def _as_spoken(row: Recording) -> Recording:
    """Return a recording of speech; in a plain folder, a subfolder is one voice."""
    plain = row.recording == row.path and "/" in row.path
    return replace(row, kind="speech", recording=row.source if plain else row.recording)


def _is_taken(recipe: ExcerptChoice, row: Recording) -> bool:
    taken = any(fnmatchcase(row.id, pattern) for pattern in recipe.take)
    left = any(fnmatchcase(row.id, pattern) for pattern in recipe.leave)
    return taken and not left and row.duration >= recipe.seconds


def _split_of(recipe: ExcerptChoice, recording: str) -> Split:
    position = seed_of(f"{recipe.seed}|split|{recording}") / 2.0**64
    parts = [name for name in SPLITS if recipe.split.get(name, 0.0) > 0.0]
    for name in parts[:-1]:
        position -= recipe.split[name]
        if position < 0.0:
            return name
    return parts[-1]


def _draw_excerpt(
    recipe: ExcerptChoice, rows: Iterable[Recording], split: Split, rng: np.random.Generator
) -> Recording:
    """Draw speech or not, then the kind (rare ones more than their share), then the recording."""
    spoken = rng.random() < recipe.speech
    kinds: dict[Kind, dict[str, list[Recording]]] = {}
    for row in rows:
        if (row.kind == "speech") == spoken:
            kinds.setdefault(row.kind, {}).setdefault(row.recording, []).append(row)
    if not kinds:
        wanted = "speech" if spoken else "anything but speech"
        raise DataError(
            f"the {split} split has no recording of {wanted}: add corpora, or change 'speech'"
        )
    names = sorted(kinds)
    weights = np.sqrt([len(kinds[name]) for name in names])
    recordings = kinds[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
    excerpts = recordings[list(recordings)[int(rng.integers(len(recordings)))]]
    return excerpts[int(rng.integers(len(excerpts)))]


def _plan_excerpt(
    recipe: ExcerptChoice, row: Recording, noises: Sequence[Recording], split: Split, excerpt: str
) -> Iterator[PairClip]:
    rng = np.random.default_rng(seed_of(f"{recipe.seed}|{excerpt}"))
    start = round(float(rng.uniform(0.0, row.duration - recipe.seconds)), 3)
    reference = f"clips/{excerpt}-0.flac"
    noise, noise_start = "", 0.0
    if noises:
        under = noises[int(rng.integers(len(noises)))]
        noise = under.path
        noise_start = round(float(rng.uniform(0.0, under.duration - recipe.seconds)), 3)
    drawn = [("", "", 0), *recipe.draw(rng)]
    for version, (process, ladder, rung) in enumerate(drawn):
        name = f"{excerpt}-{version}"
        noisy = any(step.kind == "snr" for step in parse_cascade(process))
        yield PairClip(
            id=name, excerpt=excerpt, recording=row.recording, split=split,
            domain=_DOMAINS.get(row.kind, "music"), path=f"clips/{name}.flac",
            reference=reference, source=row.path, start=start, process=process,
            ladder=ladder, rung=rung, noise=noise if noisy else "",
            noise_start=noise_start if noisy else 0.0,
        )  # fmt: skip
