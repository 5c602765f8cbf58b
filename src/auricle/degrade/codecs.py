"""Lossy codecs, there and back, in memory: MPEG layers II and III, AAC, Opus, Vorbis and others.

Encoders: LAME, libopus, libvorbis, and FFmpeg's own for mp2, AAC (in ADTS), AC-3, Enhanced AC-3,
Windows Media Audio 2 and Bluetooth's SBC. `mp3vbr` is LAME at variable bitrate, `aacfast` FFmpeg's
AAC with its quick search for scale factors. Output is float and may overshoot full scale, as
decoders do. Decoded samples repeat bit for bit with one version of the libraries; another build
may differ.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from auricle.degrade.rates import convert, convert_back

MAX_CHANNELS = 2


@dataclass(frozen=True, slots=True)
class _Encoder:
    """How FFmpeg is asked for a codec.

    `delay` is what remains after FFmpeg's own trimming, `lead` the silence in front that its
    trimming takes away; both in samples. With `quality`, the setting is a quality, not
    a bitrate.
    """

    name: str
    muxer: str
    demuxer: str
    sample_format: Literal["s16", "flt", "fltp"]
    delay: int = 0
    lead: int = 0
    quality: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


# MP3 carries its delay in the LAME header and Ogg Opus in its pre-skip: FFmpeg removes both.
# Bare mp2, ADTS, AC-3 and SBC have nowhere to note it; of WMA it removes one frame more than the
# encoder adds.
_ENCODERS: Mapping[str, _Encoder] = {
    "mp2": _Encoder("mp2", "mp2", "mp3", "s16", delay=481),
    "mp3": _Encoder("libmp3lame", "mp3", "mp3", "fltp"),
    "aac": _Encoder("aac", "adts", "aac", "fltp", delay=1024),
    "opus": _Encoder("libopus", "ogg", "ogg", "flt"),
    "mp3vbr": _Encoder("libmp3lame", "mp3", "mp3", "fltp", quality=True),
    "aacfast": _Encoder("aac", "adts", "aac", "fltp", delay=1024, options={"aac_coder": "fast"}),
    "ac3": _Encoder("ac3", "ac3", "ac3", "fltp", delay=256),
    "eac3": _Encoder("eac3", "eac3", "eac3", "fltp", delay=256),
    "wma": _Encoder("wmav2", "asf", "asf", "fltp", lead=2048),
    "sbc": _Encoder("sbc", "sbc", "sbc", "s16", delay=73),
}
CODECS = (*_ENCODERS, "vorbis")
MP3_QUALITIES = range(10)
"""LAME's qualities of variable bitrate, 0 the best."""
# Samples of silence behind what is shifted: without them the end would stay inside the encoder,
# and the shortest clips would make too few mp2 frames for the demuxer to recognise.
_FLUSH = 2048
# Bytes before each AAC frame in ADTS, without a checksum; in MP4 they are not there.
_ADTS_HEADER = 7
# Samples per write: libvorbis puts four bytes for each on the stack, and crashes on a minute at
# once. Its first 128 samples depend on the first write, so another size makes other bits.
_BLOCK = 1 << 19


def transcode(audio: Audio, codec: str, setting: int) -> Audio:
    """Encode and decode mono or stereo audio with `codec` (of `CODECS`) near `setting` (bit/s).

    Length, rate and channels stay, the codec's delay is removed (Opus below 64 kb/s stereo may
    lead by up to 4 samples: its hybrid mode does so, depending on content). A sample rate that the
    codec lacks is converted to the nearest it has, and back; for settings see `encode`.

    Raises what `encode` raises, and `DecodeError` when decoding fails.

    >>> import numpy as np
    >>> tone = Audio.from_array(np.sin(np.arange(4800) / 20) / 2, 48000)
    >>> coded = transcode(tone, "vorbis", 64_000)
    >>> coded.frames, float(np.abs(coded.samples - tone.samples).max()) < 0.05
    (4800, True)
    """
    inside = _inside(audio, codec)
    return _restore(encode(inside, codec, setting), codec, inside, audio)


@dataclass(frozen=True, slots=True)
class Coded:
    """Audio after a codec, and the `bitrate` (bit/s) that its coded form took."""

    audio: Audio
    bitrate: float


def code(audio: Audio, codec: str, setting: int) -> Coded:
    """Encode and decode as `transcode` does, and tell the bitrate that it really took.

    It is that of the packets, without what the container (Ogg, ADTS, ASF) adds, over the time that
    they code. Raises what `transcode` raises.

    >>> import numpy as np
    >>> tone = Audio.from_array(np.sin(np.arange(48000) / 20) / 2, 48000)
    >>> coded = code(tone, "mp3", 60_000)
    >>> coded.audio.frames, round(coded.bitrate)
    (48000, 64000)
    """
    inside = _inside(audio, codec)
    data = encode(inside, codec, setting)
    return Coded(_restore(data, codec, inside, audio), _packet_bitrate(data, codec, inside))


def _restore(data: bytes, codec: str, inside: Audio, original: Audio) -> Audio:
    """Decode what `inside` became, without its delay and in the form of the original."""
    decoded = _decode(data, codec)
    delay = 0 if codec == "vorbis" else _ENCODERS[codec].delay
    kept = decoded[:, delay : delay + inside.frames]
    if kept.shape != inside.samples.shape:
        raise DecodeError(
            f"{codec} gave {kept.shape} samples where {inside.samples.shape} were due"
        )
    return convert_back(Audio.from_array(kept, inside.sample_rate, original.source), original)


def _packet_bitrate(data: bytes, codec: str, inside: Audio) -> float:
    encoder = _ENCODERS.get(codec)
    with av.open(io.BytesIO(data), "r", format=encoder.demuxer if encoder else "ogg") as source:
        packets = [packet for packet in source.demux(audio=0) if packet.size]
        header = _ADTS_HEADER if encoder is not None and encoder.muxer == "adts" else 0
        bits = 8 * sum(packet.size - header for packet in packets)
        seconds = sum(float((packet.duration or 0) * packet.time_base) for packet in packets)
    silence = 0 if encoder is None else encoder.lead + _flush(encoder)
    # Demuxers of Vorbis and WMA tell too little: half a block, and whole milliseconds.
    return bits / max(seconds, (inside.frames + silence) / inside.sample_rate)


def _flush(encoder: _Encoder) -> int:
    return _FLUSH if encoder.delay or encoder.lead else 0


def encode(audio: Audio, codec: str, setting: int) -> bytes:
    """Encode mono or stereo audio: Opus and Vorbis in Ogg, AAC in ADTS, WMA in ASF, others bare.

    The encoder runs at the nearest sample rate it has, and at `effective_bitrate`, the nearest it
    has to `setting` (bit/s); for `mp3vbr` that is LAME's quality, 0 the best to 9. mp2, mp3, AC-3,
    WMA and SBC hold their bitrate. AAC aims at it, spends less where nothing is left to code (some
    160-260 kb/s of mono music at 48 kHz) and more below about 16 kb/s in mono, 24 in stereo. Opus
    and Vorbis vary it with content, +-30%; Vorbis's is the nominal one of a quality setting.
    Samples beyond full scale are clipped. FFmpeg writes some mp2 streams that the standard
    excludes (mono above 192, stereo at 32, 48, 56 and 80 kb/s); its decoder reads them. Its WMA
    encoder is a plain one: one block length, no noise shaping.

    Raises `ConfigError` for an unknown codec or quality, `InputError` for more than two channels
    or when the encoder fails, `SignalError` for no samples or samples that aren't finite.

    >>> len(encode(Audio.from_array([0.0] * 48000, 48000), "mp3", 64_000)) * 8 // 1000
    67
    """
    inside = _inside(audio, codec)
    setting = _effective(codec, setting, inside)
    samples = np.clip(inside.samples, -1.0, 1.0)
    try:
        if codec == "vorbis":
            return _encode_vorbis(samples, inside.sample_rate, setting)
        return _encode_ffmpeg(samples, inside.sample_rate, setting, _ENCODERS[codec])
    except (FFmpegError, soundfile.SoundFileError) as error:
        raise InputError(f"encoding as {codec} at {setting} failed: {error}") from error


def _effective(codec: str, setting: int, inside: Audio) -> int:
    if codec != "mp3vbr":
        return effective_bitrate(codec, setting, inside.sample_rate, inside.channels)
    if setting not in MP3_QUALITIES:
        raise ConfigError(f"mp3vbr has qualities from 0, the best, to 9, not {setting}")
    return setting


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
    return convert(audio, nearest(SAMPLE_RATES[codec], audio.sample_rate))


def _decode(data: bytes, codec: str) -> Samples:
    stream = io.BytesIO(data)
    try:
        if codec == "vorbis":
            decoded, _ = soundfile.read(stream, dtype="float32", always_2d=True)
            return np.ascontiguousarray(decoded.T)
        with av.open(stream, "r", format=_ENCODERS[codec].demuxer) as source:
            source.streams.audio[0].codec_context.thread_count = 1
            frames = list(source.decode(audio=0))
    except (FFmpegError, soundfile.SoundFileError) as error:
        raise DecodeError(f"decoding {codec} failed: {error}") from error
    return _samples(frames)


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


def _encode_ffmpeg(samples: Samples, sample_rate: int, setting: int, encoder: _Encoder) -> bytes:
    padded = np.pad(samples, ((0, 0), (encoder.lead, _flush(encoder))))
    layout = "mono" if samples.shape[0] == 1 else "stereo"
    tick = Fraction(1, sample_rate)
    stream = io.BytesIO()
    with av.open(stream, "w", format=encoder.muxer) as sink:
        track = sink.add_stream(
            encoder.name,
            rate=sample_rate,
            options=dict(encoder.options),
            layout=layout,
            format=encoder.sample_format,
        )
        if not isinstance(track, AudioStream):
            raise ConfigError(f"FFmpeg's {encoder.name} is no audio encoder")
        if encoder.quality:
            track.codec_context.qscale = True
            track.codec_context.global_quality = setting
        else:
            track.bit_rate = setting
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


def _samples(frames: Sequence[AudioFrame]) -> Samples:
    if not frames:
        return np.zeros((1, 0), dtype=np.float32)
    first = frames[0]
    data = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    if not first.format.is_planar:
        data = data.reshape(-1, len(first.layout.channels)).T
    return Audio.from_array(data, first.sample_rate).samples
