"""Standard MIDI files, event by event: which parts a score has, and one part by itself.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from auricle.core.errors import DataError

DRUMS: Final = 9
"""The channel, counted from 0, that General MIDI gives to percussion."""

_NOTE_ON = 0x90
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


@dataclass(frozen=True, slots=True)
class Note:
    """A note's beginning: channel 0..15, key 0..127, time in 16ths of a quarter note.

    `place` is where in the file its velocity is written.
    """

    channel: int
    key: int
    time: int
    place: int


def read_notes(data: bytes) -> list[Note]:
    """Read the notes of a Standard MIDI file, track by track.

    Raises `DataError` when it is none, counts time in frames, or breaks off.

    >>> head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96)
    >>> track = bytes([0, 0x92, 60, 90, 96, 60, 0, 0, 0xFF, 0x2F, 0])
    >>> read_notes(head + b"MTrk" + struct.pack(">I", len(track)) + track)
    [Note(channel=2, key=60, time=0, place=25)]
    """
    if len(data) < 14 or data[:4] != b"MThd":
        raise DataError("it is no MIDI file")
    size, division = struct.unpack(">4xI4xH", data[:14])
    if division == 0 or division & 0x8000:
        raise DataError("it counts time in frames, not in quarter notes")
    place, notes = 8 + size, []
    try:
        while place + 8 <= len(data):
            name, length = struct.unpack(">4sI", data[place : place + 8])
            place += 8
            if place + length > len(data):
                raise DataError("it breaks off in the middle of a track")
            if name == b"MTrk":
                notes += list(_read_track(data, place, place + length, division))
            place += length
    except IndexError as error:
        raise DataError("a track breaks off in the middle of an event") from error
    return notes


def solo(data: bytes, channel: int) -> bytes:
    """Return the file with the notes of all other channels silenced (velocity 0: no note).

    Tempo, instruments and controllers stay, so that parts of one score stay in step.
    Raises `DataError` as `read_notes` does.
    """
    silenced = bytearray(data)
    for note in read_notes(data):
        if note.channel != channel:
            silenced[note.place] = 0
    return bytes(silenced)


def find_parts(data: bytes, least: int = 16) -> list[int]:
    """Return the channels that play a part of their own, the fullest first.

    Channels of fewer than `least` notes are left out, and so are those that double another: half
    of whose notes or more begin together with the same note of it, in any octave.
    Raises `DataError` as `read_notes` does.
    """
    counts: dict[int, int] = {}
    beats: dict[int, set[tuple[int, int]]] = {}
    for note in read_notes(data):
        counts[note.channel] = counts.get(note.channel, 0) + 1
        beats.setdefault(note.channel, set()).add((note.time, note.key % 12))
    parts: list[int] = []
    for channel in sorted(counts, key=lambda number: (-counts[number], number)):
        tuned = [part for part in parts if DRUMS not in (part, channel)]
        own = beats[channel]
        doubles = any(2 * len(own & beats[part]) >= len(own) for part in tuned)
        if counts[channel] >= least and not doubles:
            parts.append(channel)
    return parts


def _read_track(data: bytes, place: int, end: int, division: int) -> Iterator[Note]:
    ticks = status = 0
    while place < end:
        delta, place = _read_length(data, place)
        ticks += delta
        if data[place] & 0x80:
            status = data[place]
            place += 1
        if status == 0xFF:
            length, place = _read_length(data, place + 1)
            place += length
        elif status in (0xF0, 0xF7):
            length, place = _read_length(data, place)
            place += length
        elif status & 0xF0 in _DATA_BYTES:
            if status & 0xF0 == _NOTE_ON and data[place + 1] > 0:
                time = (16 * ticks + division // 2) // division
                yield Note(status & 0x0F, data[place], time, place + 1)
            place += _DATA_BYTES[status & 0xF0]
        else:
            raise DataError(f"it holds an event {status:#x}, which no MIDI file has")


def _read_length(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for _ in range(4):
        byte = data[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, place
    raise DataError("it holds a number of more than four bytes")
