"""The page: through Flask's client, and as `python main.py` over HTTP."""

import base64
import html
import io
import json
import os
import re
import runpy
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import numpy as np
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from command import ask, make_model_root, read_rows, start_page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data as photographs
from support import CHECKOUT, EMOTIONS, draw_crowd, draw_face, encode, make_root

from utils.inference.classifier import Classifier
from utils.inference.faces import find_faces
from utils.inference.reasons import MEANINGS, PICTURE_FAULTS, REASONS
from utils.models.networks import build_baseline_cnn
from utils.models.save import save_model
from webapp import create_app
from webapp.answers import HELPS, percent, tell_apart
from webapp.guards import BUSY
from webapp.responses import MAX_UPLOAD_BYTES

WEBAPP = CHECKOUT / "src" / "webapp"
FACE = encode(draw_face("angry", np.random.default_rng(0), side=90))
PICTURES = [encode(draw_face("sad", np.random.default_rng(1)), form) for form in ("PNG", "JPEG", "WEBP", "BMP")]
PORTRAIT = Image.fromarray(photographs.astronaut())


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_model_root(tmp_path_factory.mktemp("page") / "root")


@pytest.fixture(scope="module")
def client(root):
    return create_app(Classifier.load(root / "models" / "tiny" / "EmotionDetector_2")).test_client()


def post(client, data, language="en", path="/", **fields):
    form = {"picture": (io.BytesIO(data), "face.png")} | fields
    return client.post(path, data=form, headers={"Accept-Language": language})


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
        ("fr;q=0,de", "en", "Submit"),
    ],
)
def test_the_form_speaks_the_browsers_language(client, language, expected, words):
    response = client.get("/", headers={"Accept-Language": language} if language else {})
    assert response.status_code == 200
    assert response.headers["Content-Language"] == expected
    assert f'<html lang="{expected}">' in response.text
    assert f">{words}</button>" in response.text
    assert '<label for="picture">' in response.text


def headline(page: str) -> str:
    return re.search(r'id="headline"[^>]*>(.*?)<', page).group(1)


def test_the_switch_wins_over_the_browser_and_stays(client):
    response = client.get("/?lang=fr", headers={"Accept-Language": "en"})
    assert '<html lang="fr">' in response.text and 'action="/?lang=fr"' in response.text
    answer = post(client, FACE, "en", "/?lang=fr")
    assert '<html lang="fr">' in answer.text and "Soumettre" in answer.text


@pytest.mark.parametrize(("language", "percent"), [("en", r"\d\d%"), ("fr", r"\d\d\s%")])
def test_the_answer(client, language, percent):
    response = post(client, FACE, language)
    assert response.status_code == 200
    stress, other = {"en": ("Stress", "Non-stress"), "fr": ("Stress", "Sans stress")}[language]
    assert headline(response.text) == (stress if p_stress(response.text) >= 0.5 else other)
    assert re.search(f"<strong>{percent}</strong>", response.text)
    assert 'src="data:image/png;base64,' in response.text
    assert {"en": "not the person", "fr": "pas de la personne"}[language] in response.text


def state_of(page: str) -> str:
    """What the page carries with it, to be sent again."""
    return html.unescape(re.search(r'<input type="hidden" name="state" value="(.*?)">', page).group(1))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_explanation_follows_the_answer(client, language):
    # each place on the map has the mean of several squares
    words = {"en": "points on average", "fr": "points en moyenne"}[language]
    page = post(client, FACE, language).text
    assert words not in page
    state = {"state": state_of(page), "open": "1"}
    part = client.post("/explanation", data=state, headers={"Accept-Language": language}).text
    assert words in part and "<html" not in part
    # without JavaScript, in a page
    opened = client.post("/", data=state, headers={"Accept-Language": language}).text
    assert words in opened and p_stress(opened) == p_stress(page)
    assert opened.count('name="open" value="1"') == 3  # its button, and those of the languages


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_map_in_which_nothing_moved_the_answer_says_so(client, language, monkeypatch):
    # the package offers a function of the module's name
    module = sys.modules["utils.inference.explain"]
    monkeypatch.setattr(module, "map_occlusion", lambda *_: np.full((48, 48), 0.019))
    state = {"state": state_of(post(client, FACE, language).text), "open": "1"}
    part = client.post("/explanation", data=state, headers={"Accept-Language": language}).text
    empty, moved = {"en": ("map is empty", "on average"), "fr": ("carte est vide", "en moyenne")}[language]
    assert empty in part and moved not in part


def test_an_answer_is_shown_in_another_language_as_it_is(client):
    english = post(client, encode(PORTRAIT)).text
    french = client.post("/?lang=fr", data={"state": state_of(english)}).text
    assert '<html lang="fr">' in french and p_stress(french) == p_stress(english)
    assert state_of(french) == state_of(english)
    pictures = [re.findall(r'<img (?:class="pixels crop" )?src="(data:[^"]*)', page) for page in (english, french)]
    assert pictures[0] == pictures[1] and len(pictures[0]) == 2


SEEN = base64.b64encode(bytes(48 * 48 * 3)).decode()


@pytest.mark.parametrize(
    "state",
    ["", "x", "[]", "null", '["",[],"x"]', '["%",[],0]', '["",[["",0,0,1,1,""]],0]', "[" * 100_000, '["",[[1]],0]',
     '["",[],1e400]', f'["",[["{SEEN}",0,0,9,-1e400,""]],0]', f'["",[["{SEEN}",0,0,9,9,"<b>"]],0]',
     f'["",[["{SEEN}AAAA",0,0,9,9,""]],0]', '["",[["' + base64.b64encode(FACE).decode() + '",0,0,9,9,""]],0]'],
)  # fmt: skip
def test_a_state_that_is_none_is_refused(client, state):
    for path in ("/", "/explanation"):
        assert client.post(path, data={"state": state, "open": "1"}).status_code == 400


def test_only_a_face_with_an_answer_is_explained(client):
    state = state_of(post(client, FACE).text)
    for number in ("2", "-1", "99"):
        assert client.post("/explanation", data={"state": state, "open": number}).status_code == 400
    dark = state_of(post(client, encode(Image.new("RGB", (60, 60)))).text)
    assert client.post("/explanation", data={"state": dark}).status_code == 400


@pytest.mark.parametrize(
    ("image", "reason"), [(Image.new("RGB", (1, 1)), "too_small"), (Image.new("RGB", (60, 60)), "too_dark")]
)
def test_cannot_say_shows_why_and_what_would_help_and_no_figure(client, image, reason):
    page = post(client, encode(image)).text
    assert headline(page) == "Cannot say"
    assert REASONS[reason]["en"] in page and str(HELPS[reason]) in page
    for shown in ("data-p-stress", '<div class="scale">', 'class="bar"', "%</", "What the network saw"):
        assert shown not in page, shown


@pytest.mark.parametrize("language", ["en", "fr"])
def test_faces_that_are_too_small_are_counted(client, language):
    crowd = encode(draw_crowd())
    page = post(client, crowd, language).text
    assert {"en": "3 more faces are too small.", "fr": "3 autres visages sont trop petits."}[language] in page
    assert page.count('<article class="face"') == 1
    answer = post(client, crowd, language, "/api/predict").json
    assert (len(answer["faces"]), answer["too_small"]) == (1, 3)


@pytest.mark.parametrize(("turn", "degrees"), [(Image.Transpose.ROTATE_90, 90), (Image.Transpose.ROTATE_270, 270)])
def test_a_picture_on_its_side_is_offered_turned(client, turn, degrees):
    lying = encode(PORTRAIT.transpose(turn))
    page = post(client, lying).text
    offered = html.unescape(re.search(r'name="state" value="([^"]*)">Turn it upright', page).group(1))
    upright = post(client, encode(PORTRAIT)).text
    assert p_stress(client.post("/", data={"state": offered}).text) == p_stress(upright)
    assert "Turn it" not in upright
    assert post(client, lying, path="/api/predict").json["turn"] == degrees
    assert post(client, encode(PORTRAIT), path="/api/predict").json["turn"] == 0


def test_several_pictures_are_answered_in_their_order(client):
    sent = [(io.BytesIO(data), name) for data, name in ((FACE, "a.png"), (b"x", "b.txt"), (encode(PORTRAIT), "c.png"))]
    answer = client.post("/api/predict", data={"picture": sent}).json
    assert [one["name"] for one in answer["pictures"]] == ["a.png", "b.txt", "c.png"]
    first, wrong, last = answer["pictures"]
    alone = [post(client, data, path="/api/predict").json for data in (FACE, encode(PORTRAIT))]
    for one, other in ((first, alone[0]), (last, alone[1])):
        assert {"model": answer["model"]} | one == {"name": one["name"]} | other
    assert (wrong["status"], wrong["fault"]) == ("error", "not_a_picture")
    many = client.post("/api/predict", data={"picture": [(io.BytesIO(FACE), "a.png") for _ in range(21)]})
    assert many.status_code == 400 and "at most 20" in many.json["detail"]


@pytest.mark.parametrize(("language", "words"), [("en", "Cannot say"), ("fr", "Impossible à dire")])
def test_a_wall_is_not_answered(client, language, words):
    response = post(client, encode(Image.fromarray(photographs.brick())), language)
    assert response.status_code == 200
    assert headline(response.text) == words
    assert REASONS["no_face"][language] in response.text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_face_is_answered(client, language):
    both = Image.new("RGB", (1024, 512))
    both.paste(PORTRAIT, (0, 0))
    both.paste(PORTRAIT, (512, 0))
    page = post(client, encode(both), language).text
    assert page.count("data-p-stress") == 2
    assert {"en": "Face 2 of 2", "fr": "Visage 2 sur 2"}[language] in page


def test_an_unsure_model_says_so_on_the_page_and_in_the_api(root):
    classifier = Classifier.load(root / "models" / "tiny" / "EmotionDetector_2")
    classifier.abstention = {"confidence": 0.98}
    unsure = create_app(classifier).test_client()
    page = post(unsure, FACE).text
    assert headline(page) == "Cannot say"
    assert REASONS["low_confidence"]["en"] in page and "it answers from 98% on" in page
    (face,) = post(unsure, FACE, path="/api/predict").json["faces"]
    assert (face["status"], face["reason"], face["label"]) == ("cannot say", "low_confidence", None)
    assert 0 <= face["p_stress"] <= 1


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_the_answer_means_depends_on_what_the_model_has_learnt(root, language):
    classifier = Classifier.load(root / "models" / "tiny" / "EmotionDetector_2")
    client = create_app(classifier).test_client()
    words = {"en": ("would be labelled", "of 10 people would"), "fr": ("serait étiquetée", "personnes sur 10")}[
        language
    ]
    of_labels = post(client, FACE, language).text
    assert words[0] in of_labels and words[1] not in of_labels
    classifier.target, classifier.abstention = "votes", {"confidence": 0.98}
    of_votes = post(client, FACE, language).text
    assert words[1] in of_votes and words[0] not in of_votes
    assert REASONS["people_disagree"][language] in of_votes
    (face,) = post(client, FACE, language, path="/api/predict").json["faces"]
    assert face["reason"] == "people_disagree" and words[1] in face["meaning"]
    dark = encode(Image.new("RGB", (90, 90)))
    assert words[1] not in post(client, dark, language).text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_model_of_other_classes_that_has_learnt_votes(tmp_path, language):
    names = sorted([*EMOTIONS, "contempt"])
    card = {"class_names": names, "stress_classes": ["angry", "fear"], "target": "votes"}
    save_model(tmp_path / "eight", build_baseline_cnn(8, widths=(4, 8)), card)
    client = create_app(Classifier.load(tmp_path / "eight")).test_client()
    page = post(client, FACE, language).text
    assert {"en": "of 10 people would", "fr": "personnes sur 10"}[language] in page
    state = {"state": state_of(page), "open": "1"}
    part = client.post("/explanation", data=state, headers={"Accept-Language": language}).text
    words = {"en": names, "fr": ["colère", "mépris", "dégoût", "peur", "joie", "neutre", "tristesse", "surprise"]}
    assert all(f'<th scope="row">{word}</th>' in part for word in words[language])
    assert len(re.findall('class="bar".*?class="right"', part)) >= 2
    (face,) = post(client, FACE, language, "/api/predict").json["faces"]
    assert set(face["probabilities"]) == set(names)


@pytest.mark.parametrize(
    ("confidence", "needed", "said"),
    [(0.55, 0.6, ("55%", "60%")), (0.597, 0.6, ("59.7%", "60%")), (0.59997, 0.60001, ("59.9%", "60.1%"))],
)
def test_a_confidence_that_is_short_reads_shorter_than_the_needed_one(root, confidence, needed, said):
    app = create_app(Classifier.load(root / "models" / "tiny" / "EmotionDetector_2"))
    with app.test_request_context("/?lang=en"):
        assert tell_apart(confidence, needed) == said


def test_no_share_is_written_as_certain(root):
    app = create_app(Classifier.load(root / "models" / "tiny" / "EmotionDetector_2"))
    with app.test_request_context("/?lang=en"):
        shares = (0, 0.004, 0.0051, 0.014, 0.5, 0.9949, 0.9951, 1)
        assert [percent(share) for share in shares] == ["<1%", "<1%", "1%", "1%", "50%", "99%", ">99%", ">99%"]


def test_a_sample_is_tried_with_one_click(client):
    names = re.findall(r'name="sample" value="(\w+)"', client.get("/").text)
    assert {"portrait", "wall"} <= set(names)
    for name in names:
        assert client.get(f"/samples/{name}").mimetype.startswith("image/")
        response = client.post("/", data={"sample": name})
        assert (headline(response.text) == "Cannot say") == (name == "wall")
    assert client.get("/samples/nothing").status_code == 404
    assert client.post("/", data={"sample": "nothing"}).status_code == 400


def test_the_api(client):
    answer = post(client, encode(PORTRAIT), path="/api/predict").json
    assert (answer["status"], answer["reason"]) == ("ok", "")
    (face,) = answer["faces"]
    assert face["label"] == ("Stress" if face["p_stress"] >= 0.5 else "Non-stress")
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert face["picture"].startswith("data:image/png;base64,")
    left, top, right, bottom = face["box"]
    assert right - left == bottom - top
    nothing = post(client, encode(Image.fromarray(photographs.brick())), path="/api/predict").json
    assert (nothing["status"], nothing["reason"], nothing["faces"]) == ("cannot say", "no_face", [])
    whole = post(client, encode(PORTRAIT), path="/api/predict", face="crop").json
    assert whole["faces"][0]["box"] == [0, 0, 512, 512]
    assert client.get("/healthz").json == {"status": "ok", "model": "tiny/EmotionDetector_2"}


@pytest.mark.parametrize(
    ("data", "status", "fault"),
    [
        (b"", 422, "empty"),
        (b"hello", 415, "not_a_picture"),
        (encode(Image.new("L", (9, 9)), "TIFF"), 415, "not_a_picture"),
        (encode(Image.new("L", (9, 9)), "GIF"), 415, "not_a_picture"),
        (FACE[:400], 422, "broken"),
        (encode(Image.new("1", (8000, 8000))), 422, "too_large"),
        (FACE + bytes(MAX_UPLOAD_BYTES), 413, "too_many_bytes"),
    ],
)
def test_the_apis_problems(client, data, status, fault):
    for language in ("en", "fr"):
        response = post(client, data, language, "/api/predict")
        assert (response.status_code, response.mimetype) == (status, "application/problem+json")
        problem = response.json
        assert (problem["status"], problem["fault"]) == (status, fault)
        assert problem["detail"] == PICTURE_FAULTS[fault][language]


def test_the_apis_wrong_uses(client):
    assert client.post("/api/predict").json["fault"] == "no_file"
    response = client.get("/api/predict")
    assert (response.status_code, response.mimetype) == (405, "application/problem+json")
    assert "POST" in response.headers["Allow"]
    assert client.get("/api/nothing").json["status"] == 404
    assert "expected one of auto" in post(client, FACE, path="/api/predict", face="x").json["detail"]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("file", "multipart/form-data"),
        ("text", "multipart/form-data"),
        ("body", "application/x-www-form-urlencoded"),
    ],
)
def test_the_api_says_how_a_picture_is_sent(client, sent, kind, language):
    long = "text" * 250_000
    data = {"file": {"file": (io.BytesIO(FACE), "face.png")}, "text": {"picture": long}, "body": long}[sent]
    response = client.post("/api/predict", data=data, content_type=kind, headers={"Accept-Language": language})
    assert (response.status_code, response.json["fault"]) == (400, "no_file")
    for word in ("multipart/form-data", "picture", {"en": "field", "fr": "champ"}[language]):
        assert word in response.json["detail"]


def test_a_wrong_use_is_told_in_the_pages_language(client):
    def ask_both(send):
        return [alert(send({"Accept-Language": language}).text) for language in ("en", "fr")]

    for english, french in (
        ask_both(lambda headers: client.get("/nowhere", headers=headers)),
        ask_both(lambda headers: client.post("/healthz", headers=headers)),
        ask_both(lambda headers: client.get("/static/page.css", headers=headers | {"Range": "bytes=99999999-"})),
        ask_both(lambda headers: post(client, FACE, headers["Accept-Language"], face="<b>foo")),
    ):
        assert english != french and "<b>" not in english + french


EDGE = "multipart/form-data; boundary=edge"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", FACE),
        (EDGE, b'--edge\r\nContent-Disposition: form-data; name="picture"; filename="\xe9.png"\r\n\r\nx\r\n--edge--'),
        (EDGE, b'--edge\r\nContent-Disposition: form-data; name="pict'),
        ("application/x-www-form-urlencoded", b"sample=\xff"),
    ],
    ids=["no boundary", "a name in Latin-1", "cut off", "text in Latin-1"],
)
def test_a_form_that_cannot_be_read_is_not_taken_for_an_empty_one(client, kind, body):
    for path in ("/", "/api/predict", "/explanation"):
        response = client.post(path, data=body, content_type=kind)
        assert response.status_code == 400
        assert "form cannot be read" in response.text


def test_every_reason_has_a_sentence_in_both_languages():
    for sentences in [*REASONS.values(), *PICTURE_FAULTS.values()]:
        assert set(sentences) == {"en", "fr"} and all(sentences.values())
        assert sentences["en"] != sentences["fr"]


def test_no_line_of_french_begins_with_a_mark():
    with (WEBAPP / "translations" / "fr" / "LC_MESSAGES" / "messages.po").open("rb") as text:
        written = [str(message.string) for message in read_po(text) if message.id]
    told = [sentences["fr"] for sentences in (*REASONS.values(), *PICTURE_FAULTS.values(), *MEANINGS.values())]
    assert not [sentence for sentence in written + told if re.search("« | [;:?!»]", sentence)]


def test_another_host_name_is_refused(client):
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    response = client.post("/api/predict", headers={"Host": "evil.example:5000"})
    assert (response.status_code, response.mimetype) == (400, "application/problem+json")
    assert "host name" in response.json["detail"]
    for host in ("[::1]:5000", "[::1]", "127.0.0.1"):
        assert client.get("/", headers={"Host": host}).status_code == 200
    assert client.get("/", headers={"Host": "[::2]:5000"}).status_code == 400
    assert client.get("/", headers={"Host": "localhost:5000"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/predict"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        # another port of the same computer
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8888"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost:8888"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": ""}, 403),
    ],
)
def test_what_another_site_sends_is_refused(client, path, headers, status):
    response = client.post(path, data={"picture": (io.BytesIO(FACE), "face.png")}, headers=headers)
    assert response.status_code == status
    if status == 403:
        told = response.json["detail"] if path.startswith("/api") else alert(response.text)
        assert "another site" in told
    # to follow a link from elsewhere is no harm
    assert client.get("/", headers=headers).status_code == 200


FORWARDED = {"X-Forwarded-Host": "name-5000.example", "X-Forwarded-Prefix": "/user/me/proxy/5000"}


def test_a_proxy_is_believed_where_there_is_one(root):
    classifier = Classifier.load(root / "models" / "tiny" / "EmotionDetector_2")
    behind = create_app(classifier, behind_proxy=True).test_client()
    page = behind.get("/", headers=FORWARDED).text
    addresses = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
    assert addresses and all(address.startswith("/user/me/proxy/5000/") for address in addresses)
    own = FORWARDED | {"Origin": "https://name-5000.example"}
    assert behind.post("/", data={"sample": "wall"}, headers=own).status_code == 200
    foreign = FORWARDED | {"Origin": "https://evil.example"}
    assert behind.post("/", data={"sample": "wall"}, headers=foreign).status_code == 403
    # Jupyter's tells the path alone
    path = {"X-Forwarded-Prefix": "/proxy/5000", "Host": "hub.example"}
    assert 'action="/proxy/5000/?lang=en"' in behind.get("/", headers=path).text
    assert behind.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_nothing_else_is_believed(client, address):
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil", "Forwarded": "host=evil.example"}
    for headers in (forged, forged | {"X-Forwarded-Proto": "https", "X-Script-Name": "/evil"}):
        assert "evil" not in client.get("/", headers=headers).text
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as response:
            assert "evil" not in response.read().decode()


def test_a_server_without_room_says_when_to_come_again(client):
    for path, kind in (("/", "text/html"), ("/api/predict", "application/problem+json")):
        response = client.post(path, environ_overrides={BUSY: True})
        assert (response.status_code, response.mimetype) == (503, kind)
        assert int(response.headers["Retry-After"]) > 0


def test_a_defect_tells_the_visitor_and_the_log_nothing_of_the_picture(root, monkeypatch, capfd):
    app = create_app(Classifier.load(root / "models" / "tiny" / "EmotionDetector_2"))

    def fail(*_args):
        raise RuntimeError("secret of the picture")

    monkeypatch.setattr("webapp.shown.take_crops", fail)
    response = post(app.test_client(), FACE)
    written = "".join(capfd.readouterr())
    assert response.status_code == 500 and "secret" not in response.text + written
    assert "RuntimeError in" in written


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
    assert '<button type="submit"' in english.text


def test_only_what_is_wrong_with_the_picture_is_said_of_its_field(client):
    for response, blamed in ((post(client, b"hello"), True), (client.get("/nowhere"), False), (client.put("/"), False)):
        field = re.search(r'<input type="file".*?>', response.text, re.DOTALL).group()
        assert alert(response.text)
        assert ('aria-invalid="true"' in field) == ('aria-describedby="error hint"' in field) == blamed


def test_too_many_pixels(client, monkeypatch):
    monkeypatch.setattr("utils.pictures.MAX_PIXELS", 1000)
    response = post(client, FACE)
    assert response.status_code == 422
    assert "million pixels" in alert(response.text)


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
    turned, straight = (post(client, data, path="/api/predict", face="crop").json for data in (turned, encode(upright)))
    assert turned["faces"] == straight["faces"] != []
    for mode in ("RGBA", "LA", "P", "1", "I;16"):
        for path in ("/", "/api/predict"):
            assert post(client, encode(Image.new(mode, (1, 1))), path=path).status_code == 200
    assert post(client, encode(Image.new("CMYK", (60, 60)), "JPEG")).status_code == 200


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PICTURES), st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=8))
def test_flipped_bytes_never_break_the_page(client, picture, changes):
    data = bytearray(picture)
    for place, value in changes:
        data[place % len(data)] = value
    assert post(client, bytes(data), path="/api/predict").status_code in (200, 415, 422)


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=600), st.sampled_from(["/", "/api/predict"]))
def test_any_body_is_refused_politely(client, body, path):
    for kind in ("multipart/form-data; boundary=edge", "application/x-www-form-urlencoded", "image/png"):
        assert client.post(path, data=body, content_type=kind).status_code in (400, 413, 415, 422)


def test_an_upload_is_not_written_to_disk(client, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("a temporary file")

    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    # the first search for faces loads its networks, and that writes one
    assert find_faces(Image.fromarray(noise)) == []
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert post(client, encode(Image.fromarray(noise))).status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/nowhere"])
def test_every_answer_is_locked_down(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"


def test_the_page_has_nothing_inline_nothing_from_outside_and_is_not_kept(client):
    response = post(client, FACE)
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son\w+=", response.text)
    assert not re.search(r'(src|action)="(?!/|data:)', response.text)
    assert re.findall(r"<script(.*?)</script>", response.text) == [' src="/static/page.js" defer>']
    assert response.text.count("<img") == len(re.findall(r"<img[^>]* alt=", response.text))


def test_every_word_is_translated_and_compiled():
    found = extract_from_dir(
        WEBAPP, [("**.py", "python"), ("**.html", "jinja2")], keywords={"_": None, "lazy_gettext": None}
    )
    words = {message for _, _, message, _, _ in found}
    assert len(words) > 50
    folder = WEBAPP / "translations" / "fr" / "LC_MESSAGES"
    with (folder / "messages.po").open("rb") as text, (folder / "messages.mo").open("rb") as compiled:
        written, used = (
            {m.id: m.string for m in read(file) if m.id} for read, file in [(read_po, text), (read_mo, compiled)]
        )
    assert written == used
    assert set(written) == words
    assert all(written.values())


@pytest.fixture(scope="module")
def address(root):
    """`python main.py` on a free port."""
    with start_page(root, PORT="0") as process:
        assert process.stdout.readline() == f"model: {root}/models/tiny/EmotionDetector_2\n"
        yield re.match(r"http://127.0.0.1:\d+", process.stdout.readline()).group()
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


def read_uploads_trace(root, log):
    """Every file under the server's root and temporary folder, and what its log says."""
    return sorted(path for path in root.rglob("*") if "__pycache__" not in path.parts), log.read_text()


def test_a_hundred_uploads_leave_nothing_on_disk_or_in_the_log(root, tmp_path):
    log = tmp_path / "log"
    scratch = root / "scratch"
    scratch.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    pictures = [FACE, encode(Image.fromarray(noise)), FACE[:300], b"secret words"]
    with log.open("w") as file, start_page(root, PORT="0", TMPDIR=str(scratch), stderr=file) as process:
        process.stdout.readline()
        address = re.match(r"http://127.0.0.1:\d+", process.stdout.readline()).group()
        send(address, FACE)
        before = read_uploads_trace(root, log)
        for number in range(100):
            send(address + ("/api/predict" if number % 2 else "/"), pictures[number % 4])
        assert read_uploads_trace(root, log) == before
        process.terminate()
        assert process.stdout.read() == ""


def test_page_api_command_line_notebook_and_keras_agree(root, address, tmp_path):
    keras = pytest.importorskip("keras")
    picture = tmp_path / "face.png"
    picture.write_bytes(FACE)
    row = read_rows(ask(root, picture, "--format", "json"), "json")[0]
    status, page = send(address, FACE)
    assert status == 200
    face = json.loads(send(address + "/api/predict", FACE)[1])["faces"][0]
    network = keras.models.load_model(root / "models" / "tiny" / "EmotionDetector_2" / "model.keras")
    pixels = np.asarray(Image.open(picture).resize((48, 48), Image.Resampling.LANCZOS, reducing_gap=3.0))
    by_keras = float(np.asarray(network(pixels[np.newaxis]))[0, 0])
    assert [p_stress(page), face["p_stress"], row["p_stress"]] == pytest.approx([by_keras] * 3, abs=1e-3)
    assert face["confidence"] == pytest.approx(row["confidence"], abs=1e-3)
    assert headline(page) == face["label"] == row["label"]
    assert run_notebook(root, picture)["p_stress"] == pytest.approx(by_keras, abs=1e-3)


def run_notebook(root, picture) -> dict:
    """What an executed notebook 04 keeps about a picture."""
    (root / "reports" / "tiny").mkdir(parents=True, exist_ok=True)
    notebook = CHECKOUT / "notebooks" / "04_single_image_inference.ipynb"
    parameters = ["-p", "RUN", "tiny", "-p", "PICTURE", picture]
    subprocess.run(
        [sys.executable, "-m", "papermill", notebook, root / "04.ipynb", "-k", "python3", *parameters],
        check=True, env=os.environ | {"STRESS_FACES_ROOT": str(root)}, capture_output=True,
    )  # fmt: skip
    return json.loads((root / "reports" / "tiny" / "metrics" / "04_single_image_inference.json").read_text())


def test_a_large_upload_is_refused_readably(address):
    status, page = send(address, bytes(2 * MAX_UPLOAD_BYTES))
    assert status == 413
    assert "larger than 10 MB" in alert(page)


def test_the_real_server_behind_a_proxy(root):
    with start_page(root, "--behind-proxy", PORT="0") as process:
        process.stdout.readline()
        address = process.stdout.readline().split()[0]
        with urllib.request.urlopen(urllib.request.Request(address, headers=FORWARDED), timeout=30) as response:
            assert 'action="/user/me/proxy/5000/?lang=en"' in response.read().decode()
        process.terminate()


def test_a_port_in_use_is_told_in_one_line(root):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start_page(root, PORT=port) as process:
            output, complaint = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert complaint == f"Port {port} cannot be used (Address already in use). Give another: PORT=5001 python main.py\n"


@pytest.mark.parametrize("port", ["page", "-1", "70000"])
def test_a_port_that_is_none(root, port):
    with start_page(root, PORT=port) as process:
        assert process.communicate(timeout=30)[1].startswith(f"PORT={port}: expected a number")
    assert process.returncode == 1


# the second is kept for documentation: no computer has it
@pytest.mark.parametrize("host", ["nosuch.invalid", "192.0.2.1"])
def test_a_host_that_is_none(root, host):
    with start_page(root, "--host", host, PORT="0") as process:
        output, complaint = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert complaint == f"--host {host}: expected a name or an address of this computer.\n"


def test_an_ipv6_address_is_served_and_its_own_name(root):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with start_page(root, "--host", "::1", PORT="0") as process:
        process.stdout.readline()
        address = process.stdout.readline().split()[0]
        status = send(address, FACE)[0] if address.startswith("http://[::1]:") else address
        process.terminate()
    assert status == 200


@pytest.mark.parametrize(
    ("host", "shown", "names"),
    [("localhost", "localhost", ""), ("fd00::2", "[fd00::2]", "localhost, 127.0.0.1, [::1], [fd00::2]; --name HOST")],
)
def test_a_name_with_two_addresses_is_served_on_both(root, monkeypatch, capsys, host, shown, names):
    statuses = []

    class TwoServers:
        effective_listen = (("127.0.0.1", 5055), ("::1", 5055))

        def __init__(self, app, *_args):
            self.client = app.test_client()

        def run(self):
            statuses.append(self.client.get("/healthz", headers={"Host": f"{shown}:5055"}).status_code)

    monkeypatch.setattr("webapp.server.create_server", TwoServers)
    monkeypatch.setattr(sys, "argv", ["main.py", "--host", host, "--model", f"{root}/models/tiny/EmotionDetector_2"])
    runpy.run_path(str(CHECKOUT / "main.py"))["main"]()
    assert statuses == [200]
    told = capsys.readouterr().out
    assert f"\nhttp://{shown}:5055 (" in told
    assert names in told if names else "--name" not in told


def test_no_model_and_no_environment_are_told_in_one_line(tmp_path):
    with start_page(make_root(tmp_path)) as process:
        assert process.communicate(timeout=30)[1] == (
            f"No saved model in {tmp_path}/models: train one first, with `make pipeline`.\n"
        )
    assert process.returncode == 1
    # -S: without site-packages, as a Python that lacks the project's packages
    bare = subprocess.run([sys.executable, "-S", CHECKOUT / "main.py"], capture_output=True, text=True)
    assert bare.returncode == 1
    assert "`make app`" in bare.stderr and bare.stderr.count("\n") == 1


def test_the_page_loads_nothing_heavy(root):
    code = """
import sys, webapp, waitress
from utils.inference.classifier import Classifier, find_model
webapp.create_app(Classifier.load(find_model())).test_client().get("/")
heavy = {"tensorflow", "keras", "pandas", "sklearn", "skimage", "seaborn", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"STRESS_FACES_ROOT": str(root)})
