"""The status page and the reports in a real headless Chromium: as pictures, by axe-core, and by the keyboard.

Pictures are kept in the folder that RATCHET_SCREENSHOTS names, else in pytest's temporary one.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from ratchet.core.schema import DType, Feature
from ratchet.reports.evidently_report import drift_report
from ratchet.reports.port import Reports
from tests.support.club import Club
from tests.support.rollout_harness import free_port, until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TOKEN = "a token for the browser's test"  # noqa: S105 - no secret
SIZES = {"phone": (390, 844), "wide": (1440, 900)}
PAGES = {
    "now": "/",
    "history": "/history",
    "drift": "/drift",
    "performance": "/performance",
    "snapshots": "/snapshots",
    "sign-in": "/sign-in",
}
THEMES = ("light", "dark")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing: apt-get install chromium"),
    pytest.mark.timeout(900),  # three runs of the pipeline stand behind the pages
]


@dataclass
class Story:
    """A club with three months behind it, its server and its status page."""

    club: Club
    pictures: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def reports(self) -> Reports:
        return self.club.wiring.reports

    def report_names(self) -> list[str]:
        return sorted(path.name for path in (self.club.folder / "reports").glob("*.html"))

    @contextmanager
    def page(self) -> Iterator[None]:
        """`ratchet ui` for the length of the block."""
        process = self.club.start("ui", RATCHET_UI_PORT=str(self.port), RATCHET_UI_TOKEN=TOKEN)
        try:
            until(self._answers, bool)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
        assert TOKEN not in out + err

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/livez", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A first champion, a quiet month, a drifted one that replaced it; answers with labels."""
    root = tmp_path_factory.mktemp("club")
    pictures = Path(os.environ.get("RATCHET_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    pictures.mkdir(parents=True, exist_ok=True)
    made = Story(Club(root), pictures)
    club = made.club
    for month, options in {"month_000": (), "month_001": (), "month_002": ("--drift", "0.8", "--concept", "1")}.items():
        assert club.ratchet("data", "generate", str(club.raw), "--snapshot", month, "--users", "3000", *options).code == 0
    with club.serving():
        club.wait_for_server()
        for month in ("month_000", "month_001", "month_002"):
            ran = club.process("run", "--data", str(club.raw), "--snapshot", month)
            assert ran.code == 0, ran.err
            for number in range(40):
                body = {"member": f"U{number:07d}"}
                httpx.post(f"http://127.0.0.1:{club.port}/predict", json=body, timeout=30, trust_env=False)
        assert club.ratchet("labels", "--snapshot", "month_002").code == 0
        assert made.club.wiring.registry.alias("production").number == 2  # type: ignore[union-attr]  # the story's point
        with made.page():
            yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root otherwise
        started = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@contextmanager
def window(browser: Browser, size: str, theme: str, *, examined: bool = True) -> Iterator[Page]:
    """A page of that size; `examined` lets axe in, past the policy that keeps scripts out. Fails on a request to elsewhere."""
    width, height = SIZES[size]
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        bypass_csp=examined,
        is_mobile=size == "phone",
    )
    context.set_default_timeout(60_000)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    try:
        yield context.new_page()
        assert all(re.match(r"http://127\.0\.0\.1:|data:|blob:|file:", url) for url in asked), asked
    finally:
        context.close()


def went(answer: Response | None) -> None:
    assert answer is not None
    assert answer.ok


def enter(page: Page, story: Story) -> None:
    """Sign in by the keyboard alone."""
    went(page.goto(f"{story.url}/sign-in"))
    page.focus("#name")
    page.keyboard.type("Ann")
    page.keyboard.press("Tab")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{story.url}/")


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}" for item in found for node in item["nodes"]
    ]


def overflow(page: Page) -> int:
    """Pixels that can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_readable_by_everybody_on_every_screen(story: Story, browser: Browser, size: str, theme: str) -> None:
    with window(browser, size, theme) as page:
        for name, address in PAGES.items():
            went(page.goto(story.url + address))
            page.screenshot(path=story.pictures / f"{name}_{size}_{theme}.png", full_page=True)
            assert overflow(page) == 0, name
            assert violations(page) == [], name
        enter(page, story)
        page.screenshot(path=story.pictures / f"now-signed-in_{size}_{theme}.png", full_page=True)
        assert (overflow(page), violations(page)) == (0, [])


def test_the_pages_need_no_script_and_are_drawn_by_what_the_policy_allows(story: Story, browser: Browser) -> None:
    with window(browser, "wide", "light", examined=False) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        for address in PAGES.values():
            went(page.goto(story.url + address))
        assert complaints == []
        assert page.locator("script").count() == 0


@pytest.mark.parametrize("size", SIZES)
def test_decision_reports_are_readable_by_everybody_on_every_screen(story: Story, browser: Browser, size: str) -> None:
    names = [name for name in story.report_names() if name.startswith("decision_")]
    assert len(names) == 2
    for theme in THEMES:
        with window(browser, size, theme) as page:
            for name in names:
                # from the file: in the sandbox that the status page serves it in, axe cannot run either
                page.goto((story.club.folder / "reports" / name).as_uri())
                page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
                page.screenshot(path=story.pictures / f"{name}_{size}_{theme}.png", full_page=True)
                assert overflow(page) == 0, name
                assert violations(page) == [], name


@pytest.mark.parametrize("size", SIZES)
def test_drift_reports_are_drawn_in_their_sandbox_and_begin_with_our_verdict(story: Story, browser: Browser, size: str) -> None:
    names = [name for name in story.report_names() if name.startswith("drift_")]
    assert len(names) == 2
    with window(browser, size, "light", examined=False) as page:
        for name, headline in zip(names, ("No drift that matters", r"\d of 5 features have drifted"), strict=True):
            went(page.goto(f"{story.url}/reports/{name}"))
            page.get_by_text("Data Drift Summary").first.wait_for()  # Evidently's script has run
            page.screenshot(path=story.pictures / f"{name}_{size}.png", full_page=True)
            assert re.search(headline, page.locator("h1").first.inner_text())
            assert page.evaluate("window.origin") == "null"  # nothing of the status page is within its reach
            drifted = headline.startswith("\\d")
            evidently = "Dataset Drift is detected" if drifted else "Dataset Drift is NOT detected"
            assert page.get_by_text(evidently).count() == 1
            assert overflow(page) <= 1, name  # the scaled page is rounded


def test_a_decision_report_runs_no_script_on_the_status_page(story: Story, browser: Browser) -> None:
    (name, *_) = [name for name in story.report_names() if name.startswith("decision_")]
    html = story.reports.load(name)
    assert html is not None
    hostile = "decision_v99_on_2024-01-31.html"
    marked = html.replace("<body>", "<body><script>document.title = 'taken over'</script>").replace(
        "<meta http-equiv", "<meta name='dropped' data-was"
    )
    story.reports.save(hostile, marked)
    try:
        with window(browser, "wide", "light", examined=False) as page:
            went(page.goto(f"{story.url}/reports/{hostile}"))
            assert page.title().startswith("PASS")
    finally:
        (story.club.folder / "reports" / hostile).unlink()


def test_a_category_cannot_run_as_script_in_the_drift_reports_file(browser: Browser, tmp_path: Path) -> None:
    hostile = "</script><script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\">"
    plan = np.array(["basic", hostile], dtype=object)
    before, after = ({"plan": np.random.default_rng(seed).choice(plan, 300)} for seed in (1, 2))
    html, _ = drift_report((Feature("plan", DType.CATEGORY),), before, after, "drift_a_vs_b")
    for name, text in (("whole", html), ("unescaped", html.replace("\\u003c", "<"))):  # and where an escape was missed
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        with window(browser, "wide", "light", examined=False) as page:
            page.goto((tmp_path / f"{name}.html").as_uri())
            if name == "whole":
                page.get_by_text("Data Drift Summary").first.wait_for()
            assert page.title() == "drift_a_vs_b"


def test_the_keyboard_alone_reaches_the_rollback_and_carries_it_out(story: Story, browser: Browser) -> None:
    with window(browser, "wide", "light", examined=False) as page:
        enter(page, story)
        assert page.locator("h1").inner_text() == "Version 2 serves"
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "reason":
                break
        page.keyboard.type("the third month was a test")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Roll back"
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.get_by_text("under way").or_(page.get_by_text("done.")).first.wait_for()
        page.screenshot(path=story.pictures / "now-under-way_wide_light.png", full_page=True)
        page.get_by_text("done.").wait_for(timeout=180_000)
        assert page.locator("h1").inner_text() == "Version 1 serves"
    last = story.club.wiring.ledger.records("promotion")[-1]
    assert (last.actor, last.body["to"], last.body["state"]) == ("Ann (ui, self-declared)", 1, "done")
    assert last.body["reasons"][-1] == "the third month was a test"
