"""The shuffled, augmented batches that training eats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from auricle.core.errors import ConfigError, DataError
from auricle.data.domains import draw_rows
from auricle.data.features import FeatureSet
from auricle.data.manifest import Split
from auricle.data.targets import PATCH_SECONDS, Targets

Floats = NDArray[np.float32]

# Bands between which the random equaliser is smooth (and never beyond what they have).
_KNOTS = 8


class Batch(NamedTuple):
    """`log_mel` `[batch, frame, mel]` in 0..1, and what is to be said of it.

    `label` `[batch]` is the quality 0..1, `course` `[batch, frame]` that of each frame, `traces`
    `[batch, trace, 2]` as in `Targets`; `rows` `[batch]` are the clips' places in the features.
    """

    log_mel: Floats
    label: Floats
    course: Floats
    traces: Floats
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Changes of a log-mel spectrogram that leave codec quality as it is.

    `shift`: moved by up to so many bands, up or down, as if played faster or slower.
    `level_db`: lowered by up to so much, as if the loudest moment had been louder.
    `tilt_db`: tilted by up to so much between the lowest and the highest band, either way.
    `equaliser_db`: raised or lowered by up to so much at each of eight bands, and smoothly between.
    `top_bands`: up to so many of the highest bands emptied, in half of the clips, as in recordings
    of a lower sample rate or from a nearly transparent codec. The top 12 of 256 bands at 48 kHz
    reach beyond 20 kHz.
    """

    shift: int = 0
    level_db: float = 0.0
    tilt_db: float = 0.0
    equaliser_db: float = 0.0
    top_bands: int = 0

    def __call__(self, log_mel: Floats, range_db: float, rng: np.random.Generator) -> None:
        """Change `[frame, mel]` in place.

        >>> log_mel = np.full((4, 8), 0.5, dtype=np.float32)
        >>> Augmentation(level_db=6.0)(log_mel, 80.0, np.random.default_rng(0))
        >>> bool((log_mel < 0.5).all())
        True
        """
        mels = log_mel.shape[1]
        lowered = rng.uniform(0.0, self.level_db)
        tilt = rng.uniform(-self.tilt_db, self.tilt_db)
        emptied = int(rng.integers(0, self.top_bands + 1)) * int(rng.integers(0, 2))
        gain = np.linspace(-tilt / 2, tilt / 2, mels) - lowered
        if self.equaliser_db:
            curve = PchipInterpolator(np.arange(_KNOTS), rng.uniform(-1.0, 1.0, _KNOTS))
            gain += self.equaliser_db * curve(np.linspace(0.0, _KNOTS - 1, mels))
        if self.shift:
            _shift(log_mel, int(rng.integers(-self.shift, self.shift + 1)))
        if gain.any():
            # Values at the floor are holes: a louder band does not fill them.
            holes = log_mel <= 0.0
            log_mel += (gain / range_db).astype(np.float32)
            log_mel[holes] = 0.0
            np.clip(log_mel, 0.0, 1.0, out=log_mel)
        if emptied:
            log_mel[:, mels - emptied :] = 0.0


def _shift(log_mel: Floats, bands: int) -> None:
    """Move by so many bands: the lowest band is repeated, the highest are emptied."""
    if bands > 0:
        log_mel[:, bands:] = log_mel[:, :-bands].copy()
        log_mel[:, :bands] = log_mel[:, bands, None]
    elif bands < 0:
        log_mel[:, :bands] = log_mel[:, -bands:].copy()
        log_mel[:, bands:] = 0.0


class Batches:
    """One split of a feature set as batches.

    Every epoch's order, crops and augmentation follow from `seed` and the epoch's number alone,
    so an interrupted training goes on exactly as it would have. Crops are `crop` frames long
    (None: whole clips); the label of a crop is the mean of its quality over time. A `splice` of the
    clips go over, somewhere, into one of the same reference, usually of another quality. An epoch
    has `steps` batches at least: it goes over too few clips several times. With `shares` `[row]`
    clips are drawn by these, instead of each once.
    """

    def __init__(
        self,
        features: FeatureSet,
        targets: Targets,
        rows: Sequence[int] | NDArray[np.int64],
        *,
        batch_size: int,
        crop: int | None = None,
        augmentation: Augmentation | None = None,
        splice: float = 0.0,
        steps: int = 1,
        shares: NDArray[np.float64] | None = None,
        seed: int = 0,
    ) -> None:
        if len(rows) == 0:
            raise DataError("there are no clips to make batches of")
        if batch_size < 1 or (crop is not None and not 0 < crop <= features.frames):
            raise ConfigError(f"a crop must have 1 to {features.frames} frames, not {crop}")
        self.features = features
        self.targets = targets
        self.rows = np.asarray(rows, dtype=np.int64)
        self.batch_size = batch_size
        self.crop = crop or features.frames
        self.augmentation = augmentation
        self.splice = splice
        self.shares = shares
        self.seed = seed
        self._rounds = (steps - 1) * batch_size // len(self.rows) + 1
        self._siblings: dict[str, list[int]] = {}
        for row in self.rows.tolist():
            self._siblings.setdefault(features.clips[row].reference, []).append(row)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(self._rounds * len(self.rows) / self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the shuffled batches of an epoch; their sizes differ by one at most."""
        rng = np.random.default_rng([self.seed, number])
        order = np.concatenate(
            [draw_rows(self.rows, self.shares, rng) for _ in range(self._rounds)]
        )
        # Even parts: a last batch of one clip would have no variance to normalise by.
        for rows in np.array_split(order, len(self)):
            yield self._assemble(rows, rng)

    def in_order(self) -> Iterator[Batch]:
        """Yield whole clips, unaugmented, in the order of `rows`."""
        for begin in range(0, len(self.rows), self.batch_size):
            rows = self.rows[begin : begin + self.batch_size]
            log_mel = np.asarray(self.features.log_mel[rows], dtype=np.float32)
            quality, traces = self.targets.quality[rows], self.targets.traces[rows]
            yield Batch(log_mel, quality, self._course(rows), traces, rows)

    def _assemble(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        mels = self.features.log_mel.shape[2]
        log_mel = np.empty((len(rows), self.crop, mels), dtype=np.float32)
        starts = rng.integers(0, self.features.frames - self.crop + 1, size=len(rows))
        windows = starts[:, None] + np.arange(self.crop)
        course = np.take_along_axis(self._course(rows), windows, axis=1)
        label, traces = self.targets.quality[rows], self.targets.traces[rows]
        for place, (row, window) in enumerate(zip(rows.tolist(), windows, strict=True)):
            log_mel[place] = self.features.log_mel[row, window[0] : window[-1] + 1]
            if rng.random() < self.splice:
                siblings = self._siblings[self.features.clips[row].reference]
                other = siblings[int(rng.integers(len(siblings)))]
                seam = int(rng.integers(1, self.crop))
                rest = window[seam:]
                log_mel[place, seam:] = self.features.log_mel[other, rest[0] : rest[-1] + 1]
                course[place, seam:] = self._course(np.array([other]))[0, rest]
                label[place] = course[place].mean()
                # What happened to one part only is no history of both.
                differs = traces[place] != self.targets.traces[other]
                traces[place][differs] = np.nan
            if self.augmentation is not None:
                self.augmentation(log_mel[place], self.features.front_end.range_db, rng)
        if self.crop < self.features.frames:
            label = course.mean(axis=1)
        return Batch(log_mel, label, course, traces, rows)

    def _course(self, rows: NDArray[np.int64]) -> Floats:
        """Quality of each frame, `[row, frame]`."""
        front_end = self.features.front_end
        seconds = np.arange(self.features.frames) * front_end.hop / front_end.sample_rate
        part = np.floor(seconds / PATCH_SECONDS - 0.5).astype(np.int64)
        return self.targets.course[rows][:, part.clip(0, self.targets.course.shape[1] - 1)]


def split_rows(features: FeatureSet, split: Split) -> NDArray[np.int64]:
    """Return the rows of a split; raises `DataError` when it is empty."""
    rows = np.flatnonzero([clip.split == split for clip in features.clips])
    if rows.size == 0:
        raise DataError(f"{features.folder} holds no clips of the {split} split")
    return rows.astype(np.int64)
