"""The page and its API: one picture in, an answer for each face out. Nothing is kept; no JavaScript is needed."""

import re
import traceback
from io import BytesIO

from babel.core import negotiate_locale
from flask import Flask, Request, Response, abort, jsonify, make_response, render_template, request
from flask.json.provider import DefaultJSONProvider
from flask_babel import Babel, get_locale, lazy_gettext
from flask_babel import gettext as _
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    InternalServerError,
    RequestEntityTooLarge,
    SecurityError,
)

from utils.inference.classifier import Classifier
from utils.inference.faces import FACE_MODES, take_crops
from utils.inference.reasons import PICTURE_FAULTS, REASONS
from utils.pictures import PictureError, open_picture
from webapp.answers import answer_in_json, percent, show_answer
from webapp.samples import read_samples

LANGUAGES = ("en", "fr")

MAX_UPLOAD_BYTES = 10 * 1024 * 1024

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

_STATUSES = {"no_file": 400, "too_many_bytes": 413, "not_a_picture": 415}
"""By fault of a picture; the other faults are 422."""

_ERRORS = {
    404: lazy_gettext("There is nothing at this address."),
    405: lazy_gettext("This address does not take such a request."),
    500: lazy_gettext("The program failed on this request."),
}
"""By status, what Flask would say in English only."""


class _InMemoryRequest(Request):
    """Werkzeug would write an upload over 500 kB to a temporary file."""

    def _get_file_stream(self, *_args, **_options) -> BytesIO:
        return BytesIO()


class _OrderedJSON(DefaultJSONProvider):
    """Names stay in the order in which they were given."""

    sort_keys = False


class PictureProblem(HTTPException):
    """A request whose picture cannot be answered; `fault` is a key of PICTURE_FAULTS."""

    def __init__(self, fault: str):
        sentence = PICTURE_FAULTS[fault][_language()]
        if fault == "no_file" and _is_api():
            sentence = _(
                "No picture came with the request: send multipart/form-data with a file in a field named picture."
            )
        super().__init__(sentence)
        self.fault, self.code = fault, _STATUSES.get(fault, 422)


def create_app(classifier: Classifier, hosts: tuple[str, ...] = LOCAL_HOSTS) -> Flask:
    """The WSGI application.

    Args:
        classifier: answers about the pictures; threads share it.
        hosts: names under which the page may be asked for, an IPv6 address in brackets; any other is refused.
    """
    app = Flask(__name__)
    app.request_class = _InMemoryRequest
    app.config.update(MAX_CONTENT_LENGTH=MAX_UPLOAD_BYTES)
    app.json = _OrderedJSON(app)
    samples = read_samples()
    app.jinja_env.globals.update(
        language=_language, reasons=REASONS, percent=percent, model=classifier.name, samples=samples
    )
    Babel(app, default_locale=LANGUAGES[0], locale_selector=_choose_language)

    names = {host.lower() for host in hosts}

    @app.before_request
    def check_host() -> None:
        # Flask's TRUSTED_HOSTS knows no address of IPv6
        if re.sub(r":\d+$", "", request.host.lower()) not in names:
            raise SecurityError(_("This host name is not one of the page's own."))

    @app.get("/")
    def show_form() -> Response:
        return _page()

    @app.post("/")
    def show_result() -> Response:
        sample = samples.get(request.form.get("sample", ""))
        image = _open(sample.data if sample else _read_upload())
        return _page(answer=show_answer(classifier, image, classifier.judge(take_crops(image, _face_mode()))))

    @app.post("/api/predict")
    def predict() -> Response:
        image = _open(_read_upload())
        return jsonify(answer_in_json(classifier, classifier.judge(take_crops(image, _face_mode())), _language()))

    @app.get("/healthz")
    def tell_health() -> Response:
        return jsonify(status="ok", model=classifier.name)

    @app.get("/samples/<name>")
    def show_sample(name: str) -> Response:
        if name not in samples:
            abort(404)
        return Response(samples[name].data, mimetype=samples[name].kind, headers={"Cache-Control": "max-age=3600"})

    app.register_error_handler(HTTPException, _refuse)
    app.register_error_handler(SecurityError, _refuse_host)
    app.register_error_handler(Exception, _tell_failure)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Vary"] = "Accept-Language"
        return response

    return app


def _choose_language() -> str | None:
    """The one asked for by `?lang=`, else the first of the browser's that the page has.

    werkzeug's own choice takes fr-CA, en for English.
    """
    asked = request.args.get("lang")
    return asked if asked in LANGUAGES else negotiate_locale(request.accept_languages.values(), LANGUAGES, sep="-")


def _language() -> str:
    return get_locale().language


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _face_mode() -> str:
    face = request.values.get("face", "auto")
    if face not in FACE_MODES:
        raise BadRequest(_("face %(face)r: expected one of %(modes)s.", face=face, modes=", ".join(FACE_MODES)))
    return face


def _read_upload() -> bytes:
    """The bytes of the field `picture`."""
    upload = request.files.get("picture")
    if not upload:
        raise PictureProblem("no_file")
    return upload.read()


def _open(data: bytes):
    try:
        return open_picture(data, FORMATS)
    except PictureError as error:
        raise PictureProblem(error.code) from None


def _refuse(error: HTTPException) -> Response:
    """What is wrong with a request: problem+json (RFC 9457) from the API, else the page with one sentence."""
    if isinstance(error, RequestEntityTooLarge):
        # werkzeug holds a form's text to less: a picture that came as text, not as a file
        error = PictureProblem("too_many_bytes" if (request.content_length or 0) > MAX_UPLOAD_BYTES else "no_file")
    code = error.code or 500
    sentence = str(_ERRORS.get(code) or error.description)
    if not _is_api():
        response = _page(code, error=sentence, bad_picture=isinstance(error, PictureProblem))
    else:
        fault = {"fault": error.fault} if isinstance(error, PictureProblem) else {}
        problem = {"type": "about:blank", "title": error.name, "status": code, "detail": sentence}
        response = make_response(jsonify(problem | fault), code)
        response.content_type = "application/problem+json"
    # what else the error has to say: which methods are allowed, for one
    response.headers.extend([pair for pair in error.get_headers() if pair[0] != "Content-Type"])
    return response


def _refuse_host(error: SecurityError) -> Response:
    """Not the page: it would tell a foreign site what this one is."""
    return _refuse(error) if _is_api() else Response(f"{error.description}\n", 400, mimetype="text/plain")


def _tell_failure(error: Exception) -> Response:
    """A defect of the program: the log gets its kind and place, which hold nothing of a picture."""
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    print(f"{type(error).__name__} in {frame.f_code.co_filename}:{line}", flush=True)
    return _refuse(InternalServerError())


def _page(status: int = 200, **shown) -> Response:
    response = make_response(render_template("page.html", **shown), status)
    response.headers["Content-Language"] = _language()
    return response
