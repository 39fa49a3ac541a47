"""The page: one picture in, one answer out. It keeps nothing and needs no JavaScript."""

import base64
from io import BytesIO

from babel.core import negotiate_locale
from babel.numbers import format_percent
from flask import Flask, Request, Response, make_response, render_template, request
from flask_babel import Babel, get_locale, lazy_gettext
from werkzeug.exceptions import RequestEntityTooLarge

from utils.inference import Classifier
from utils.pictures import PictureError, encode_png

LANGUAGES = ("en", "fr")

MAX_UPLOAD_BYTES = 10 * 1024 * 1024

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}

_LABELS = {"Stress": lazy_gettext("Stress"), "Non-stress": lazy_gettext("Non-stress")}

_NO_FILE = lazy_gettext("No picture came with the form. Choose a file first.")
_LARGE_FILE = lazy_gettext("The file is larger than 10 MB. Choose a smaller one.")
_BROKEN = lazy_gettext("The picture is damaged: it cannot be read to its end.")
_FAULTS = {
    "empty": (lazy_gettext("The file is empty."), 422),
    "not a picture": (lazy_gettext("This is not a picture. Expected PNG, JPEG, WebP, BMP or TIFF."), 415),
    "too large": (lazy_gettext("The picture has too many pixels. Choose a smaller one."), 422),
}
"""By the first words of a PictureError: what the page says, and its status. The rest is _BROKEN."""


class _InMemoryRequest(Request):
    """Werkzeug would write an upload over 500 kB to a temporary file."""

    def _get_file_stream(self, *_args, **_options) -> BytesIO:
        return BytesIO()


def create_app(classifier: Classifier) -> Flask:
    """The page's WSGI application.

    Args:
        classifier: answers about the pictures; threads share it.
    """
    app = Flask(__name__)
    app.request_class = _InMemoryRequest
    app.config["MAX_CONTENT_LENGTH"] = MAX_UPLOAD_BYTES
    app.jinja_env.globals["language"] = get_locale
    Babel(app, default_locale=LANGUAGES[0], locale_selector=_choose_language)

    @app.get("/")
    def show_form() -> Response:
        return _page()

    @app.post("/")
    def show_answer() -> Response:
        upload = request.files.get("picture")
        return _answer(classifier, upload.read()) if upload else _page(400, error=_NO_FILE)

    @app.errorhandler(RequestEntityTooLarge)
    def refuse_large_file(_error: RequestEntityTooLarge) -> Response:
        return _page(413, error=_LARGE_FILE)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    return app


def _choose_language() -> str | None:
    """The first of the browser's languages that the page has; werkzeug's own choice takes fr-CA, en for English."""
    return negotiate_locale(request.accept_languages.values(), LANGUAGES, sep="-")


def _answer(classifier: Classifier, data: bytes) -> Response:
    """The page with the answer about an encoded picture, or with what is wrong with it."""
    try:
        prediction = classifier.predict(data)
    except PictureError as error:
        found = (fault for words, fault in _FAULTS.items() if str(error).startswith(words))
        message, status = next(found, (_BROKEN, 422))
        return _page(status, error=message)
    return _page(
        label=_LABELS[prediction.label],
        confidence=format_percent(round(prediction.confidence, 3), locale=get_locale(), decimal_quantization=False),
        p_stress=prediction.p_stress,
        picture=base64.b64encode(encode_png(prediction.picture[0])).decode(),
    )


def _page(status: int = 200, **shown) -> Response:
    response = make_response(render_template("page.html", **shown), status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = str(get_locale())
    response.headers["Vary"] = "Accept-Language"
    return response
