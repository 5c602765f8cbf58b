"""What kept values are known by."""

import hashlib
from pathlib import Path

import pytest

from auricle.core.errors import UnreadableFileError
from auricle.evaluation.identities import identify_file


def test_a_file_is_its_content(tmp_path: Path) -> None:
    (tmp_path / "a b é.wav").write_bytes(b"RIFF")
    assert identify_file(tmp_path / "a b é.wav") == hashlib.sha256(b"RIFF").hexdigest()


def test_what_cannot_be_read_is_a_failure_of_that_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        identify_file(tmp_path)
