"""The page in a browser: every view, both themes, a phone, the keyboard, a prefix. Any message on the console fails a test.

Needs the package playwright and Debian's chromium (or CHROMIUM naming another); axe-core's axe.min.js where AXE names it.
"""

import os
import re
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pagesight import SearchEngine
from tests.helpers import make_pdf
from tests.server.conftest import make_index, wait_for
from tests.server.test_process import started

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
AXE = Path(os.environ.get("AXE", "build/axe/package/axe.min.js"))
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SEARCH = "?q=bicycles+in+the+cellar"
RULES = "doc=office%2Frules+%26+notes+%231.pdf&p=2"
VIEWS = {
    "start": "",
    "hits": SEARCH,
    "nothing found": f"{SEARCH}&filter=page+%3E+99",
    "a page": f"{SEARCH}&{RULES}",
    "the heat of a word": f"{SEARCH}&{RULES}&w=0",
    "like a page": "?like=finance%2Freport.pdf%3A2",
    "documents": "?view=documents",
    "documents, filtered": "?view=documents&folder=office&kind=pdf",
    "failures": "?view=failures",
    "activity": "?view=activity",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    index = make_index(folder)
    (folder / "docs/broken.pdf").write_bytes(b"%PDF-1.7 broken")
    with SearchEngine.open(index) as engine:
        engine.index([folder / "docs"])
    return folder


@pytest.fixture(scope="module")
def address(place):
    with started(
        "--index",
        f"docs={place / 'index'}",
        "--allow-write",
        "--state",
        place / "state",
        "--prefix",
        "/find",
        "--quiet",
    ) as (
        _,
        found,
    ):
        yield found.removesuffix("/find")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def visit(browser, address):
    """Opens an address in a fresh window; what the console said by the end of the test fails it."""
    contexts, said, elsewhere = [], [], []

    def open_(path="", *, size=(1280, 800), theme="light", expected=(), base="/"):
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: any(e in message.text for e in expected) or said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request",
            lambda request: request.url.startswith((address, "data:", "blob:")) or elsewhere.append(request.url),
        )
        page.goto(f"{address}{base}{path}")
        until(page, "!document.body.hasAttribute('aria-busy') && document.querySelector('main').children.length")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    assert elsewhere == []


def shown(page):
    """The state that the address holds."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def until(page, expression):
    """Wait for what an expression says; the page's policy forbids the browser's own way of waiting, which evaluates texts."""
    wait_for(lambda: page.evaluate(expression), 90)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (768, 1024), (1440, 900)], ids=["phone", "tablet", "desk"])
def test_every_view_in_every_size(visit, size, theme):
    for name, path in VIEWS.items():
        page = visit(path, size=size, theme=theme)
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name}: {overflow} pixels wider than the window"
        page.context.close()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there; make axe fetches it")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(visit, theme):
    """axe-core (WCAG 2.1 A and AA) finds nothing serious."""
    for name, path in VIEWS.items():
        page = visit(path, theme=theme)
        page.wait_for_timeout(400)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        bad = [
            (violation["id"], [node["target"] for node in violation["nodes"]][:3])
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert bad == [], name
        page.context.close()


def test_a_question_its_hits_a_page_and_back(visit):
    page = visit()
    page.fill("#q", "bicycles in the cellar")
    page.press("#q", "Enter")
    page.wait_for_selector(".hit")
    assert shown(page) == {"q": "bicycles in the cellar"}
    first = page.locator(".hit").first
    assert "page 2 of 3" in first.inner_text()
    assert first.locator("mark").count() >= 2
    assert first.locator(".thumb rect.region").count() >= 1
    first.locator("a.title").click()
    page.wait_for_selector("dialog.viewer .word")
    assert shown(page)["p"] == "2"
    words = page.locator("dialog.viewer .word")
    assert words.all_inner_texts()[0] == "bicycles"
    words.first.click()
    assert words.first.get_attribute("aria-pressed") == "true"
    assert page.locator("dialog.viewer .stage rect.warm").count() >= 1
    page.reload()  # the address holds it all
    page.wait_for_selector("dialog.viewer .stage rect.warm")
    page.get_by_label("Next page").click()
    until(page, "document.querySelector('.turn .number')?.textContent === '3 / 3'")
    assert shown(page)["p"] == "3"
    assert page.get_by_label("Next page").is_disabled()
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('dialog.viewer').open")
    assert shown(page) == {"q": "bicycles in the cellar"}
    page.go_back()
    page.wait_for_selector("dialog.viewer[open]")


def test_the_keyboard_alone(visit):
    page = visit(SEARCH)
    page.wait_for_selector(".hit")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.closest('li') === document.querySelector('.hits > li')")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.viewer .word")
    page.keyboard.press("m")
    assert page.locator("dialog.viewer .stage rect").count() == 0
    page.keyboard.press("m")
    page.keyboard.press("ArrowLeft")
    until(page, "document.querySelector('.turn .number')?.textContent === '1 / 3'")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[aria-label=Keyboard]")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"


def test_filters_are_in_the_address(visit):
    page = visit("?view=documents")
    page.locator(".facet", has_text="finance").click()
    until(page, "document.querySelectorAll('.gallery .sheet').length === 2")
    assert shown(page) == {"view": "documents", "folder": "finance"}
    page.locator("#filter").fill('document ~ "*invoice*"')
    page.locator("#filter").press("Enter")
    until(page, "document.querySelectorAll('.gallery .sheet').length === 1")
    page.locator(".clear").click()
    until(page, "document.querySelectorAll('.gallery .sheet').length === 4")


def test_what_cannot_be_answered_is_said(visit):
    page = visit(f"{SEARCH}&filter=colour+%3D+red", expected=["400"])
    page.wait_for_selector("search-results .empty")
    assert "there is no such field" in page.inner_text("search-results")
    page = visit(f"{SEARCH}&doc=nothing.pdf&p=1", expected=["404"])
    page.wait_for_selector("dialog.viewer .empty")
    assert "no page nothing.pdf:1" in page.inner_text("dialog.viewer")
    page = visit("?view=failures")
    assert "broken.pdf" in page.inner_text("main")


def test_files_are_uploaded_and_found(visit, tmp_path):
    page = visit()
    file = make_pdf(tmp_path / "a new letter.pdf", ["a letter about zeppelins"])
    page.locator("upload-panel input").set_input_files([file, tmp_path / "a new letter.pdf"])
    until(page, "document.querySelectorAll('upload-panel li.good').length === 2")
    assert "indexed, 1 page" in page.inner_text("upload-panel")
    page.fill("#q", "zeppelins")
    page.press("#q", "Enter")
    page.wait_for_selector(".hit")
    assert "a new letter.pdf" in page.locator(".hit").first.inner_text()


def test_pictures_of_pages_are_there(visit):
    page = visit(SEARCH)
    until(page, "[...document.querySelectorAll('.hit .thumb page-picture')][0]?.classList.contains('there')")
    assert page.evaluate("document.querySelector('.hit .thumb img').naturalHeight") == 1200


def test_links_to_files_open_them(visit):
    page = visit(SEARCH)
    page.wait_for_selector(".hit")
    link = page.locator(".hit .actions a").first.get_attribute("href")
    assert link.endswith("#page=2")
    answer = page.request.get(page.evaluate("link => new URL(link, location).href", link))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")


def test_it_works_under_a_path(visit):
    page = visit(SEARCH, base="/find/")
    page.wait_for_selector(".hit")
    page.locator(".hit a.title").first.click()
    page.wait_for_selector("dialog.viewer .word")
    assert urlsplit(page.url).path == "/find/"
    until(page, "document.querySelector('.stage page-picture')?.classList.contains('there')")


def test_a_key_is_asked_for_and_remembered(place, browser):
    with started(
        "--index", f"docs={place / 'index'}", "--quiet", PAGESIGHT_READ_ONLY_API_KEY="a-key-to-read-with-only"
    ) as (
        _,
        address,
    ):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}/{SEARCH}")
        page.fill("#key", "a wrong key, though long")
        page.keyboard.press("Enter")
        until(page, "document.querySelector('.problem')?.textContent")
        assert "not one of this server" in page.inner_text(".problem")
        page.fill("#key", "a-key-to-read-with-only")
        page.keyboard.press("Enter")
        page.wait_for_selector(".hit")
        page.reload()
        page.wait_for_selector(".hit")
        until(page, "document.querySelector('.hit .thumb page-picture').classList.contains('there')")
        assert not re.search("Activity|Upload", page.inner_text("nav.menu"))
        assert [cookie["httpOnly"] for cookie in context.cookies(f"{address}/api/info")] == [True]
        context.close()


def test_a_theme_is_chosen_and_kept(visit):
    page = visit("?view=failures")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_label("Light or dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.reload()
    page.wait_for_selector("nav.menu a")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
