"""A journal outlives its program, whatever that was doing when it ended."""

import json
from pathlib import Path

import pytest

from auricle.evaluation.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scores" / "metric.jsonl"


def test_what_was_put_is_there_again(path: Path) -> None:
    journal = Journal(path)
    journal.put("a", {"value": 0.1 + 0.2, "margin": None})
    journal.put("ü b", {"value": -1.0})
    assert journal.get("a") == Journal(path).get("a") == {"value": 0.1 + 0.2, "margin": None}
    assert Journal(path).get("ü b") == {"value": -1.0}
    assert Journal(path).get("c") is None


def test_nothing_is_written_before_something_is_put(path: Path) -> None:
    assert Journal(path).get("a") is None
    assert not path.parent.exists()


def test_the_last_entry_of_a_key_counts(path: Path) -> None:
    for value in (1, 2):
        Journal(path).put("a", {"value": value})
    assert Journal(path).get("a") == {"value": 2}


def test_every_cut_costs_the_cut_line_only(path: Path) -> None:
    Journal(path).put("a", {"value": 1})
    whole = path.stat().st_size
    Journal(path).put("é", {"value": 2})
    content = path.read_bytes()
    for end in range(whole, len(content)):
        path.write_bytes(content[:end])
        journal = Journal(path)
        journal.put("c", {"value": 3})
        again = Journal(path)
        assert again.get("a") == {"value": 1}
        assert again.get("é") in (None, {"value": 2})
        assert again.get("c") == {"value": 3}


def test_what_is_no_entry_is_passed_over(path: Path) -> None:
    path.parent.mkdir()
    good = json.dumps({"key": "a", "value": 1})
    path.write_text("\n".join(["", "[]", "3", "{}", '{"key": [1]}', "nonsense", good, ""]))
    assert Journal(path).get("a") == {"value": 1}
