"""Renew report.png and page.png: python docs/take_pictures.py [RUN]

Needs a finished run whose faces are rendered, its model, and Chromium. No picture of a real person is shown.
"""

import sys
import threading
import zipfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from utils.inference.classifier import Classifier, find_model
from utils.paths import SAMPLE, Run
from webapp import create_app

DOCS = Path(__file__).parent
FACE = "test/happy/0009.webp"


def main(run: Run) -> None:
    server = make_server("127.0.0.1", 0, create_app(Classifier.load(find_model())), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 1240})
        page.goto((run.reports / "index.html").as_uri())
        page.screenshot(path=DOCS / "report.png")
        page.goto(f"http://127.0.0.1:{server.port}")
        face = {"name": "face.webp", "mimeType": "image/webp", "buffer": zipfile.ZipFile(SAMPLE).read(FACE)}
        page.set_input_files("input[type=file]", face)
        page.get_by_role("button", name="Submit").click()
        page.locator(".panel").wait_for()
        page.screenshot(path=DOCS / "page.png")
    server.shutdown()


if __name__ == "__main__":
    main(Run(sys.argv[1] if len(sys.argv) > 1 else "sample"))
