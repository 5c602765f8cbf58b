"""Lossy codecs, there and back, in memory: MPEG layers II and III, AAC, Opus, Vorbis.

Encoders: FFmpeg's own mp2 and AAC (in ADTS), LAME, libopus and libvorbis. Output is float and
may overshoot full scale, as decoders do. Decoded samples repeat bit for bit with one version of
the libraries; another build of AAC or Opus may differ.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.error import FFmpegError

from auricle.core.audio import Audio, Samples
from auricle.core.errors import ConfigError, DecodeError, InputError, SignalError
from auricle.degrade.bitrates import SAMPLE_RATES, effective_bitrate, nearest, vorbis_quality
from auricle.signal.resample import resample

MAX_CHANNELS = 2


@dataclass(frozen=True, slots=True)
class _Encoder:
    """How FFmpeg is asked for a codec; `delay` in samples remains after its own trimming."""

    name: str
    muxer: str
    demuxer: str
    sample_format: Literal["s16", "flt", "fltp"]
    delay: int


# MP3 carries its delay in the LAME header and Ogg Opus in its pre-skip: FFmpeg removes both.
# Bare mp2 and ADTS have nowhere to note it.
_ENCODERS: Mapping[str, _Encoder] = {
    "mp2": _Encoder("mp2", "mp2", "mp3", "s16", delay=481),
    "mp3": _Encoder("libmp3lame", "mp3", "mp3", "fltp", delay=0),
    "aac": _Encoder("aac", "adts", "aac", "fltp", delay=1024),
    "opus": _Encoder("libopus", "ogg", "ogg", "flt", delay=0),
}
CODECS = (*_ENCODERS, "vorbis")
# Samples of silence behind what has a delay: without them the end would stay inside the encoder,
# and the shortest clips would make too few mp2 frames for the demuxer to recognise.
_FLUSH = 2048
# Samples per write: libvorbis puts four bytes for each on the stack, and crashes on a minute at
# once. Its first 128 samples depend on the first write, so another size makes other bits.
_BLOCK = 1 << 19


def transcode(audio: Audio, codec: str, bitrate: int) -> Audio:
    """Encode and decode mono or stereo audio with `codec` (of `CODECS`) near `bitrate` (bit/s).

    Length, rate and channels stay, the codec's delay is removed (Opus below 64 kb/s stereo may
    lead by up to 4 samples: its hybrid mode does so, depending on content). A sample rate that the
    codec lacks is converted to the nearest it has, and back; for bitrates see `encode`.

    Raises what `encode` raises, and `DecodeError` when decoding fails.

    >>> import numpy as np
    >>> tone = Audio.from_array(np.sin(np.arange(4800) / 20) / 2, 48000)
    >>> coded = transcode(tone, "vorbis", 64_000)
    >>> coded.frames, float(np.abs(coded.samples - tone.samples).max()) < 0.05
    (4800, True)
    """
    inside = _inside(audio, codec)
    decoded = _decode(encode(inside, codec, bitrate), codec)
    delay = 0 if codec == "vorbis" else _ENCODERS[codec].delay
    kept = decoded[:, delay : delay + inside.frames]
    if kept.shape != inside.samples.shape:
        raise DecodeError(
            f"{codec} gave {kept.shape} samples where {inside.samples.shape} were due"
        )
    coded = Audio.from_array(kept, inside.sample_rate, audio.source)
    return _fit(resample(coded, audio.sample_rate), audio.frames)


def encode(audio: Audio, codec: str, bitrate: int) -> bytes:
    """Encode mono or stereo audio: bare mp2, mp3, AAC in ADTS, Opus or Vorbis in Ogg.

    The encoder runs at the nearest sample rate it has, and at `effective_bitrate`, the nearest it
    has to `bitrate` (bit/s). mp2 and mp3 hold that. AAC aims at it, spends less where nothing is
    left to code (some 160-260 kb/s of mono music at 48 kHz) and more below about 16 kb/s in mono,
    24 in stereo. Opus and Vorbis vary it with content, +-30%; Vorbis's is the nominal one of a
    quality setting. Samples beyond full scale are clipped. FFmpeg writes some mp2 streams that the
    standard excludes (mono above 192, stereo at 32, 48, 56 and 80 kb/s); its decoder reads them.

    Raises `ConfigError` for an unknown codec, `InputError` for more than two channels or when the
    encoder fails, `SignalError` for no samples or samples that aren't finite.

    >>> len(encode(Audio.from_array([0.0] * 48000, 48000), "mp3", 64_000)) * 8 // 1000
    67
    """
    inside = _inside(audio, codec)
    bitrate = effective_bitrate(codec, bitrate, inside.sample_rate, inside.channels)
    samples = np.clip(inside.samples, -1.0, 1.0)
    try:
        if codec == "vorbis":
            return _encode_vorbis(samples, inside.sample_rate, bitrate)
        return _encode_ffmpeg(samples, inside.sample_rate, bitrate, _ENCODERS[codec])
    except (FFmpegError, soundfile.SoundFileError) as error:
        raise InputError(f"encoding as {codec} at {bitrate} bit/s failed: {error}") from error


def _inside(audio: Audio, codec: str) -> Audio:
    """Return `audio` at the nearest sample rate that the codec has."""
    if codec not in CODECS:
        raise ConfigError(f"no codec is called {codec!r}: there are {', '.join(CODECS)}")
    if audio.channels > MAX_CHANNELS:
        raise InputError(
            f"{codec} is used in mono or stereo, and this has {audio.channels} channels"
        )
    if audio.frames == 0:
        raise SignalError(f"there are no samples to encode as {codec}")
    if not np.isfinite(audio.samples).all():
        raise SignalError(f"samples that are not finite cannot be encoded as {codec}")
    converted = resample(audio, nearest(SAMPLE_RATES[codec], audio.sample_rate))
    # Conversion may round the shortest clips down to nothing.
    return _fit(converted, max(converted.frames, 1))


def _decode(data: bytes, codec: str) -> Samples:
    stream = io.BytesIO(data)
    try:
        if codec == "vorbis":
            decoded, _ = soundfile.read(stream, dtype="float32", always_2d=True)
            return np.ascontiguousarray(decoded.T)
        with av.open(stream, "r", format=_ENCODERS[codec].demuxer) as source:
            source.streams.audio[0].codec_context.thread_count = 1
            blocks = [_block(frame) for frame in source.decode(audio=0)]
    except (FFmpegError, soundfile.SoundFileError) as error:
        raise DecodeError(f"decoding {codec} failed: {error}") from error
    return np.concatenate(blocks, axis=1)


def _fit(audio: Audio, frames: int) -> Audio:
    """Give `audio` the length that rate conversion may miss by rounding."""
    if audio.frames == frames:
        return audio
    samples = np.zeros((audio.channels, frames), dtype=np.float32)
    common = min(frames, audio.frames)
    samples[:, :common] = audio.samples[:, :common]
    return Audio.from_array(samples, audio.sample_rate, audio.source)


def _encode_vorbis(samples: Samples, sample_rate: int, bitrate: int) -> bytes:
    channels = samples.shape[0]
    quality = vorbis_quality(bitrate, sample_rate, channels)
    stream = io.BytesIO()
    with soundfile.SoundFile(
        stream, "w", sample_rate, channels,
        format="OGG", subtype="VORBIS", compression_level=1.0 - quality,
    ) as sink:  # fmt: skip
        for start in range(0, samples.shape[1], _BLOCK):
            sink.write(samples[:, start : start + _BLOCK].T)
    return stream.getvalue()


def _encode_ffmpeg(samples: Samples, sample_rate: int, bitrate: int, encoder: _Encoder) -> bytes:
    padded = np.pad(samples, ((0, 0), (0, _FLUSH if encoder.delay else 0)))
    layout = "mono" if samples.shape[0] == 1 else "stereo"
    tick = Fraction(1, sample_rate)
    stream = io.BytesIO()
    with av.open(stream, "w", format=encoder.muxer) as sink:
        track = sink.add_stream(
            encoder.name, rate=sample_rate, layout=layout, format=encoder.sample_format
        )
        if not isinstance(track, AudioStream):
            raise ConfigError(f"FFmpeg's {encoder.name} is no audio encoder")
        track.bit_rate = bitrate
        track.codec_context.thread_count = 1
        for start in range(0, padded.shape[1], _BLOCK):
            frame = _frame(padded[:, start : start + _BLOCK], layout, encoder.sample_format)
            frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, tick
            sink.mux(track.encode(frame))
        sink.mux(track.encode(None))
    return stream.getvalue()


def _frame(samples: Samples, layout: str, sample_format: str) -> AudioFrame:
    data: np.ndarray[Any, np.dtype[Any]] = samples
    if sample_format == "s16":
        data = np.clip(np.round(samples * 32768.0), -32768, 32767).astype(np.int16)
    if not sample_format.endswith("p"):
        data = data.T.reshape(1, -1)
    return AudioFrame.from_ndarray(np.ascontiguousarray(data), sample_format, layout)


def _block(frame: AudioFrame) -> Samples:
    data = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, len(frame.layout.channels)).T
    return Audio.from_array(data, frame.sample_rate).samples
