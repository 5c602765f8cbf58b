"""What of a table is a number, and what stands in cells as they are shown."""

from __future__ import annotations

from auricle.evaluation.page.blocks import Cell, Table
from auricle.evaluation.page.tables import show_table


def test_columns_of_numbers_stand_to_the_right_and_have_an_order() -> None:
    rows = [
        ("a", "0.5 [0.4, 0.6]", "12", "opus 12", "-3.5%", "none", "no"),
        ("b", "- (0 of 18)", "1,204", "12", "\N{MINUS SIGN}1.5e2", "+2% [1, 3]", "-"),
    ]
    shown = show_table(Table(("name", "SRCC", "clips", "mixed", "change", "rate", "word"), rows))
    assert shown.numeric == (False, True, True, False, True, True, False)
    assert [cell.order for cell in shown.rows[1]] == [None, None, 1204.0, 12.0, -150.0, 2.0, None]
    assert shown.rows[0][1].interval == "[0.4, 0.6]"
    assert shown.rows[0][4].order == -3.5


def test_an_interval_alone_counts_as_its_low_end() -> None:
    shown = show_table(Table(("a", "b", "c"), [("x", "[-1.5, 2.0]", "[1, 2, 3]")]))
    assert shown.numeric == (False, True, False)
    assert shown.rows[0][1].order == -1.5


def test_names_that_are_numbers_are_names() -> None:
    assert show_table(Table(("item", "n"), [("1", "2")])).numeric == (False, True)


def test_a_given_order_counts_if_it_is_a_number() -> None:
    cells = ["x", Cell("poor", 1.0), Cell("none", float("nan"))]
    shown = show_table(Table(("a", "b", "c"), [cells]))
    assert [cell.order for cell in shown.rows[0]] == [None, 1.0, None]
    assert shown.numeric == (False, True, False)


def test_what_follows_a_number_stands_apart() -> None:
    cell = Cell("0.19 [0.06, 0.42] (71 of 74)", 0.19)
    shown = show_table(Table(("a", "b"), [("x", cell)])).rows[0][1]
    assert (shown.text, shown.interval) == ("0.19", "[0.06, 0.42] (71 of 74)")


def test_short_rows_and_short_headers_are_filled() -> None:
    shown = show_table(Table(("a",), [("x",), ("y", "1")]))
    assert len(shown.header) == 2
    assert {len(row) for row in shown.rows} == {2}
    assert show_table(Table((), [])).rows == ()
