"""End to end: the real app on the real model, in a real headless Chromium."""

import os
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
    for name in ("models", "index"):
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
