"""A report's folder."""

import json
from pathlib import Path

from auricle.evaluation.page.blocks import Page, Section, Text
from auricle.evaluation.page.report import write_report


def test_json_has_no_infinity(tmp_path: Path) -> None:
    facts = {"scale": (0.0, float("inf")), "mean": [{"low": float("nan"), "clips": 2}], "on": True}
    page = Page("Codecs", "Two.", [Section("Notes", [Text("One.")])])
    assert write_report(page, facts, tmp_path / "new" / "out é") == []
    text = (tmp_path / "new" / "out é" / "report.json").read_text(encoding="utf-8")
    told = json.loads(text, parse_constant=lambda name: name)
    assert told == {"scale": [0.0, None], "mean": [{"low": None, "clips": 2}], "on": True}
    files = {path.name for path in (tmp_path / "new" / "out é").iterdir()}
    assert files == {"report.json", "report.md", "report.html"}
