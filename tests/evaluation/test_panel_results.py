"""What is told of a panel where something is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auricle.core.errors import ConfigError, DataError
from auricle.core.ratings import MeanRating, Rating, RatingTable
from auricle.core.spec import Scale
from auricle.evaluation.page.markdown import to_markdown
from auricle.evaluation.panel_results import (
    PanelOptions,
    PanelResult,
    estimate_mean,
    estimate_means,
    judge_panel,
)
from auricle.evaluation.ratings_report import to_json, to_page
from auricle.stats.screening_checks import Trap

RATINGS = tuple(
    Rating(
        "test",
        "quality",
        f"song {item}",
        system,
        f"L{listener}",
        50.0 + 20 * (system == "b") + 3 * listener + 2 * item + (listener * item) % 5,
    )
    for listener in range(6)
    for item in range(4)
    for system in "ab"
)


def _judge(ratings: tuple[Rating, ...], options: PanelOptions | None = None) -> PanelResult:
    return judge_panel(RatingTable(ratings), options)


def test_a_whole_panel() -> None:
    found = _judge(RATINGS, PanelOptions(interval=1.0))
    [contrast] = found.contrasts
    assert (contrast.first, contrast.second) == ("b", "a")
    assert contrast.difference.value == pytest.approx(20.0)
    assert found.screening is None
    assert found.ceiling is not None
    assert found.plan is not None
    assert found.notes == ()


def test_where_low_is_good_the_lower_is_better() -> None:
    worse = tuple(replace(one, scale=Scale(0.0, 100.0, higher_is_better=False)) for one in RATINGS)
    text = to_markdown(to_page([_judge(worse)]))
    assert "a is better than b by 20.0" in text
    assert text.index("\n| a |") < text.index("\n| b |")


def test_constant_offsets_of_listeners_are_no_disagreement() -> None:
    """P. E. Shrout and J. L. Fleiss, Psychological Bulletin 86 (1979), table 2: ICC(3, 4) is 0.91.

    Their ICC(1, 4), which takes offsets for noise, is 0.44.
    """
    scores = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
    ratings = tuple(
        Rating("test", "quality", f"song {item}", "a", f"L{listener}", float(score))
        for item, row in enumerate(scores)
        for listener, score in enumerate(row)
    )
    ceiling = _judge(ratings).ceiling
    assert ceiling is not None
    assert ceiling.lcc.panel.value == pytest.approx(0.91, abs=0.03)
    assert ceiling.lcc.ceiling.value == pytest.approx(ceiling.lcc.panel.value**0.5)
    text = to_markdown(to_page([_judge(ratings)]))
    assert "about 4 listeners a stimulus" in text


def test_ratings_without_listeners_are_not_screened() -> None:
    anonymous = tuple(replace(one, listener="") for one in RATINGS)
    found = _judge(anonymous, PanelOptions(screenings=("constant",)))
    assert found.screening is None
    assert found.model is None
    assert found.contrasts == ()
    assert {one.listeners for one in found.systems} == {24}
    assert "name no listeners" in found.notes[0]


def test_traps_screen_and_count_in_nothing_else() -> None:
    answers = tuple(
        replace(one, item="trap", score=20.0 + 50 * (one.listener == "L2"))
        for one in RATINGS
        if one.item == "song 0" and one.system == "a"
    )
    traps = (Trap("trap", 20.0), Trap("in another test", 20.0))
    found = _judge(RATINGS + answers, PanelOptions(traps=traps))
    assert found.screening is not None
    assert found.screening.excluded == ("L2",)
    without = _judge(tuple(one for one in RATINGS if one.listener != "L2"))
    assert found.systems == without.systems
    assert found.contrasts == without.contrasts
    assert found.notes == ("6 ratings are of traps, and left out of all but screening",)
    everyone = _judge(RATINGS + answers, PanelOptions(screenings=(), traps=traps))
    assert everyone.screening is None
    assert everyone.contrasts == _judge(RATINGS).contrasts
    assert _judge(RATINGS, PanelOptions(traps=traps)).screening is None
    with pytest.raises(DataError, match="all ratings are of traps"):
        _judge(answers, PanelOptions(traps=traps))


def test_a_screening_without_anything_to_go_by_says_where() -> None:
    with pytest.raises(DataError, match=r"test / quality cannot be screened: nothing was rated"):
        _judge(RATINGS, PanelOptions(screenings=("replicates",)))


def test_what_is_undefined_takes_no_column() -> None:
    alone = tuple(one for one in RATINGS if one.listener == "L1")
    found = _judge(alone)
    text = to_markdown(to_page([found]))
    assert "| system | mean, t interval | median | SD | listeners | ratings |" in text
    assert "nan" not in text
    assert "[-" not in text
    assert any("no stimulus has two listeners" in note for note in found.notes)


def test_a_screening_that_leaves_nobody() -> None:
    constant = tuple(replace(one, score=50.0) for one in RATINGS)
    found = _judge(constant, PanelOptions(screenings=("constant",)))
    assert found.ratings == ()
    assert found.notes == ("screening leaves nobody: nothing can be computed",)
    assert "Screening" in to_markdown(to_page([found]))


def test_hidden_references_and_anchors_are_no_systems_of_the_model() -> None:
    hidden = tuple(
        replace(one, system="original", role="reference", score=100.0)
        for one in RATINGS
        if one.system == "a"
    )
    model = _judge(RATINGS + hidden).model
    assert model is not None
    assert model.systems == ("b", "a")
    compared = _judge(RATINGS + hidden, PanelOptions(against="original")).contrasts
    assert [(one.first, one.second) for one in compared] == [("b", "original"), ("a", "original")]
    with pytest.raises(ConfigError, match="there are a, b"):
        _judge(RATINGS, PanelOptions(against="original"))


def test_several_questions_have_sections_of_their_own() -> None:
    other = tuple(replace(one, attribute="timbre") for one in RATINGS)
    table = RatingTable(RATINGS + other)
    with pytest.raises(DataError, match="one question at a time: there are 2"):
        judge_panel(table)
    results = [judge_panel(table.select(*question)) for question in table.questions]
    text = to_markdown(to_page(results, ["a note"]))
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## test / quality",
        "## test / timbre",
    ]
    assert text.count("### Which is better?") == 2
    assert [one["attribute"] for one in to_json(results)["questions"]] == ["quality", "timbre"]


def test_means_have_intervals_where_enough_is_told() -> None:
    mean = MeanRating("test", "quality", "song", "a", 50.0, 10.0, 25)
    found = judge_panel(RatingTable(means=(mean,)))
    assert found.systems == ()
    assert "only means are known" in found.notes[0]
    interval = estimate_mean(mean)
    # By hand: 2.0639, the quantile of t with 24 degrees of freedom, times 10 / 5.
    assert interval is not None
    assert interval.high == pytest.approx(54.1278, abs=1e-4)
    assert estimate_mean(replace(mean, listeners=0)) is None
    assert estimate_means([mean, replace(mean, listeners=0)]) is None
    both = estimate_means([mean, replace(mean, mean=60.0, deviation=20.0)])
    # Half-widths of 4.1278 and 8.2556.
    assert both is not None
    assert (both.value, both.high) == pytest.approx((55.0, 61.1917), abs=1e-4)
    assert to_json([found])["questions"][0]["model"] is None
