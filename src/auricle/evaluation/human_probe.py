"""What an encoder knows of opinion scores: ridge regression from its embeddings, held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from auricle.core.audio import Audio
from auricle.core.errors import DataError, MissingDependencyError, SignalError
from auricle.data.listening_sets import RatedPair
from auricle.encoders.base import Encoder
from auricle.evaluation.rated_sheet import FEWEST_ITEMS
from auricle.heads.pooling import MeanPooling
from auricle.signal.checks import is_silent
from auricle.signal.io import read_audio
from auricle.signal.resample import resample
from auricle.signal.segment import split_segments
from auricle.stats.correlation import mae, pearson, rmse, spearman
from auricle.stats.intervals import Estimate, paired_bootstrap_difference
from auricle.stats.performance import Agreement, agreement
from auricle.systems.config import SystemConfig

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

_TINY: Final = float(np.finfo(np.float64).tiny)
# Of features of unit variance; from hardly any shrinkage to hardly any slope.
_PENALTIES: Final = tuple(np.logspace(0, 6, 13).tolist())
# One group is held out, one more to choose the penalty by, and something is to be left.
_FEWEST_GROUPS: Final = 3
_MEASURES: Final[Mapping[str, Callable[[ArrayLike, ArrayLike], float]]] = MappingProxyType(
    {"rmse": rmse, "mae": mae, "pcc": pearson, "srcc": spearman}
)


class ClipEmbedder:
    """Mean and standard deviation of an encoder's frames over a clip.

    The clip goes the way of `systems.runtime`: mono mean, the rate of the front end, segments of
    the system's length, of which those that are silent are left out; embeddings of segments are
    averaged by the samples that each adds.

    >>> from auricle.encoders.mel_cnn import MelCnn
    >>> config = SystemConfig.model_validate({
    ...     "name": "demo", "tag": "v1", "summary": "A demonstration.", "licence": "MIT",
    ...     "citation": "", "label_scale": {"low": 1, "high": 5}, "encoder": {"kind": "mel_cnn"},
    ...     "pooling": {"kind": "attention"}, "head": {"kind": "gaussian"}})
    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, 48000)
    >>> ClipEmbedder(MelCnn(features=12), config)(Audio.from_array(noise, 48000)).shape
    (24,)
    """

    def __init__(self, encoder: Encoder, config: SystemConfig) -> None:
        self._encoder = encoder.eval()
        self._pooling = MeanPooling()
        self._front_end = config.front_end.build()
        self._length = config.segment_samples
        self._rate = config.front_end.sample_rate

    def __call__(self, audio: Audio) -> Vector:
        """Return `[2 * feature]` of a recording; raises `SignalError` when it is silent."""
        total, heard = np.zeros(2 * self._encoder.features), 0
        mono = resample(audio.mono(), self._rate).samples[0]
        for segment in split_segments([mono], self._length):
            if is_silent(segment.samples):
                continue
            total += segment.fresh * self._embed(segment.samples)
            heard += segment.fresh
        if heard == 0:
            raise SignalError("it is silent: there is nothing to embed")
        return total / heard

    def _embed(self, samples: NDArray[np.float32]) -> Vector:
        log_mel = torch.from_numpy(self._front_end(samples)[np.newaxis])
        with torch.inference_mode():
            pooled = self._pooling(self._encoder(log_mel))
            found: Vector = torch.cat((pooled.mean, pooled.deviation), dim=1)[0].double().numpy()
        return found


def embed_pairs(embedder: ClipEmbedder, pairs: Sequence[RatedPair]) -> Matrix:
    """Return `[clip, 2 * feature]` of degraded files, as listeners heard them.

    Raises what reading and embedding raise, `InputError`.
    """
    heard = (read_audio(pair.degraded, sample_rate=pair.sample_rate) for pair in pairs)
    return np.stack([embedder(audio) for audio in heard])


def predict_held_out(embeddings: ArrayLike, rating: ArrayLike, groups: Sequence[str]) -> Vector:
    """Predict ratings `[clip]` from embeddings `[clip, feature]`, each group without its own.

    For each group a ridge regression is fitted on all others, with the penalty that does best when
    each of those is left out in turn. Features are brought to unit variance on average, all by one
    factor: each by its own, those that hardly vary would count as much, and fresh encoders, which
    have many, would look far worse than they are. Raises `DataError` for fewer than three groups,
    `MissingDependencyError` without scikit-learn.

    >>> rng = np.random.default_rng(0)
    >>> known = rng.normal(size=(40, 3))
    >>> found = predict_held_out(known, known[:, 0], [str(n % 5) for n in range(40)])
    >>> rmse(found, known[:, 0]) < 0.1
    True
    """
    try:
        from sklearn.linear_model import Ridge
        from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
    except ImportError as error:
        raise MissingDependencyError("scikit-learn", extra="train") from error
    names, x, y = np.asarray(groups), np.asarray(embeddings), np.asarray(rating, dtype=np.float64)
    if len(set(groups)) < _FEWEST_GROUPS:
        raise DataError(f"ratings of {len(set(groups))} groups: at least three are needed")
    found = np.empty_like(y)
    for others, own in LeaveOneGroupOut().split(x, y, names):
        search = GridSearchCV(
            Ridge(),
            {"alpha": _PENALTIES},
            scoring="neg_mean_squared_error",
            cv=LeaveOneGroupOut(),
        )
        scaled = x / max(float(np.sqrt(x[others].var(axis=0).mean())), _TINY)
        search.fit(scaled[others], y[others], groups=names[others])
        found[own] = search.predict(scaled[own])
    return found


@dataclass(frozen=True, slots=True, eq=False)
class ProbeResult:
    """How well held-out predictions agree with ratings, from an encoder and from fresh ones.

    `guess` predicts the mean rating of the other groups. `differences` are those of the encoder's
    `rmse`, `mae`, `pcc` and `srcc` from each fresh one's, on the same resamples. Fresh encoders
    differ from each other, too, and an interval from one of them alone says nothing of that: only
    an encoder that is ahead of all of them is likely to have learned something.
    """

    pretrained: Agreement
    fresh: tuple[Agreement, ...]
    guess: Agreement
    differences: tuple[Mapping[str, Estimate], ...]

    @property
    def best_fresh(self) -> int:
        """Place of the fresh encoder with the smallest error."""
        return min(range(len(self.fresh)), key=lambda place: self.fresh[place].rmse.value)


def compare_probes(
    rating: ArrayLike,
    groups: Sequence[str],
    pretrained: ArrayLike,
    fresh: Sequence[ArrayLike],
    *,
    resamples: int = 2000,
) -> ProbeResult:
    """Compare predictions `[clip]` of `predict_held_out` from several encoders.

    Intervals are bootstrapped over groups, or over clips of fewer than five groups. Raises what
    `auricle.stats.intervals.bootstrap_interval` raises.
    """
    truth, names = np.asarray(rating, dtype=np.float64), np.asarray(groups)
    drawn = list(groups) if len(set(groups)) >= FEWEST_ITEMS else None

    def agree(predicted: ArrayLike) -> Agreement:
        return agreement(predicted, truth, groups=drawn, resamples=resamples)

    def subtract(other: ArrayLike) -> Mapping[str, Estimate]:
        return {
            name: paired_bootstrap_difference(
                measure, truth, pretrained, other, groups=drawn, resamples=resamples
            )
            for name, measure in _MEASURES.items()
        }

    return ProbeResult(
        pretrained=agree(pretrained),
        fresh=tuple(agree(one) for one in fresh),
        guess=agree([float(truth[names != name].mean()) for name in names]),
        differences=tuple(subtract(one) for one in fresh),
    )
