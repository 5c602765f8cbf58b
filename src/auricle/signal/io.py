"""Audio files in and out: the only door through which samples enter.

Decoding is FFmpeg's (through PyAV), block by block, so that a file of any length passes in
bounded memory. FFmpeg itself drops the encoder delay and padding that a container declares.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError, InvalidDataError

from auricle.core.audio import Audio, Samples
from auricle.core.errors import ConfigError, DecodeError, MissingFileError, UnreadableFileError
from auricle.core.score import Notice
from auricle.signal.resample import resample

# What a folder is searched for; a file named outright is tried whatever it is called.
_AUDIO_SUFFIXES = frozenset(
    """.3gp .aac .ac3 .aif .aifc .aiff .amr .ape .au .avi .caf .dts .eac3 .flac .flv .m2ts .m4a
    .m4b .m4v .mka .mkv .mov .mp2 .mp3 .mp4 .mpc .mpg .oga .ogg .ogv .opus .spx .ts .tta .vob .w64
    .wav .webm .wma .wmv .wv""".split()
)

# Decoded audio may fall short of the declared length by this much before it is called
# truncated: codec frames are this long, and streams without a header have theirs estimated
# from the bitrate.
_MISSING_SECONDS = 0.08
_MISSING_SHARE = {"aac": 0.1, "ac3": 0.1, "eac3": 0.1, "dts": 0.1, "mp3": 0.1}

# Blocks handed out are at least this long, to keep the cost per block small.
_BLOCK_FRAMES = 32768

_CONTAINERS = {".flac": "FLAC", ".wav": "WAV"}


class AudioStream:
    """The first audio stream of a file, decoded block by block.

    Use it as a context manager; iterate `blocks()` once. Raises `MissingFileError`,
    `UnreadableFileError` or `DecodeError` on opening.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not os.fspath(path):  # a Path would take it for the current folder
            raise MissingFileError("the file name is empty")
        _check_readable(self.path)
        try:
            # By its protocol: FFmpeg would take "a:b.mp3" for b.mp3 by a protocol called a.
            self._container = av.open(f"file:{self.path}", mode="r", metadata_errors="ignore")
        except (FFmpegError, ValueError) as error:
            raise DecodeError(
                f"FFmpeg does not recognise it as audio or video ({_reason(error)})"
            ) from error
        if not self._container.streams.audio:
            self._container.close()
            raise DecodeError("it holds no audio stream")
        self._stream = self._container.streams.audio[0]
        context = self._stream.codec_context
        self.sample_rate = int(context.sample_rate or 0)
        self.channels = int(context.channels or 0)
        if self.sample_rate <= 0 or self.channels <= 0:
            self._container.close()
            raise DecodeError("the header states no sample rate or no channels")
        self._damaged = 0
        self._frames = 0

    def __enter__(self) -> AudioStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    @property
    def lossy(self) -> bool:
        """Whether the codec loses something; one that may do without, as WavPack, counts as not."""
        return not self._stream.codec_context.codec.lossless

    @property
    def declared_duration(self) -> float | None:
        """Length in seconds of the audio by the container's own account, if it gives one."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        alone = len(self._container.streams) == 1
        if alone and self._container.duration is not None:
            return float(self._container.duration / av.time_base)
        return None

    def blocks(self) -> Iterator[Samples]:
        """Yield float32 `[channel, time]` blocks, full scale +-1.

        Undecodable packets are skipped and show up in `notices()`. Raises `DecodeError` when
        not a single sample can be decoded.
        """
        waiting: list[Samples] = []
        held = 0
        for samples in self._decode():
            waiting.append(samples)
            held += samples.shape[1]
            if held >= _BLOCK_FRAMES:
                yield np.concatenate(waiting, axis=1)
                waiting, held = [], 0
        if held:
            yield np.concatenate(waiting, axis=1)
        if self._frames == 0:
            raise DecodeError("no audio could be decoded: the file is empty or damaged")

    def notices(self) -> tuple[Notice, ...]:
        """What decoding brought to light; complete once `blocks()` is exhausted."""
        found = []
        if self._damaged:
            found.append(
                Notice("damaged", f"{self._damaged} packets could not be decoded and were skipped")
            )
        declared, decoded = self.declared_duration, self._frames / self.sample_rate
        share = _MISSING_SHARE.get(self._container.format.name, 0.0)
        if declared is not None and declared - decoded > max(_MISSING_SECONDS, share * declared):
            found.append(
                Notice("truncated", f"{decoded:.1f} s decoded of {declared:.1f} s declared")
            )
        elif _riff_is_cut(self.path):
            found.append(Notice("truncated", "the file is shorter than its header says"))
        elif self._container.format.name == "ogg" and _ogg_is_cut(self.path):
            found.append(Notice("truncated", "the last page of the stream is missing"))
        return tuple(found)

    def _decode(self) -> Iterator[Samples]:
        """Yield what FFmpeg decodes, frame by frame, cut where an MP4's edit list ends."""
        # Interleaved: PyAV 18 crashes on planes of more than seven channels.
        converter = AudioResampler(format="flt")
        limit = None
        if "mp4" in self._container.format.name and self.declared_duration is not None:
            limit = round(self.declared_duration * self.sample_rate)
        for frame in self._frames_of_packets():
            if (frame.sample_rate, frame.layout.nb_channels) != (self.sample_rate, self.channels):
                raise DecodeError("rate or channels change in the middle of the file")
            for converted in converter.resample(frame):
                interleaved = converted.to_ndarray().reshape(-1, self.channels)
                samples = np.ascontiguousarray(interleaved.T, dtype=np.float32)
                if limit is not None:
                    samples = samples[:, : max(0, limit - self._frames)]
                self._frames += samples.shape[1]
                if samples.shape[1]:
                    yield samples

    def _frames_of_packets(self) -> Iterator[AudioFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from packet.decode()
            except (InvalidDataError, EOFError):
                self._damaged += 1
            except FFmpegError as error:
                raise DecodeError(f"decoding failed: {_reason(error)}") from error


def read_audio(path: str | Path, *, sample_rate: int | None = None) -> Audio:
    """Read a whole file as `Audio`, resampled to `sample_rate` (Hz) if given.

    Raises `MissingFileError`, `UnreadableFileError` or `DecodeError`.

    >>> read_audio("nowhere.flac")
    Traceback (most recent call last):
    auricle.core.errors.MissingFileError: there is no such file
    """
    audio, _ = read_with_notices(path)
    return audio if sample_rate is None else resample(audio, sample_rate)


def read_with_notices(path: str | Path) -> tuple[Audio, tuple[Notice, ...]]:
    """Read a whole file at its own rate, and what decoding brought to light.

    Raises `MissingFileError`, `UnreadableFileError` or `DecodeError`.

    >>> read_with_notices("examples/lossless.flac")[1]
    ()
    """
    with AudioStream(path) as stream:
        samples = np.concatenate(list(stream.blocks()), axis=1)
        return Audio.from_array(samples, stream.sample_rate, stream.path), stream.notices()


def list_audio(folder: str | Path) -> list[str]:
    """Return the audio and video files in a folder and its subfolders, sorted, hidden ones not.

    They are told by their suffixes. What cannot be read is left out: see `search_audio`.

    >>> list_audio("examples")[0]
    'examples/aac-96k.m4a'
    """
    return [path for path in search_audio(folder) if stat.S_ISREG(_mode(path) or 0)]


def search_audio(folder: str | Path) -> list[str]:
    """Return what `list_audio` does, and besides what only reading it will tell the trouble of.

    That are links by such names that lead nowhere, and subfolders that cannot be searched.
    """
    closed: list[OSError] = []
    found: list[Path] = []
    for place, subfolders, names in os.walk(folder, onerror=closed.append):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        found += [
            Path(place, name)
            for name in names
            if Path(name).suffix.lower() in _AUDIO_SUFFIXES and not name.startswith(".")
        ]
    # Neither pipes nor devices: they would be waited for.
    files = [str(path) for path in found if stat.S_ISREG(_mode(path) or stat.S_IFREG)]
    return sorted([*files, *(str(Path(error.filename)) for error in closed)])


def write_audio(path: str | Path, audio: Audio, *, bits: Literal[16, 24] = 24) -> None:
    """Write `audio` to a .flac (of `bits` per sample) or .wav (32-bit float) file at once.

    FLAC clips what lies beyond full scale. Raises `ConfigError` for another suffix and `OSError`
    when it cannot be written.
    """
    target = Path(path)
    container = _CONTAINERS.get(target.suffix.lower())
    if container is None:
        raise ConfigError(f"audio is written as .flac or .wav, not {target.suffix!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    samples, subtype = audio.samples.T, "FLOAT"
    if container == "FLAC":
        samples, subtype = np.clip(samples, -1.0, 1.0), f"PCM_{bits}"
    try:
        soundfile.write(part, samples, audio.sample_rate, subtype=subtype, format=container)
    except soundfile.LibsndfileError as error:
        part.unlink(missing_ok=True)
        raise OSError(f"{target} could not be written: {error}") from error
    part.replace(target)


def _mode(path: str | Path) -> int | None:
    """Return what the operating system says of a file that is there, or nothing."""
    try:
        return Path(path).stat().st_mode
    except OSError:
        return None


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise DecodeError("the file is empty")
    except FileNotFoundError as error:
        reason = "the link leads nowhere" if path.is_symlink() else "there is no such file"
        raise MissingFileError(reason) from error
    except IsADirectoryError as error:
        raise UnreadableFileError("it is a folder, not a file") from error
    except PermissionError as error:
        raise UnreadableFileError("it cannot be read: permission denied") from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise UnreadableFileError(f"it cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _riff_is_cut(path: Path) -> bool:
    """Whether a RIFF header promises more than the file holds (FFmpeg believes the file)."""
    with path.open("rb") as file:
        header = file.read(8)
    promised = int.from_bytes(header[4:8], "little") + 8
    # Recorders that stream do not know the size and write the largest number or zero.
    return header[:4] == b"RIFF" and promised < 2**32 and promised - 16 > path.stat().st_size


def _ogg_is_cut(path: Path) -> bool:
    """Whether the last Ogg page does not end its stream (RFC 3533, flag 0x04)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2**17))  # a page has 64 KiB at most
        tail = file.read()
    page = tail.rfind(b"OggS")
    return page < 0 or page + 5 >= len(tail) or not tail[page + 5] & 0x04
