"""What the page answers with: itself, or what is wrong with a request."""

import traceback

from flask import Response, jsonify, make_response, render_template, request
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge, SecurityError

from utils.inference.reasons import PICTURE_FAULTS

MAX_UPLOAD_BYTES = 10 * 1024 * 1024

_STATUSES = {"no_file": 400, "too_many_bytes": 413, "not_a_picture": 415}
"""By fault of a picture; the other faults are 422."""

_ERRORS = {
    404: lazy_gettext("There is nothing at this address."),
    405: lazy_gettext("This address does not take such a request."),
    500: lazy_gettext("The program failed on this request."),
    503: lazy_gettext("Too many pictures are being sent at this moment. Try again in a few seconds."),
}
"""By status, what Flask would say in English only."""


class PictureProblem(HTTPException):
    """A request whose picture cannot be answered; `fault` is a key of PICTURE_FAULTS."""

    def __init__(self, fault: str):
        sentence = PICTURE_FAULTS[fault][language()]
        if fault == "no_file" and is_api():
            sentence = _(
                "No picture came with the request: send multipart/form-data with a file in a field named picture."
            )
        super().__init__(sentence)
        self.fault, self.code = fault, _STATUSES.get(fault, 422)


def language() -> str:
    """Of the answer: "en" or "fr"."""
    return get_locale().language


def is_api() -> bool:
    """Whether a program asks, not a visitor."""
    return request.path.startswith("/api/")


def refuse(error: HTTPException) -> Response:
    """What is wrong with a request: problem+json (RFC 9457) from the API, else the page with one sentence."""
    if isinstance(error, RequestEntityTooLarge):
        # werkzeug holds a form's text to less: a picture that came as text, not as a file
        error = PictureProblem("too_many_bytes" if (request.content_length or 0) > MAX_UPLOAD_BYTES else "no_file")
    code = error.code or 500
    # werkzeug's own words for a kind of error are English
    own = error.description if error.description != type(error).description else None
    sentence = str(_ERRORS.get(code) or own or _("Such a request cannot be answered."))
    if not is_api():
        response = page(code, error=sentence, bad_picture=isinstance(error, PictureProblem))
    else:
        fault = {"fault": error.fault} if isinstance(error, PictureProblem) else {}
        problem = {"type": "about:blank", "title": error.name, "status": code, "detail": sentence}
        response = make_response(jsonify(problem | fault), code)
        response.content_type = "application/problem+json"
    # what else the error has to say: which methods are allowed, for one
    response.headers.extend([pair for pair in error.get_headers() if pair[0] != "Content-Type"])
    return response


def refuse_host(error: SecurityError) -> Response:
    """Not the page: it would tell a foreign site what this one is."""
    return refuse(error) if is_api() else Response(f"{error.description}\n", 400, mimetype="text/plain")


def tell_failure(error: Exception) -> Response:
    """A defect of the program: the log gets its kind and place, which hold nothing of a picture."""
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    print(f"{type(error).__name__} in {frame.f_code.co_filename}:{line}", flush=True)
    return refuse(InternalServerError())


def page(status: int = 200, **shown) -> Response:
    """The page, with what its template is to show besides."""
    response = make_response(render_template("page.html", **shown), status)
    response.headers["Content-Language"] = language()
    return response
