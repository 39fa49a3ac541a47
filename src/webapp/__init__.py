"""The page and its API: one picture in, an answer for each face out. Nothing is kept; no JavaScript is needed."""

from io import BytesIO
from pathlib import Path

from babel.core import negotiate_locale
from flask import Flask, Request, Response, abort, jsonify, render_template, request, send_from_directory
from flask.json.provider import DefaultJSONProvider
from flask_babel import Babel
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, HTTPException, SecurityError
from werkzeug.formparser import FormDataParser

from utils.inference.classifier import Classifier
from utils.inference.faces import FACE_MODES
from utils.inference.reasons import REASONS
from utils.pictures import ENOUGH, PictureError, open_picture
from webapp.answers import HELPS, answer_in_json, percent, show_answer, show_panel
from webapp.guards import add_guards
from webapp.responses import (
    MAX_UPLOAD_BYTES,
    PictureProblem,
    language,
    page,
    refuse,
    refuse_host,
    tell_failure,
)
from webapp.samples import read_samples
from webapp.shown import Shown, look, look_turned

LANGUAGES = ("en", "fr")

MAX_PICTURES = 20
"""In one request to the API."""

_MAX_STATE_BYTES = 4 * 1024 * 1024
"""What a page carries with it of an answer is less."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self';"
    " connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # with no-referrer, forms would come without their origin
    "Referrer-Policy": "same-origin",
}


class _FormParser(FormDataParser):
    """Refuses what werkzeug would take for an empty form."""

    def parse(self, *args, **options):
        self.silent = False
        try:
            return super().parse(*args, **options)
        except ValueError:
            told = _("The form cannot be read: send multipart/form-data with its boundary, and all names in UTF-8.")
            raise BadRequest(told) from None


class _InMemoryRequest(Request):
    """Werkzeug would write an upload over 500 kB to a temporary file."""

    form_data_parser_class = _FormParser

    def _get_file_stream(self, *_args, **_options) -> BytesIO:
        return BytesIO()


class _OrderedJSON(DefaultJSONProvider):
    """Names stay in the order in which they were given."""

    sort_keys = False


def create_app(classifier: Classifier, hosts: tuple[str, ...] = LOCAL_HOSTS, behind_proxy: bool = False) -> Flask:
    """The WSGI application.

    Args:
        classifier: answers about the pictures; threads share it.
        hosts: names under which the page may be asked for, an IPv6 address in brackets; any other is refused.
        behind_proxy: believe a proxy, and whoever sends the same headers, by which name and under which path it is
            asked for (X-Forwarded-Host, X-Forwarded-Prefix).
    """
    app = Flask(__name__)
    app.request_class = _InMemoryRequest
    app.config.update(MAX_CONTENT_LENGTH=MAX_UPLOAD_BYTES, MAX_FORM_MEMORY_SIZE=_MAX_STATE_BYTES)
    app.json = _OrderedJSON(app)
    samples = read_samples(classifier)
    app.jinja_env.globals.update(
        language=language, reasons=REASONS, helps=HELPS, percent=percent, model=classifier.name, samples=samples
    )
    add_guards(app, hosts, behind_proxy)
    Babel(app, default_locale=LANGUAGES[0], locale_selector=_choose_language)

    @app.get("/")
    def show_form() -> Response:
        return page()

    @app.post("/")
    def show_result() -> Response:
        if "state" in request.form:
            # an answer that is there: in another language, opened, or of the picture turned
            return page(answer=show_answer(classifier, Shown.read(request.form["state"]), _opened()))
        sample = samples.get(request.form.get("sample", ""))
        image = _open(sample.data if sample else _read_upload())
        shown = look(image, _face_mode())
        return page(answer=show_answer(classifier, shown, turned=look_turned(image, shown)))

    @app.post("/explanation")
    def show_explanation() -> str:
        shown, opened = Shown.read(request.form.get("state", "")), _opened() or 1
        return render_template("explanation.html", panel=show_panel(classifier, shown, opened))

    @app.get("/samples/<name>")
    def show_sample(name: str) -> Response:
        if name not in samples:
            abort(404)
        return Response(samples[name].data, mimetype=samples[name].kind, headers={"Cache-Control": "max-age=3600"})

    _add_api(app, classifier)
    app.register_error_handler(HTTPException, refuse)
    app.register_error_handler(SecurityError, refuse_host)
    app.register_error_handler(Exception, tell_failure)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Vary"] = "Accept-Language"
        return response

    return app


def _add_api(app: Flask, classifier: Classifier) -> None:
    """What programs ask; openapi.json describes it."""

    @app.post("/api/predict")
    def predict() -> Response:
        uploads = request.files.getlist("picture")
        if len(uploads) > MAX_PICTURES:
            raise BadRequest(_("%(count)s pictures: expected at most %(most)s.", count=len(uploads), most=MAX_PICTURES))
        mode = _face_mode()
        if len(uploads) < 2:
            answer = answer_in_json(classifier, _open(_read_upload()), mode, language())
            return jsonify({"model": classifier.name} | answer)
        answers = [_answer_one(classifier, upload, mode) for upload in uploads]
        return jsonify(model=classifier.name, pictures=answers)

    @app.get("/openapi.json")
    def describe() -> Response:
        return send_from_directory(Path(__file__).parent, "openapi.json")

    @app.get("/healthz")
    def tell_health() -> Response:
        return jsonify(status="ok", model=classifier.name)


def _choose_language() -> str | None:
    """The one asked for by `?lang=`, else the first of the browser's that the page has.

    werkzeug's own choice takes fr-CA, en for English.
    """
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        return asked
    # a quality of 0 says which is not wanted
    return negotiate_locale([name for name, quality in request.accept_languages if quality], LANGUAGES, sep="-")


def _face_mode() -> str:
    face = request.values.get("face", "auto")
    if face not in FACE_MODES:
        raise BadRequest(_("face %(face)r: expected one of %(modes)s.", face=face, modes=", ".join(FACE_MODES)))
    return face


def _opened() -> int | None:
    """The number of the face whose explanation is asked for."""
    return request.form.get("open", type=int) or None


def _answer_one(classifier: Classifier, upload: FileStorage, mode: str) -> dict:
    """One of several pictures: its answer, or what is wrong with it."""
    name = {"name": upload.filename or ""}
    try:
        return name | answer_in_json(classifier, _open(upload.read()), mode, language())
    except PictureProblem as problem:
        return name | {"status": "error", "fault": problem.fault, "detail": str(problem.description)}


def _read_upload() -> bytes:
    """The bytes of the field `picture`."""
    upload = request.files.get("picture")
    if not upload:
        raise PictureProblem("no_file")
    return upload.read()


def _open(data: bytes):
    try:
        return open_picture(data, FORMATS, enough=ENOUGH)
    except PictureError as error:
        raise PictureProblem(error.code) from None
