"""Report pages on the terminal."""

from pathlib import Path

import pytest

from auricle.cli.pages import join_reasons, print_page, print_warnings
from auricle.evaluation.page.blocks import Cell, Chart, Page, Section, Table, Text

TABLE = Table(("codec", "score"), [("[bold]mine", Cell("80 " * 100, best=True))], "A caption.")


def test_what_stands_open_is_printed_in_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    sections = [
        Section("Means", [Text("words " * 50), TABLE], part="Opus"),
        Section("Picture", [Chart("", "", "", [])]),
        Section("Hidden", [Text("folded")], folded=True),
        Section("Notes", [Text(":smile:")], part="Opus"),
    ]
    print_page(Page("Codecs", "Two.", sections, [("Auricle", "1")]))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        *("Codecs", "Two.", "", "Opus", "====", "", "Means", ("words " * 50).rstrip()),
        *("codec       score", f"[bold]mine  {'80 ' * 100}".rstrip(), "A caption."),
        *("", "Notes", ":smile:", "", "--output DIR writes more: Hidden", "Auricle: 1"),
    ]


def test_a_report_that_is_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Page("Codecs", "Two.", [Section("Hidden", [Text("folded")], folded=True)])
    for name in ("report.md", "report.html"):
        (tmp_path / name).touch()
        print_page(page, tmp_path)
        told = capsys.readouterr().out
        assert f"The whole report: {tmp_path / name}\n" in told
        assert "--output" not in told


def test_reasons_are_one_line() -> None:
    assert join_reasons(["a: silent", "a: silent", "b: gone"]) == "a: silent; b: gone"
    assert join_reasons(list("abcde")) == "a; b; c; and 2 more"


def test_warnings_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_warnings(["no [page]"])
    assert capsys.readouterr() == ("", "auricle: warning: no [page]\n")
