"""Pages as a browser shows them: Chromium without a screen, driven by Playwright."""

import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")

LARGEST_PAGE = 3_000_000
"""Bytes."""

_FAULTS = """() => {
  const faults = [], at = (node) => node.outerHTML.slice(0, 120);
  for (const image of document.querySelectorAll("img")) if (!image.alt.trim()) faults.push("no alt: " + at(image));
  for (const drawing of document.querySelectorAll("svg"))
    if (drawing.role !== "img" || !drawing.ariaLabel) faults.push("no name: " + at(drawing));
  for (const control of document.querySelectorAll("a, button, summary"))
    if (!control.textContent.trim() && !control.querySelector("img, svg")) faults.push("empty: " + at(control));
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.getAttribute("href").slice(1))) faults.push("leads nowhere: " + at(link));
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) faults.push(`h${level} is followed by ` + at(heading));
    level = next;
  }
  for (const [what, wanted] of [["h1", 1], ["main", 1]])
    if (document.querySelectorAll(what).length !== wanted) faults.push(`expected ${wanted} ${what}`);
  if (!document.documentElement.lang) faults.push("no language");
  const over = document.documentElement.scrollWidth - window.innerWidth;
  if (over > 0) faults.push(`${over} pixels wider than the window`);
  const right = document.documentElement.clientWidth;
  for (const node of document.querySelectorAll("main h1, main h2, main p, main li, main dd, main summary"))
    if (node.getBoundingClientRect().right > right + 1) faults.push("cut off: " + at(node));
  return faults;
}"""


@contextmanager
def start_chromium():
    """A browser; the test is skipped where there is none, unless STRESS_FACES_BROWSER=required."""
    try:
        from playwright.sync_api import sync_playwright

        if not CHROMIUM.exists():
            raise FileNotFoundError(f"no {CHROMIUM}")
    except (ImportError, OSError) as error:
        if os.environ.get("STRESS_FACES_BROWSER") == "required":
            raise
        pytest.skip(f"no browser here: {error}")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])


def find_faults(browser, path: Path, width: int, scheme: str = "light") -> list[str]:
    """What is wrong with a page on disk: requests, errors, missing names, order of headings, what does not fit."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    faults = []
    page.on("request", lambda request: faults.append(f"request: {request.url[:200]}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    address = path.resolve().as_uri()
    page.goto(address)
    faults = [fault for fault in faults if not re.match(rf"request: ({re.escape(address)}|data:)", fault)]
    faults += page.evaluate(_FAULTS)
    page.close()
    if path.stat().st_size > LARGEST_PAGE:
        faults.append(f"{path.stat().st_size:,} bytes, expected at most {LARGEST_PAGE:,}")
    return faults
