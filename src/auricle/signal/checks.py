"""What is noticed before judging: silence, clipping, missing treble, broken samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from auricle.core.audio import Samples
from auricle.core.errors import SignalError
from auricle.core.score import Notice

# Below this RMS (about -80 dBFS) nothing but dither of a 16-bit file is left.
SILENCE_RMS = 1e-4
_QUIET_PEAK = 10.0 ** (-50.0 / 20.0)
# Three samples in a row at full scale are a flat top; a lone one is a normalised peak.
_FULL_SCALE = 0.9999
_CLIPPED_SHARE = 1e-4
# Far above what any converter or mix leaves there, and below 2^15, a 16-bit sample taken as it is.
_MOST_PEAK = 10.0 ** (60.0 / 20.0)
# Below this rate (half of it is the end of the spectrum, in Hz) scores rise again: of the clean
# example resampled, `codec-music` made 17 of 100 at 8 kHz, 18 at 6, 67 at 5, 82 at 4 and 100 at 2.
LOWEST_RATE = 6000
# The mono mean has lost the programme when this share of the channels' power is left.
_CANCELLED_SHARE = 0.01
_LOW_RATE = 32000
_NARROW_HERTZ = 14000.0


class SignalMonitor:
    """Watches blocks pass by on their way to the mono mix, and says afterwards what it saw.

    Raises `SignalError` for a rate (Hz) at which no score means anything.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        if sample_rate < LOWEST_RATE:
            raise SignalError(
                f"it is sampled at {sample_rate} Hz: below {LOWEST_RATE} Hz too little is left to"
                " be judged"
            )
        self._sample_rate = sample_rate
        self._channels = channels
        self._frames = 0
        self._peak = 0.0
        self._clipped = 0
        self._power = 0.0
        self._mono_power = 0.0

    def mix(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield the mono mean `[time]` of blocks `[channel, time]`.

        Raises `SignalError` at the first sample that is NaN, infinite or beyond any full scale.
        """
        for block in blocks:
            peak = float(np.max(np.abs(block), initial=0.0))
            if not np.isfinite(peak):
                raise SignalError("it holds samples that are not finite numbers (NaN or infinity)")
            if peak > _MOST_PEAK:
                raise SignalError(
                    f"its peak is {20 * np.log10(peak):.0f} dB above full scale, which is 1: it is"
                    " damaged, or must be divided by its own full scale"
                )
            mono = block[0] if len(block) == 1 else block.mean(axis=0)
            self._frames += mono.size
            self._peak = max(self._peak, peak)
            if peak >= _FULL_SCALE:
                self._clipped += _count_flat_tops(block)
            if self._channels > 1:
                self._power += float(np.vdot(block, block)) / len(block)
                self._mono_power += float(np.vdot(mono, mono))
            yield mono

    @property
    def cancelled(self) -> bool:
        """Whether hardly anything of the channels is left in their mono mean."""
        return self._channels > 1 and self._mono_power < _CANCELLED_SHARE * self._power

    def notices(self) -> tuple[Notice, ...]:
        """What was noticed in the samples, once all blocks have passed."""
        found = []
        if self._sample_rate < _LOW_RATE:
            found.append(
                Notice(
                    "low_sample_rate",
                    f"sampled at {self._sample_rate} Hz: everything above "
                    f"{self._sample_rate / 2000:g} kHz is missing and counts as a loss",
                )
            )
        if self._channels > 2:
            found.append(
                Notice("downmixed", f"{self._channels} channels were averaged to one for judging")
            )
        if self._clipped > _CLIPPED_SHARE * self._frames * self._channels:
            share = 100.0 * self._clipped / (self._frames * self._channels)
            found.append(Notice("clipped", f"{share:.3g}% of the samples are clipped"))
        if 0.0 < self._peak < _QUIET_PEAK:
            found.append(
                Notice("quiet", f"the peak is at {20 * np.log10(self._peak):.0f} dB full scale")
            )
        if self.cancelled:
            found.append(Notice("cancelled", "the channels cancel in the mono mix that is judged"))
        return tuple(found)


def is_silent(samples: Samples) -> bool:
    """Whether samples `[time]` hold nothing but an offset and the dither of 16 bit.

    >>> is_silent(np.full(48000, 0.5, dtype=np.float32))
    True
    """
    # In float32 the mean of a large offset is off by more than silence.
    return float(np.std(samples, dtype=np.float64)) < SILENCE_RMS


def narrow_band(bandwidth: float) -> tuple[Notice, ...]:
    """Return the notice that belongs to a bandwidth (Hz), if one does.

    >>> [notice.kind for notice in narrow_band(8000.0)]
    ['band_limited']
    """
    if bandwidth >= _NARROW_HERTZ:
        return ()
    message = f"there is hardly any content above {bandwidth / 1000:.1f} kHz"
    return (Notice("band_limited", message),)


def _count_flat_tops(block: NDArray[np.float32]) -> int:
    high = np.abs(block) >= _FULL_SCALE
    middle = high[:, 2:] & high[:, 1:-1] & high[:, :-2]
    return int(np.count_nonzero(middle))
