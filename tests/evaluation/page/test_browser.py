"""The demo page in a real browser: what it shows, loads, and does on pointing, typing, printing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.evaluation.page.demo import METRICS, make_demo

from auricle.evaluation.page.write import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

LAPTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; they skip without it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no chromium command")
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "demo.html"
    write_page(make_demo(), path)
    return path.as_uri()


@pytest.fixture
def tab(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """The page, on a laptop unless a test asks for other options; it must not complain."""
    context = browser.new_context(**getattr(request, "param", LAPTOP))
    opened = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda asked: requests.append(asked.url))
    opened.goto(address)
    yield opened
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [address]
    context.close()


def tip_of(tab: Tab) -> str:
    """Return what the tooltip says once it shows."""
    tab.wait_for_selector("#tip:not([hidden])", timeout=2000)
    return tab.inner_text("#tip")


def column(tab: Tab, place: int) -> list[str]:
    cells = tab.locator(f"table >> nth=0 >> tbody tr > :nth-child({place})")
    return cells.all_inner_texts()


@pytest.mark.parametrize("tab", [LAPTOP, PHONE], indirect=True, ids=["laptop", "phone"])
def test_only_tables_and_wide_charts_scroll_sideways(tab: Tab) -> None:
    tab.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    wide, shown = tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= shown


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_the_edge_of_a_cut_table_is_shaded_and_names_stay_on_top(tab: Tab) -> None:
    shade = "getComputedStyle(document.querySelector('.table'))"
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        assert tab.evaluate(f"{shade}.backgroundAttachment") == "local, scroll"
        assert tab.evaluate(f"{shade}.backgroundImage").count("linear-gradient") == 2
    tab.emulate_media(media="print")
    assert tab.evaluate(f"{shade}.backgroundImage") == "none"
    tab.emulate_media(media="screen")
    on_top = tab.evaluate(
        """(() => {
          const table = document.querySelector(".table");
          table.scrollIntoView();
          table.scrollLeft = 9999;
          const box = table.querySelector("tbody th").getBoundingClientRect();
          return document.elementFromPoint(box.right - 2, box.top + 8).closest("th, td").tagName;
        })()"""
    )
    assert on_top == "TH"


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_text_of_charts_stays_readable_on_phones(tab: Tab) -> None:
    letters = tab.evaluate(
        """[...document.querySelectorAll("figure .scroll > svg")].map((svg) =>
          parseFloat(getComputedStyle(svg.querySelector("text")).fontSize)
          * svg.getScreenCTM().a)"""
    )
    assert min(letters) >= 9.5


@pytest.mark.parametrize("tab", [LAPTOP, PHONE], indirect=True, ids=["laptop", "phone"])
def test_nothing_sticks_out_of_a_chart(tab: Tab) -> None:
    cut = tab.evaluate(
        """[...document.querySelectorAll("figure .scroll > svg")].flatMap((svg) => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text, use")].filter((one) => {
            const box = one.getBoundingClientRect();
            return box.left < frame.left - 1 || box.right > frame.right + 1
              || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
          }).map((one) => one.textContent);
        })"""
    )
    assert cut == []


def test_pointing_at_a_mark_tells_its_hint(tab: Tab) -> None:
    mark = tab.locator("figure:has-text('ODAQ') use.mark").first
    mark.scroll_into_view_if_needed()
    mark.hover()
    assert tip_of(tab) == "Hidden reference\nitem00_Hiddenreference.wav"
    tab.mouse.move(1, 1)
    assert tab.locator("#tip").is_hidden()


def test_pointing_beside_a_mark_means_the_nearest(tab: Tab) -> None:
    tab.locator("figure:has-text('Music')").scroll_into_view_if_needed()
    box = tab.locator("figure:has-text('Music') use.mark").first.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] / 2 - 9, box["y"] + box["height"] / 2 + 9)
    assert tip_of(tab).startswith("opus\n16, ")


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_tapping_a_cell_or_a_row_tells_its_hint(tab: Tab) -> None:
    tab.locator("td[data-hint]").first.tap()
    assert tip_of(tab) == "auricle-full on ODAQ: 240 of 240 clips"
    tab.locator(".row").first.tap()
    assert tip_of(tab).startswith("auricle-full\n0.")
    width = tab.evaluate("document.getElementById('tip').getBoundingClientRect().right")
    assert width <= 390


def test_arrow_keys_go_from_hint_to_hint(tab: Tab) -> None:
    tab.locator("[data-hints]").first.focus()
    tab.keyboard.press("ArrowRight")
    tab.wait_for_selector("td.active")
    assert tip_of(tab) == "auricle-full on ODAQ: 240 of 240 clips"
    tab.keyboard.press("ArrowRight")
    tab.wait_for_function("document.getElementById('tip').innerText.includes('BVCC')")
    tab.keyboard.press("Escape")
    assert tab.locator("#tip").is_hidden()
    tab.locator("figure:has-text('Music') .scroll > svg").focus()
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_selector("use.active")
    assert tip_of(tab).startswith("mp3\n160, ")


def test_without_script_titles_tell_the_hints(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("td").nth(1).get_attribute("title") is not None
    assert page.locator("use.mark title").count() > 400
    context.close()


def test_headers_sort_by_click_and_by_key(tab: Tab) -> None:
    header = tab.locator("table >> nth=0 >> thead th").nth(4)
    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    values = [one.split("\n")[0] for one in column(tab, 5)]
    numbers = [float(one) for one in values if one != "-"]
    assert numbers == sorted(numbers, reverse=True)
    tab.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    values = [one.split("\n")[0] for one in column(tab, 5)]
    assert values[-1] == "-"
    tab.locator("table >> nth=0 >> thead th button").first.click()
    assert column(tab, 1) == sorted(METRICS)
    assert tab.locator("[aria-sort]").count() == 1


def test_the_legend_hides_and_shows_series(tab: Tab) -> None:
    figure = tab.locator("figure:has-text('Music')")
    button = figure.locator(".legend button:has-text('aac')")
    marks = figure.locator("[data-series='1'] use.mark")
    assert marks.first.is_visible()
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert not marks.first.is_visible()
    assert figure.locator(".scroll [data-series='1'] .line").is_hidden()
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    assert marks.first.is_visible()


def test_dark_schemes_get_a_dark_page(tab: Tab) -> None:
    ask = "getComputedStyle(document.documentElement).backgroundColor"
    tab.emulate_media(color_scheme="light")
    light = tab.evaluate(ask)
    tab.emulate_media(color_scheme="dark")
    assert (light, tab.evaluate(ask)) == ("rgb(247, 247, 245)", "rgb(20, 23, 26)")
    tab.emulate_media(color_scheme="dark", media="print")
    assert tab.evaluate(ask) == "rgb(255, 255, 255)"


def test_printing_opens_what_is_folded(tab: Tab, tmp_path: Path) -> None:
    folded = tab.locator("details").first
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert folded.get_attribute("open") is not None
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folded.get_attribute("open") is None
    tab.emulate_media(media="print")
    assert folded.locator("td").first.is_visible()
    tab.pdf(path=tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_headings_are_printed_with_what_follows(tab: Tab) -> None:
    tab.emulate_media(media="print")
    for name, rule, wanted in (
        ("h1, h2, h3, caption, thead", "breakAfter", "avoid"),
        ("tr, figure", "breakInside", "avoid"),
    ):
        found = tab.evaluate(
            f"[...document.querySelectorAll('{name}')].map((one) => getComputedStyle(one).{rule})"
        )
        assert set(found) == {wanted}


def test_links_to_folded_sections_open_them(tab: Tab) -> None:
    assert not tab.locator("details td").first.is_visible()
    tab.evaluate("location.hash = document.querySelector('section.folded').id")
    tab.wait_for_selector("details[open]")
    assert tab.locator("details td").first.is_visible()


def test_controls_have_names_and_regions_are_told_apart(tab: Tab) -> None:
    assert tab.evaluate("document.documentElement.lang") == "en"
    for mark in ("header", "nav[aria-label]", "main", "footer"):
        assert tab.locator(mark).count() == 1
    unnamed = tab.evaluate(
        """[...document.querySelectorAll("button, a, [tabindex]")].filter((one) =>
          !(one.ariaLabel || one.textContent.trim())).length"""
    )
    assert unnamed == 0
    assert tab.locator("th:not([scope])").count() == 0
