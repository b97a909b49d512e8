"""A real browser for tests of pages with scripts: the chromium of the machine, without a graphics card."""

import shutil
from contextlib import contextmanager

import pytest


def chromium():
    """Where the browser is, or the test is skipped, saying so."""
    pytest.importorskip("playwright", reason="playwright drives the browser and is not installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or pytest.skip("there is no chromium on this machine")


@contextmanager
def opened(path, *, width=1300, height=1150):
    """The page in a file, with `asked`: what it asked of any network, and `said`: its faults."""
    program = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        try:
            page.goto(path.as_uri())
            yield page
        finally:
            browser.close()
