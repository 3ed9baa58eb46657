"""End to end: the real app on the real model, in a real headless Chromium."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.model,
    pytest.mark.skipif(CHROMIUM is None, reason="NO CHROMIUM on this machine"),
]
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def address(real_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as `make demo` starts it, on a free port, with a home that holds no conversation yet."""
    home = tmp_path_factory.mktemp("home")
    for name in ("models", "index", "situations"):
        (home / name).symlink_to(real_home / name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "ui/app.py", "--server.port", str(port)]
    log = home / "log"
    with log.open("w") as out:
        app = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TRIPTYCH_HOME": str(home)}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", app)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(20)
    assert "Traceback" not in log.read_text(), log.read_text()


def _wait_for(url: str, app: "subprocess.Popen[bytes]") -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            assert app.poll() is None, "the app ended"
            time.sleep(0.5)
    pytest.fail("the app did not come up")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=WIDTHS)
def page(browser, request):
    made = browser.new_page(viewport={"width": request.param, "height": 900})
    made.set_default_timeout(120_000)
    yield made
    made.close()


def no_sideways_scroll(page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"))


def test_a_question_is_typed_and_three_columns_finish(page, address: str) -> None:
    page.goto(address)
    box = page.get_by_placeholder("Ask Northwind Outfitters as a customer would")
    box.fill("How long do I have to return boots?")
    box.press("Enter")
    page.get_by_text("Why this answer").nth(2).wait_for()
    replies = page.locator(".tp-reply")
    assert replies.count() == 3
    assert all(text.strip() for text in replies.all_inner_texts())
    assert "45 days" in replies.nth(2).inner_text()
    assert page.get_by_test_id("stException").count() == 0
    assert no_sideways_scroll(page)
    page.get_by_text("Why this answer").nth(2).click()
    page.get_by_text("The exact prompt").nth(2).wait_for()
    link = (
        page.get_by_role("link", name="Returns › How long you have for boots and shoes").locator("visible=true").first
    )
    page.goto(address + link.get_attribute("href"))
    page.get_by_text("The passage you came from").wait_for()
    assert no_sideways_scroll(page)


def test_stop_keeps_what_was_written_and_a_reload_brings_it_back(browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(address)
    page.get_by_role("button", name="Can you write me a poem about the sea?").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Why this answer").nth(0).wait_for()
    page.wait_for_url("**c=*")
    page.reload()
    page.get_by_text("Why this answer").nth(0).wait_for()
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    assert page.locator(".tp-ask").inner_text() == "Can you write me a poem about the sea?"
    page.close()


def test_a_search_shows_three_orders_and_a_click_opens_the_article_at_its_heading(page, address: str) -> None:
    page.set_default_timeout(240_000)
    page.goto(f"{address}/search")
    box = page.get_by_label("Question", exact=True)
    box.fill("How long do I have to return boots?")
    box.press("Enter")
    page.get_by_text("A reply would be given this line:").wait_for()
    heads = [page.get_by_role("heading", name=name) for name in ("By meaning", "By words", "Together")]
    first, second, third = (head.bounding_box() for head in heads)
    if page.viewport_size["width"] == 390:
        assert first["y"] < second["y"] < third["y"], "one below the other on a phone"
    else:
        assert first["y"] == second["y"] == third["y"], "side by side on a desk"
    assert no_sideways_scroll(page)
    page.get_by_role("link", name="Returns › How long you have for boots and shoes").first.click()
    page.get_by_text("The passage you came from").wait_for()
    assert page.get_by_test_id("stException").count() == 0


def next_pair(page, question: str) -> None:
    """Ask until a pair comes that can be judged: which modes meet is drawn, and a reply may be cut or come out twice."""
    for _ in range(8):
        box = page.get_by_placeholder("Ask Northwind Outfitters as a customer would")
        box.fill(question)
        box.press("Enter")
        page.get_by_text("Writing both replies").wait_for()
        page.get_by_role("button", name="Left is better").or_(page.get_by_text("is kept as void")).first.wait_for()
        if page.get_by_text("is kept as void").count() == 0:
            return
    pytest.fail("eight pairs in a row were void")


def test_nothing_that_reaches_the_browser_says_who_wrote_what_before_the_vote(
    browser, address: str, real_home: Path
) -> None:
    from chatbot.brand import find_brand
    from chatbot.guide import read_guide
    from chatbot.lineage import versions
    from chatbot.mode import THREE

    brand = find_brand("northwind", real_home)
    card = versions("northwind", real_home)[0].card  # the shipped one: the app's home has no other
    arms = [word for mode in THREE for word in (mode.key, mode.label, mode.lever)]
    arms += ["tuned", "prompted", "adapter", "prompt layer", "lora"]
    arms += [card.weights, card.base.weights, read_guide(brand.prompts).version]
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(240_000)
    frames: list[bytes | str] = []

    def listen(socket) -> None:
        for way in ("framereceived", "framesent"):
            socket.on(way, lambda frame: frames.append(frame))

    page.on("websocket", listen)

    def heard() -> str:
        """Every message of the websocket so far."""
        return "\n".join(one if isinstance(one, str) else one.decode("utf-8", "replace") for one in frames).lower()

    def told() -> str:
        """The whole document, its address, what the browser keeps, and what was heard."""
        kept = page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
        return "\n".join([page.content(), page.url, kept]).lower() + heard()

    page.goto(f"{address}/vote")
    next_pair(page, "How long do I have to return boots?")
    left, right = page.locator(".tp-reply").all_inner_texts()
    words = re.findall(r"[A-Za-z]+ [A-Za-z]+ [A-Za-z]+", left)[0]  # apostrophes and figures are marked up
    assert words.lower() in heard(), "the messages can be read: a name in them would be found"
    before = told()
    assert [word for word in arms if word.lower() in before] == []
    page.get_by_text("Say more, if you like").click()
    comment = page.get_by_label("Comment")
    comment.click()
    comment.type("1 2 3 4")
    comment.press("Tab")
    page.wait_for_timeout(500)
    assert page.get_by_role("button", name="Left is better").count() == 1, "a figure in a comment is no vote"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("2")
    page.get_by_text("Thank you. Your vote is stored").wait_for()
    heads = page.locator(".tp-mode b").all_inner_texts()
    assert len(set(heads) & {mode.label for mode in THREE}) == 2
    assert page.locator(".tp-reply").all_inner_texts() == [left, right]
    assert heads[1] + ", on the right" in page.get_by_text("Thank you.").inner_text()
    assert heads[0].lower() in heard()
    page.reload()
    page.get_by_role("button", name="Delete my votes").click()
    page.get_by_text("1 vote and 0 thumbs").wait_for()
    page.goto(f"{address}/results")
    for name, said in (("Report (HTML)", "boots?"), ("1 preference pair", '"chosen"')):
        with page.expect_download() as given:
            page.get_by_role("button", name=name).click()
        assert said in Path(given.value.path()).read_text(encoding="utf-8")
    page.context.close()


def test_the_vote_page_fits_a_phone(browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(240_000)
    page.goto(f"{address}/vote")
    next_pair(page, "Can I return boots that pinch?")
    assert no_sideways_scroll(page)
    assert page.locator(".tp-side span").all_inner_texts() == ["above", "below"]
    assert page.locator(".tp-side span").first.is_visible()
    first, second = (page.locator(".tp-reply").nth(n).bounding_box() for n in (0, 1))
    assert first["y"] + first["height"] <= second["y"], "what is called above is above"
    page.get_by_text("Say more, if you like").click()
    page.get_by_text("Which rule broke?").first.wait_for()
    cut = "els => els.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
    assert page.locator("[data-testid=stButtonGroup] button p").evaluate_all(cut) == []
    assert no_sideways_scroll(page)
    page.close()
