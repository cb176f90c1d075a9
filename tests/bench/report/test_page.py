"""The page in a browser, opened from disk: it asks for nothing else, shows the right frame, obeys mouse and keys."""

import io
import json
import time
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from bench.report.__main__ import main
from bench.report.page import environment
from media.image import write_png
from media.tables import SCORES, write_table

from . import conftest as world
from .conftest import FRAMES, RED, grey_of

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install '.[test]'")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

PHONE, DESK = 390, 1200
KINDS = ("clips", "images")


class Page:
    """The report in a browser of some width, in light or dark."""

    def __init__(self, browser, folder, width=DESK, dark=False):
        self.browser, self.url = browser, (folder / "index.html").as_uri()
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        for log in ("browser", "performance"):
            browser.get_log(log)
        browser.get("about:blank")
        browser.get(self.url)

    def all(self, css):
        return self.browser.find_elements("css selector", css)

    def one(self, css):
        return self.browser.find_element("css selector", css)

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def wait(self, script, what):
        """Until a JavaScript expression holds; fails, naming what was waited for."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.run(f"return {script}"):
                return
            time.sleep(0.02)
        pytest.fail(
            f"waited 20 s for {what}; player: {self.run('return document.querySelector(`.player`)?.innerText')}"
        )

    def open(self, clip="ramp"):
        """Open a clip's player and wait for its first frame."""
        self.run(f"document.querySelector('[data-item={clip}]').open = true")
        self.wait("document.querySelector('.player')?.dataset.frame === '0'", "the first frame")

    def at_frame(self, frame):
        self.wait(f"document.querySelector('.player').dataset.frame === '{frame}'", f"frame {frame}")

    def pixels(self, css) -> np.ndarray:
        """What is seen of an element, (H, W, 3)."""
        element = self.one(css)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        return np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB")).astype(int)

    def grey(self, place=2) -> float:
        """The mean of what is seen in a tile; the third is the ground truth."""
        return self.pixels(f".tiles figure:nth-child({place + 1}) canvas")[10:-10, 10:-10].mean()

    def press(self, *keys):
        actions = ActionChains(self.browser)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def left_of(self, css):
        return self.one(css).rect["x"]


@pytest.fixture
def page(browser, results):
    return Page(browser, results / "report")


def test_it_asks_for_its_own_files_only_and_reports_no_error(page):
    page.open()
    page.run("scrollTo(0, document.body.scrollHeight)")
    time.sleep(0.5)
    events = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    urls = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    own = page.url.rsplit("/", 1)[0]
    assert {f"{own}/data.js", f"{own}/plotly.min.js", f"{own}/clips/ramp.mp4"} <= urls
    assert [url for url in urls if not url.startswith((f"{own}/", "data:", "about:", "blob:"))] == []
    assert page.browser.get_log("browser") == []


def test_videos_are_loaded_only_when_a_clip_is_opened(page):
    assert page.run("return performance.getEntriesByType('resource').filter(e => /mp4/.test(e.name)).length") == 0
    assert page.all(".player") == []


def test_each_step_shows_the_next_frame_and_no_other(page):
    page.open()
    seen = [page.grey()]
    for frame in range(1, FRAMES):
        page.one("[name=forward]").click()
        page.at_frame(frame)
        seen.append(page.grey())
    assert seen == pytest.approx([grey_of(frame) for frame in range(FRAMES)], abs=6)
    for frame in reversed(range(FRAMES - 1)):
        page.one("[name=back]").click()
        page.at_frame(frame)
        assert page.grey() == pytest.approx(grey_of(frame), abs=6)


def test_all_tiles_show_the_same_frame(page):
    page.open()
    page.one(".player").send_keys(Keys.END)
    page.at_frame(FRAMES - 1)
    assert page.grey(0) == pytest.approx(grey_of(FRAMES - 1), abs=6)
    assert page.grey(2) == pytest.approx(grey_of(FRAMES - 1), abs=6)
    assert page.grey(3) == pytest.approx(np.mean(RED), abs=6)


def test_many_quick_steps_end_where_they_should(page):
    page.open()
    page.run("for (let i = 0; i < 5; i++) document.querySelector('[name=forward]').click()")
    page.at_frame(5)
    assert page.grey() == pytest.approx(grey_of(5), abs=6)


def test_it_plays_and_stops_at_the_frame_that_is_shown(page):
    page.open()
    page.one("[name=play]").click()
    page.wait("Number(document.querySelector('.player').dataset.frame) >= 2", "frame 2 while playing")
    page.one("[name=play]").click()
    time.sleep(0.5)
    frame = int(page.one(".player").get_attribute("data-frame"))
    assert page.one("[name=play]").get_attribute("aria-label") == "Play"
    assert page.grey() == pytest.approx(grey_of(frame), abs=6)


def test_the_slider_goes_to_its_frame_by_keyboard(page):
    page.open()
    page.one("[name=frame]").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.at_frame(3)
    assert page.grey() == pytest.approx(grey_of(3), abs=6)
    assert page.one("output[name=number]").text == f"frame 3 of {FRAMES - 1}"


def test_the_player_obeys_the_keyboard(page):
    page.open()
    page.run("document.querySelector('.player').focus()")
    for key, frame in [(Keys.ARROW_RIGHT, 1), (Keys.END, 6), (Keys.ARROW_LEFT, 5), (Keys.HOME, 0)]:
        page.press(key)
        page.at_frame(frame)
    page.press(Keys.SPACE)
    page.wait("Number(document.querySelector('.player').dataset.frame) >= 1", "playing after space")
    page.press(Keys.SPACE)
    assert page.one("[name=play]").get_attribute("aria-label") == "Play"


def test_the_divider_parts_two_tiles_by_mouse_and_by_keyboard(page):
    page.open()
    assert [Select(page.one(f"[name={side}]")).first_selected_option.text for side in ("left", "right")] == [
        "ground truth", "red",
    ]  # fmt: skip
    before = page.pixels(".wipe canvas")
    width = before.shape[1]
    middle = before.shape[0] // 4  # above the handle

    def color(picture, part):
        return picture[middle, int(part * width)]

    assert color(before, 0.3) == pytest.approx([grey_of(0)] * 3, abs=8)
    assert color(before, 0.7) == pytest.approx(RED, abs=12)
    handle = page.one(".divider")
    ActionChains(page.browser).drag_and_drop_by_offset(handle, width // 4, 0).perform()
    after = page.pixels(".wipe canvas")
    assert color(after, 0.7) == pytest.approx([grey_of(0)] * 3, abs=8)
    assert color(after, 0.85) == pytest.approx(RED, abs=12)
    np.testing.assert_array_equal(after[:, : int(0.45 * width)], before[:, : int(0.45 * width)])
    np.testing.assert_array_equal(after[:, int(0.85 * width) :], before[:, int(0.85 * width) :])
    handle.send_keys(Keys.HOME)
    assert handle.get_attribute("aria-valuenow") == "0"
    assert color(page.pixels(".wipe canvas"), 0.1) == pytest.approx(RED, abs=12)
    handle.send_keys(Keys.ARROW_RIGHT)
    assert handle.get_attribute("aria-valuenow") == "5"


def test_the_sides_of_the_wipe_can_be_chosen(page):
    page.open()
    Select(page.one("[name=left]")).select_by_visible_text("red")
    left = page.pixels(".wipe canvas")
    assert left[10, 10] == pytest.approx(RED, abs=12)
    assert [option.text for option in Select(page.one("[name=right]")).options] == [
        "input (grey)", "reference", "ground truth", "red",
    ]  # fmt: skip


def test_a_failed_item_says_why_instead_of_a_tile(page):
    page.open()
    assert page.one(".player .missing").text == "method_raised: out of <paint>"
    assert page.one("#list-images .missing").text == "method_raised: out of <paint>"


def test_clips_are_ordered_by_method_and_by_which_end_comes_first(page):
    def names():
        return [clip.get_attribute("data-item") for clip in page.all(".clip")]

    assert names() == ["dusk", "ramp", "noon"]  # of `red`: the worst, the best, the rest
    assert [badge.text for badge in page.all(".clip .badge")] == ["worst", "best"]
    form = "form[data-kind=clips]"
    Select(page.one(f"{form} [name=order]")).select_by_visible_text("best first")
    assert names() == ["ramp", "noon", "dusk"]
    Select(page.one(f"{form} [name=method]")).select_by_visible_text("grey")
    assert names() == ["dusk", "noon", "ramp"]
    assert page.one(".clip .value").text == "grey, PSNR: 12 dB best"


def test_a_table_sorts_by_value_and_the_papers_rows_move_along(page):
    def names():
        return [row.text for row in page.all("#tables ~ article table.sortable tbody th")]

    assert names() == ["red", "paper: Red", "grey"]
    page.one("#tables ~ article thead th:nth-child(2) button").click()
    assert names() == ["grey", "red", "paper: Red"]
    page.one("#tables ~ article thead th:nth-child(2) button").click()
    assert names() == ["red", "paper: Red", "grey"]
    page.one("#tables ~ article thead th:nth-child(3) button").click()
    assert names() == ["grey", "red", "paper: Red"]  # no value: at the end


def test_a_row_leads_to_the_record_of_its_scores(page, results):
    link = next(link for link in page.all("#tables ~ article tbody th a") if link.text == "red")
    link.click()
    page.wait("document.getElementById('made-score-red').open", "the record to open")
    version = json.loads((results / "score/red.provenance.json").read_text())["version"]
    assert f"bench.scoring.score, version {version}" in page.one("#made-score-red").text
    assert page.all("#tables ~ article .made a[href='#made-table1']")


def test_charts_are_drawn_and_their_values_stand_below(page):
    page.wait("document.querySelectorAll('.chart .main-svg').length >= 2", "two charts")
    assert page.run("return document.querySelectorAll('#chart-figure7 .scatterlayer .trace').length") == 2
    assert len(page.all("#figure7 ~ details table tbody")) == FRAMES - 1


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_sticks_out_of_the_page(browser, results, width):
    page = Page(browser, results / "report", width)
    page.open()
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.wait("document.querySelectorAll('.chart .main-svg').length >= 2", "two charts")
    assert page.run("return innerWidth") == width  # a phone widens the page where something does
    assert page.run("return document.documentElement.scrollWidth") <= width


CONTRAST = """
const light = (colour) => {
  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (one) => {
  for (; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (!/rgba\\(.*, 0\\)|transparent/.test(colour)) return colour;
  }
};
const hasText = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const words = [...document.querySelectorAll('body *')].filter((one) => hasText(one) && one.checkVisibility()
  && !one.closest('.chart, .wipe, option'));
return words.map((one) => {
  const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
  return [(a + 0.05) / (b + 0.05), one.outerHTML.slice(0, 80)];
});
"""


@pytest.mark.parametrize("dark", [False, True])
def test_all_words_stand_out_from_what_is_behind_them(browser, results, dark):
    page = Page(browser, results / "report", dark=dark)
    page.open()
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = page.run(CONTRAST)
    assert len(found) > 100
    assert [faint for faint in found if faint[0] < 4.5] == []


def test_dark_follows_the_system_and_the_button_changes_it_for_charts_too(browser, results):
    page = Page(browser, results / "report", dark=True)
    page.wait("document.querySelectorAll('.chart .main-svg').length >= 2", "two charts")

    def brightness():
        return page.pixels("#figure7").mean(), page.run(
            "return document.getElementById('chart-figure7').layout.font.color"
        )

    dark, ink = brightness()
    page.one("#theme").click()
    light, other_ink = brightness()
    page.one("#theme").click()  # what is chosen is kept: leave it as it was
    page.run("localStorage.clear()")
    assert dark < 80 and light > 180 and ink != other_ink


def test_the_first_tab_leads_past_the_sections_and_focus_is_seen(page):
    page.press(Keys.TAB)
    focused = page.browser.switch_to.active_element
    assert focused.text == "To the content" and focused.rect["x"] >= 0
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_everything_that_is_operated_has_a_name(page):
    page.open()
    nameless = page.run(
        "return [...document.querySelectorAll('button, select, input, [role=slider], img')].filter(one =>"
        " !(one.textContent.trim() || one.ariaLabel || one.labels?.length || one.hasAttribute('alt')))"
        ".map(one => one.outerHTML)"
    )
    assert nameless == []


HOSTILE = (
    "a#b?c", "%41", "100%", "<script>alert(1)</script>".replace("/", ""), "javascript:alert(1)", "\"'onerror='alert(1)",
    "a & b;&lt;", "it's `code` [x](y) $z$", "constructor", "フィルム 狼", "dot.", "-x", "\\back",
)  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The report of a run whose clips and photographs have names that mean something in a page."""
    results = tmp_path_factory.mktemp("hostile #1 100%")
    items = {kind: {name: [world.plain(90)] * (2 if kind == "clips" else 1) for name in HOSTILE} for kind in KINDS}
    for kind, own in items.items():
        world.write_items(results, kind, own)
    world.write_rows(results, items)
    infinite = [
        {"row": "red", "metric": "psnr", "kind": kind, "item": HOSTILE[0], "frame": 0, "value": np.inf}
        for kind in KINDS
    ]
    write_table(infinite, results / "score/red.parquet", SCORES)
    world.write_tables(results)
    for name in HOSTILE:
        write_png(results / f"figure4/01_{name}.png", np.zeros((30, 150, 3), np.uint8))
    world.write_records(results)
    main(**world.arguments(results))
    return results


def test_names_of_files_are_shown_as_they_are_and_lead_to_their_files(browser, hostile):
    page = Page(browser, hostile / "report")
    assert sorted(clip.get_attribute("data-item") for clip in page.all(".clip")) == sorted(HOSTILE)
    assert sorted(name.text for name in page.all(".clip .name")) == sorted(HOSTILE)
    page.run("document.querySelectorAll('img').forEach(one => { one.loading = 'eager' })")
    page.run("document.getElementById('more-images').click()")
    page.run("document.querySelectorAll('img').forEach(one => { one.loading = 'eager' })")
    page.wait("[...document.images].every(one => one.complete)", "all pictures")
    assert page.run("return [...document.images].filter(one => !one.naturalWidth).map(one => one.src)") == []
    own = f"{page.url.rsplit('/', 1)[0]}/"
    links = {
        unquote(link.rpartition("figures/")[2])
        for link in page.run("return [...document.querySelectorAll('.gallery a[href*=png]')].map(one => one.href)")
        if link.startswith(own)
    }
    assert links == {"figure4/01_ramp.png", *(f"figure4/01_{name}.png" for name in HOSTILE)}
    for name in HOSTILE:
        page.run(
            "document.querySelectorAll('.clip').forEach(one => { one.open = one.dataset.item === arguments[0] })", name
        )
        page.wait("document.querySelector('.clip[open] .player')?.dataset.frame === '0'", f"the first frame of {name}")
    assert page.browser.get_log("browser") == []
    assert "Infinity dB" in page.one(".clip .value").text


def test_text_is_escaped():
    template = environment().from_string("{{ reason }}")
    assert template.render(reason="<script>") == "&lt;script&gt;"
