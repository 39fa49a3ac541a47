"""openapi.json: whole, and true of what is answered."""

import io
import json

import numpy as np
import pytest
from command import make_model_root
from jsonschema import Draft202012Validator
from PIL import Image
from skimage import data as photographs
from support import CHECKOUT, draw_crowd, draw_face, encode

from utils.inference.classifier import Classifier
from utils.inference.faces import FACE_MODES
from utils.inference.reasons import PICTURE_FAULTS
from webapp import MAX_PICTURES, create_app
from webapp.guards import BUSY
from webapp.responses import MAX_UPLOAD_BYTES

DOCUMENT = json.loads((CHECKOUT / "src" / "webapp" / "openapi.json").read_text(encoding="utf-8"))
PREDICT = DOCUMENT["paths"]["/api/predict"]["post"]
FACE = encode(draw_face("sad", np.random.default_rng(0)))


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    root = make_model_root(tmp_path_factory.mktemp("openapi") / "root")
    return create_app(Classifier.load(root / "models" / "tiny" / "EmotionDetector_2"))


def check(schema, instance):
    """Raise where an instance is not as a schema of the document says."""
    Draft202012Validator(schema | {"components": DOCUMENT["components"]}).validate(instance)


def find_schemas(part):
    """Every schema of the document."""
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "schema")
        yield from (value for key, value in part.get("schemas", {}).items())
        for value in part.values():
            yield from find_schemas(value)


def test_every_schema_is_one():
    schemas = list(find_schemas(DOCUMENT))
    assert len(schemas) > 10
    for schema in schemas:
        Draft202012Validator.check_schema(schema)
    assert DOCUMENT["openapi"].startswith("3.1.") and {"title", "version"} <= set(DOCUMENT["info"])


def test_it_is_served_and_names_every_address_for_programs(app):
    client = app.test_client()
    assert client.get("/openapi.json").json == DOCUMENT
    described = {(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods}
    pages = {"/", "/explanation", "/samples/<name>", "/static/<path:filename>"}
    served = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule not in pages
    }
    assert described == served
    for path, methods in DOCUMENT["paths"].items():
        if "get" in methods:
            schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            check(schema, client.get(path).json)


def test_its_limits_are_the_programs():
    form = PREDICT["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert form["picture"]["maxItems"] == MAX_PICTURES
    assert tuple(form["face"]["enum"]) == FACE_MODES
    assert set(DOCUMENT["components"]["schemas"]["Fault"]["enum"]) == set(PICTURE_FAULTS)


@pytest.mark.parametrize("asked", ["fr", "de", ""])
def test_any_language_may_be_asked_for(app, asked):
    (parameter,) = PREDICT["parameters"]
    check(parameter["schema"], asked)
    response = app.test_client().post(
        "/api/predict", query_string={"lang": asked}, data={"picture": (io.BytesIO(FACE), "a.png")}
    )
    assert response.status_code == 200


WALL = encode(Image.fromarray(photographs.brick()))
SENT = {
    "a face": ([FACE], {}, 200),
    "a portrait": ([encode(Image.fromarray(photographs.astronaut()))], {}, 200),
    "a portrait on its side": ([encode(Image.fromarray(photographs.astronaut()[::-1]))], {"face": "detect"}, 200),
    "a crowd": ([encode(draw_crowd())], {}, 200),
    "no face": ([WALL], {}, 200),
    "black": ([encode(Image.new("L", (1, 1)))], {}, 200),
    "several": ([FACE, b"x", b"", WALL, FACE[:300]], {"face": "crop"}, 200),
    "none": ([], {}, 400),
    "too many": ([FACE] * 21, {}, 400),
    "a wrong field": ([FACE], {"face": "x"}, 400),
    "another site": ([FACE], {}, 403),
    "too large": ([bytes(MAX_UPLOAD_BYTES)], {}, 413),
    "no picture": ([b"x"], {}, 415),
    "a broken one": ([FACE[:300]], {}, 422),
    "an empty one": ([b""], {}, 422),
    "a failure": ([FACE], {}, 500),
    "no room": ([FACE], {}, 503),
}


@pytest.mark.parametrize("what", SENT)
def test_every_answer_is_as_described(app, monkeypatch, what):
    pictures, fields, status = SENT[what]
    if what == "a failure":
        monkeypatch.setattr(Classifier, "judge", lambda *_: 1 / 0)
    form = fields | {"picture": [(io.BytesIO(data), f"{number}.png") for number, data in enumerate(pictures)]}
    headers = {"Sec-Fetch-Site": "cross-site"} if status == 403 else {}
    response = app.test_client().post(
        "/api/predict", data=form, headers=headers, content_type="multipart/form-data",
        environ_overrides={BUSY: status == 503},
    )  # fmt: skip
    assert response.status_code == status
    check(PREDICT["responses"][str(status)]["content"][response.mimetype]["schema"], response.json)


def test_every_described_status_was_answered():
    assert {str(status) for _, _, status in SENT.values()} == set(PREDICT["responses"])
