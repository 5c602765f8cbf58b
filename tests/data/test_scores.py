import struct

import pytest

from auricle.core.errors import DataError
from auricle.data.scores import DRUMS, Note, find_parts, read_notes, solo


def midi(*tracks: bytes, division: int = 96) -> bytes:
    head = b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), division)
    return head + b"".join(b"MTrk" + struct.pack(">I", len(t)) + t for t in tracks)


def melody(channel: int, keys: list[int], step: int = 24) -> bytes:
    """Notes one after another, under a running status, with some other events between."""
    events = bytes([0, 0xC0 | channel, 5, 0, 0xFF, 3, 2, 65, 66, 0, 0xF0, 2, 1, 0xF7])
    events += bytes([0, 0xE0 | channel, 0, 64])
    for number, key in enumerate(keys):
        status = [0x90 | channel] if number == 0 else []
        events += bytes([0, *status, key, 90, step, key, 0])
    return events + bytes([0, 0xFF, 0x2F, 0])


SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def test_notes_have_channel_key_and_time() -> None:
    notes = read_notes(midi(melody(3, SCALE), melody(DRUMS, [36, 38], step=0x60)))
    assert [(note.channel, note.key) for note in notes] == [
        *((3, key) for key in SCALE),
        (DRUMS, 36),
        (DRUMS, 38),
    ]
    assert [note.time for note in notes] == [0, 4, 8, 12, 16, 20, 24, 28, 0, 16]


def test_long_pauses_are_numbers_of_several_bytes() -> None:
    track = bytes([0x83, 0x00, 0x90, 60, 1, 0, 0xFF, 0x2F, 0])
    (note,) = read_notes(midi(track))
    assert note.time == 16 * 384 // 96


def test_solo_silences_the_others_and_nothing_else() -> None:
    score = midi(melody(0, SCALE), melody(1, SCALE[::-1]), melody(DRUMS, [36] * 8))
    alone = solo(score, 1)
    assert {note.channel for note in read_notes(alone)} == {1}
    changed = [
        place for place, pair in enumerate(zip(score, alone, strict=True)) if len({*pair}) > 1
    ]
    assert changed == [note.place for note in read_notes(score) if note.channel != 1]
    assert all(alone[place] == 0 for place in changed)


def test_parts_that_double_another_or_hardly_play_are_left_out() -> None:
    octave = [key - 12 for key in SCALE]
    score = midi(
        melody(0, SCALE * 2), melody(1, octave), melody(2, [61] * 8), melody(3, [50, 51]),
        melody(DRUMS, SCALE),
    )  # fmt: skip
    assert find_parts(score, least=8) == [0, 2, DRUMS]
    assert find_parts(score, least=2) == [0, 2, DRUMS, 3]
    assert find_parts(score, least=99) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"RIFF" + bytes(20), "no MIDI file"),
        (b"MThd", "no MIDI file"),
        (midi(melody(0, SCALE), division=0xE728), "time in frames"),
        (midi(melody(0, SCALE))[:60], "it breaks off"),
        (midi(bytes([0, 0x90, 60])), "a track breaks off"),
        (midi(bytes([0, 0xF4, 0])), "event 0xf4"),
        (midi(bytes([0, 60, 0])), "event 0x0"),
        (midi(bytes([0xFF] * 5)), "more than four bytes"),
    ],
)
def test_damage_is_told(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_notes(data)


def test_a_note_of_no_velocity_is_no_note() -> None:
    assert read_notes(midi(bytes([0, 0x95, 60, 0, 1, 61, 7]))) == [Note(5, 61, 0, 28)]
