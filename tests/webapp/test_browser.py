"""The page in a real browser: Debian's Chromium, driven by Playwright.

Skipped where there is no browser, unless STRESS_FACES_BROWSER=required. Screenshots go to STRESS_FACES_SCREENSHOTS.
"""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from command import make_model_root, start_page
from PIL import Image
from skimage import data as photographs
from support import draw_face, encode

CHROMIUM = Path("/usr/bin/chromium")

if not CHROMIUM.exists() and os.environ.get("STRESS_FACES_BROWSER") != "required":
    pytest.skip(f"no browser at {CHROMIUM} (Debian: apt-get install chromium)", allow_module_level=True)

sync_api = pytest.importorskip("playwright.sync_api")
WORDS = {
    "en": ("Submit", "What the network saw", "Cannot say"),
    "fr": ("Soumettre", "Ce que le réseau a vu", "Impossible"),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = make_model_root(tmp_path_factory.mktemp("browser") / "root")
    with start_page(root, PORT="0") as process:
        process.stdout.readline()
        yield re.match(r"http://127.0.0.1:\d+", process.stdout.readline()).group()
        process.terminate()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *camera])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Opens the page; the test fails where the browser complains of anything."""
    contexts, complaints = [], []

    def open_one(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def face(tmp_path_factory):
    path = tmp_path_factory.mktemp("face") / "face.png"
    path.write_bytes(encode(draw_face("sad", np.random.default_rng(0), side=90)))
    return path


def click_and_wait(page, button):
    """Click what sends a form, and wait for what the page then shows."""
    before = page.evaluate("history.state.place")
    page.click(button)
    page.wait_for_function("before => history.state.place > before", arg=before)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("language", WORDS)
def test_upload_and_submit(open_page, face, language, script):
    submit, seen, _ = WORDS[language]
    page = open_page(locale=language, java_script_enabled=script)
    assert page.get_by_role("button", name=re.compile("camera|caméra")).count() == int(script)
    page.set_input_files("#picture", face)
    page.locator("#preview").wait_for(state="visible" if script else "hidden")  # shown once it is decoded
    page.get_by_role("button", name=submit, exact=True).click()
    if not script:
        page.get_by_role("button", name=seen).click()
    page.get_by_role("heading", name=seen).wait_for()
    assert page.locator("#headline").inner_text() in ("Stress", "Non-stress", "Sans stress")
    assert page.locator(".panel img").count() >= 2
    for image in page.locator("img:visible").all():
        assert image.evaluate("image => image.naturalWidth") > 0


def test_each_face_is_opened_and_a_lying_picture_turned(open_page):
    portrait = Image.fromarray(photographs.astronaut())
    both = Image.new("RGB", (1024, 512))
    both.paste(portrait)
    both.paste(portrait, (512, 0))
    lying = both.transpose(Image.Transpose.ROTATE_90)
    page = open_page(locale="en")
    page.set_input_files("#picture", {"name": "lying.png", "mimeType": "image/png", "buffer": encode(lying)})
    page.click("#submit")
    page.get_by_role("button", name="Turn it upright").click()
    page.get_by_text("Of face 1.").wait_for()
    page.get_by_role("button", name="What the network saw").nth(1).click()
    page.get_by_text("Of face 2.").wait_for()
    page.get_by_role("button", name="Français").click()
    page.get_by_text("Du visage 2.").wait_for()


def test_every_button(open_page):
    page = open_page(locale="en")
    for name in page.locator(".samples button").evaluate_all("all => all.map(one => one.value)"):
        click_and_wait(page, f".samples button[value={name}]")
        assert (page.locator("#headline").inner_text() == "Cannot say") == (name == "wall")
    said = page.locator("#headline").inner_text()
    page.get_by_role("button", name="Français").click()
    page.get_by_role("button", name="Soumettre").wait_for()
    assert page.locator("#headline").inner_text() != said
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Submit").wait_for()
    assert page.locator("#headline").inner_text() == said  # the answer stays
    page.get_by_role("link", name="Stress or Non-stress?").click()
    page.get_by_role("link", name="Français").click()
    page.get_by_role("button", name="Soumettre").wait_for()
    assert page.locator("a[href='#main']").count() == 1


def test_back_and_forward_show_what_was_shown_and_send_nothing(open_page):
    page = open_page(locale="en")
    asked = []
    page.on("request", lambda request: asked.append(request) if request.url.endswith("/?lang=en") else None)
    headline = page.locator("#headline")
    page.click("button[value=portrait]")
    page.get_by_role("heading", name="What the network saw").wait_for()
    portrait = headline.inner_text()
    page.get_by_role("link", name="What this is, and is not").click()
    page.click("button[value=wall]")
    sync_api.expect(headline).to_have_text("Cannot say")
    assert len(asked) == 2
    page.go_back()
    sync_api.expect(headline).to_have_text(portrait)  # at what it is not
    page.go_back()
    page.get_by_role("heading", name="What the network saw").wait_for()
    page.go_back()
    sync_api.expect(page.get_by_role("heading", level=1)).to_have_text("What does a network read in a face?")
    page.go_forward()
    sync_api.expect(headline).to_have_text(portrait)
    assert len(asked) == 2
    page.get_by_role("button", name="Français").click()
    sync_api.expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.go_back()
    sync_api.expect(page.locator("html")).to_have_attribute("lang", "en")
    page.click("button[value=wall]")  # what stood before works on
    sync_api.expect(headline).to_have_text("Cannot say")
    page.reload()  # nothing was stored
    sync_api.expect(headline).to_have_count(0)
    page.go_back()
    sync_api.expect(page.locator("#ask")).to_be_visible()


WATCH = """() => {
    const media = navigator.mediaDevices, start = media.getUserMedia.bind(media);
    window.tracks = [];
    window.gate = Promise.resolve();
    media.getUserMedia = async (wanted) => {
        await window.gate;
        const stream = await start(wanted);
        window.tracks.push(...stream.getTracks());
        return stream;
    };
}"""
"""Keeps what the camera gives in `tracks`; it starts once `gate` lets it."""


def count_tracks(page, count):
    """Wait for so many tracks to have come; how many of them are live."""
    page.wait_for_function("count => window.tracks.length === count", arg=count)
    return page.evaluate("() => window.tracks.filter(track => track.readyState === 'live').length")


def test_the_camera(open_page):
    page = open_page(locale="en", permissions=["camera"])
    page.evaluate(WATCH)
    page.click("#open")
    page.locator("#snap").wait_for()
    assert count_tracks(page, 1) == 1
    page.click("#close")
    assert page.locator("#camera").is_hidden()
    assert count_tracks(page, 1) == 0
    page.click("#open")
    page.click("#snap")
    sync_api.expect(page.locator("#preview")).to_be_visible()
    assert page.locator("#camera").is_hidden()
    assert count_tracks(page, 2) == 0
    page.click("#submit")
    page.locator("#headline").wait_for()


@pytest.mark.parametrize(
    ("clicks", "live"), [(["open", "close"], 0), (["open", "open"], 1), (["open", "close", "open"], 1)]
)
def test_what_a_slow_camera_brings_too_late_is_ended(open_page, clicks, live):
    page = open_page(locale="en", permissions=["camera"])
    page.evaluate(WATCH)
    page.evaluate("() => { window.gate = new Promise(open => { window.openGate = open }) }")
    for button in clicks:
        page.click(f"#{button}")
    page.evaluate("() => window.openGate()")
    if live:
        page.locator("#snap").wait_for()
    assert count_tracks(page, clicks.count("open")) == live
    assert page.locator("#refused").is_hidden()
    if live:
        page.click("#close")
        assert count_tracks(page, clicks.count("open")) == 0


def test_a_camera_that_shows_nothing_is_ended_and_told(open_page):
    page = open_page(locale="en", permissions=["camera"])
    page.evaluate(WATCH)
    page.evaluate("() => { HTMLMediaElement.prototype.play = () => Promise.reject(new Error()) }")
    page.click("#open")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("camera cannot be used")
    assert count_tracks(page, 1) == 0
    page.click("#close")


def test_who_stops_waiting_can_ask_again(open_page, face):
    page = open_page(locale="en")
    page.clock.install()
    # a browser that is given no page stays where it is, as on Esc
    page.route("**/*", lambda route: route.fulfill(status=204))
    button = page.get_by_role("button", name="Submit", exact=True)
    waiting = page.get_by_role("button", name="Looking…")
    other = {"name": "other.png", "mimeType": "image/png", "buffer": face.read_bytes()}
    for go_on in (lambda: page.set_input_files("#picture", other), lambda: page.clock.fast_forward(15_000)):
        page.set_input_files("#picture", face)
        button.click()
        sync_api.expect(waiting).to_be_disabled()
        go_on()
        sync_api.expect(button).to_be_enabled()


def test_a_camera_that_is_refused_is_told(open_page):
    page = open_page(locale="en")
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error()) }")
    page.click("#open")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("camera cannot be used")
    assert page.locator("#snap").is_hidden()
    page.click("#close")


def test_drag_and_drop(open_page, face):
    page = open_page(locale="en")
    page.evaluate(
        """bytes => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "face.png", { type: "image/png" }));
            document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: files }));
        }""",
        list(face.read_bytes()),
    )
    page.locator("#preview").wait_for()
    page.click("#submit")
    page.locator("#headline").wait_for()


def test_a_keyboard_is_enough(open_page):
    page = open_page(locale="en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.value"))
    assert {"picture", "submit", "open", "portrait", "wall"} <= reached
    page.focus("button[value=wall]")
    page.keyboard.press("Enter")
    page.locator("#headline").wait_for()


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of "rgb(r, g, b)"."""
    shares = np.array([int(value) for value in re.findall(r"\d+", colour)[:3]]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 1280])
@pytest.mark.parametrize("language", WORDS)
def test_it_fits_and_is_readable(open_page, language, width, scheme):
    page = open_page(locale=language, viewport={"width": width, "height": 844}, color_scheme=scheme)
    for name in ("home", "portrait", "wall"):
        if name != "home":
            click_and_wait(page, f".samples button[value={name}]")
            if name == "portrait":
                page.locator(".panel").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for text, behind in page.evaluate(COLOURS):
            dark, light = sorted([luminance(text), luminance(behind)])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, text, behind)
        if folder := os.environ.get("STRESS_FACES_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}-{language}.png", full_page=True)


COLOURS = """() => [...document.querySelectorAll("main *, header *, footer *")]
    .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) && one.offsetParent)
    .map(one => {
        let behind = one;
        while (behind && getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
        return [getComputedStyle(one).color, getComputedStyle(behind ?? document.body).backgroundColor];
    })"""
"""Of each element with text: its colour, and the colour behind it."""
