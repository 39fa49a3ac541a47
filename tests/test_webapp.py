"""The page: through Flask's client, and as `python main.py` over HTTP."""

import io
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from conftest import CHECKOUT, draw_face, encode, make_root
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from test_command_line import ask, make_model_root, read_rows

from utils.inference import Classifier
from webapp import MAX_UPLOAD_BYTES, create_app

WEBAPP = CHECKOUT / "src" / "webapp"
FACE = encode(draw_face("angry", np.random.default_rng(0), side=90))
PICTURES = [encode(draw_face("sad", np.random.default_rng(1)), form) for form in ("PNG", "JPEG", "WEBP", "BMP", "TIFF")]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_model_root(tmp_path_factory.mktemp("page") / "root")


@pytest.fixture(scope="module")
def client(root):
    return create_app(Classifier.load(root / "models" / "tiny" / "EmotionDetector_2")).test_client()


def post(client, data, language="en"):
    return client.post("/", data={"picture": (io.BytesIO(data), "face.png")}, headers={"Accept-Language": language})


def p_stress(page: str) -> float:
    return float(re.search(r'data-p-stress="([\d.]+)"', page).group(1))


def alert(page: str) -> str:
    return re.search(r'role="alert">(.*?)<', page).group(1)


@pytest.mark.parametrize(
    ("language", "expected", "words"),
    [
        (None, "en", "Submit"),
        ("de", "en", "Submit"),
        ("en-GB,fr;q=0.8", "en", "Submit"),
        ("fr-CA,en;q=0.8", "fr", "Soumettre"),
        ("de,fr;q=0.5,en;q=0.2", "fr", "Soumettre"),
    ],
)
def test_the_form_speaks_the_browsers_language(client, language, expected, words):
    response = client.get("/", headers={"Accept-Language": language} if language else {})
    assert response.status_code == 200
    assert response.headers["Content-Language"] == expected
    assert f'<html lang="{expected}">' in response.text
    assert f'<button type="submit">{words}</button>' in response.text
    assert '<label for="picture">' in response.text


@pytest.mark.parametrize(("language", "percent"), [("en", r"\d\d(\.\d)?%"), ("fr", r"\d\d(,\d)?\s%")])
def test_the_answer(client, language, percent):
    response = post(client, FACE, language)
    assert response.status_code == 200
    label = re.search(r'id="label">(.*?)<', response.text).group(1)
    stress, other = {"en": ("Stress", "Non-stress"), "fr": ("Stress", "Sans stress")}[language]
    assert label == (stress if p_stress(response.text) >= 0.5 else other)
    assert re.search(f"<strong>{percent}</strong>", response.text)
    assert 'src="data:image/png;base64,' in response.text


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 422, "is empty"),
        (b"hello", 415, "not a picture"),
        (FACE[:400], 422, "damaged"),
        (FACE + bytes(MAX_UPLOAD_BYTES), 413, "larger than 10 MB"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(client, data, status, words):
    english, french = (post(client, data, language) for language in ("en", "fr"))
    assert (english.status_code, french.status_code) == (status, status)
    assert words in alert(english.text)
    assert alert(french.text) != alert(english.text)
    assert '<button type="submit">' in english.text


def test_too_many_pixels(client, monkeypatch):
    monkeypatch.setattr("utils.pictures.MAX_PIXELS", 1000)
    response = post(client, FACE)
    assert response.status_code == 422
    assert "too many pixels" in alert(response.text)


@pytest.mark.parametrize("form", [{}, {"picture": "text"}, {"picture": (io.BytesIO(b""), "")}, {"other": "x"}])
def test_a_form_without_a_picture(client, form):
    response = client.post("/", data=form, content_type="multipart/form-data")
    assert response.status_code == 400
    assert "Choose a file" in alert(response.text)


def test_odd_pictures_are_answered(client):
    upright = Image.new("RGB", (40, 60), "white")
    upright.paste("black", (0, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encode(upright.transpose(Image.Transpose.ROTATE_90), exif=exif)
    assert p_stress(post(client, turned).text) == p_stress(post(client, encode(upright)).text)
    for mode in ("RGBA", "LA", "P", "1", "I;16"):
        assert post(client, encode(Image.new(mode, (1, 1)))).status_code == 200


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PICTURES), st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=8))
def test_flipped_bytes_never_break_the_page(client, picture, changes):
    data = bytearray(picture)
    for place, value in changes:
        data[place % len(data)] = value
    assert post(client, bytes(data)).status_code in (200, 415, 422)


def test_an_upload_is_not_written_to_disk(client, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("a temporary file")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    assert post(client, encode(Image.fromarray(noise))).status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/nowhere"])
def test_every_answer_is_locked_down(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "img-src 'self' data:" in policy and "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"


def test_the_page_needs_no_script_and_is_not_kept(client):
    response = post(client, FACE)
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script|<style|style=|\son\w+=|https?:", response.text)
    assert response.text.count("<img") == response.text.count("alt=")


def test_every_word_is_translated_and_compiled():
    found = extract_from_dir(
        WEBAPP, [("**.py", "python"), ("**.html", "jinja2")], keywords={"_": None, "lazy_gettext": None}
    )
    words = {message for _, _, message, _, _ in found}
    folder = WEBAPP / "translations" / "fr" / "LC_MESSAGES"
    with (folder / "messages.po").open("rb") as text, (folder / "messages.mo").open("rb") as compiled:
        written, used = (
            {m.id: m.string for m in read(file) if m.id} for read, file in [(read_po, text), (read_mo, compiled)]
        )
    assert written == used
    assert set(written) == words
    assert all(written.values())


def start(root, **environment):
    environment = os.environ | {"STRESS_FACES_ROOT": str(root)} | environment
    return subprocess.Popen(
        [sys.executable, CHECKOUT / "main.py"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root,
    )  # fmt: skip


@pytest.fixture(scope="module")
def address(root):
    """`python main.py` on a free port."""
    with start(root, PORT="0") as process:
        assert process.stdout.readline() == f"model: {root}/models/tiny/EmotionDetector_2\n"
        yield re.match(r"http://localhost:\d+", process.stdout.readline()).group()
        process.terminate()


def send(address, data):
    """POST a picture as a browser does: (status, page)."""
    head = (
        b'--edge\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    )
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    request = urllib.request.Request(address, head + data + b"\r\n--edge--\r\n", kind)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_page_and_command_line_agree(root, address, tmp_path):
    picture = tmp_path / "face.png"
    picture.write_bytes(FACE)
    row = read_rows(ask(root, picture, "--format", "json"), "json")[0]
    status, page = send(address, FACE)
    assert status == 200
    assert p_stress(page) == pytest.approx(row["p_stress"], abs=1e-3)
    percent = re.search(r"<strong>([\d.]+)%", page).group(1)
    assert float(percent) / 100 == pytest.approx(row["confidence"], abs=1e-3)
    assert f'id="label">{row["label"]}<' in page


def test_a_large_upload_is_refused_readably(address):
    status, page = send(address, bytes(2 * MAX_UPLOAD_BYTES))
    assert status == 413
    assert "larger than 10 MB" in alert(page)


def test_a_port_in_use_is_told_in_one_line(root):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start(root, PORT=port) as process:
            output, complaint = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert complaint == f"Port {port} cannot be used (Address already in use). Give another: PORT=5001 python main.py\n"


@pytest.mark.parametrize("port", ["page", "-1", "70000"])
def test_a_port_that_is_none(root, port):
    with start(root, PORT=port) as process:
        assert process.communicate(timeout=30)[1].startswith(f"PORT={port}: expected a number")
    assert process.returncode == 1


def test_no_model_and_no_environment_are_told_in_one_line(tmp_path):
    with start(make_root(tmp_path)) as process:
        assert process.communicate(timeout=30)[1] == (
            f"No saved model in {tmp_path}/models: train one first, with `make pipeline`.\n"
        )
    assert process.returncode == 1
    # -S: without site-packages, as a Python that lacks the project's packages
    bare = subprocess.run([sys.executable, "-S", CHECKOUT / "main.py"], capture_output=True, text=True)
    assert bare.returncode == 1
    assert "`make app`" in bare.stderr and bare.stderr.count("\n") == 1


def test_the_page_starts_fast_and_loads_nothing_heavy(root):
    code = """
import sys, webapp, waitress
from utils.inference import Classifier, find_model
webapp.create_app(Classifier.load(find_model())).test_client().get("/")
heavy = {"tensorflow", "keras", "pandas", "sklearn", "seaborn", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"STRESS_FACES_ROOT": str(root)})
    assert time.perf_counter() - started < 10
