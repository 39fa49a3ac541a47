"""Whom the page answers: requests by one of its own names, sent by its own forms or by programs, and not too many."""

import re

from flask import Flask, request
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden, SecurityError, ServiceUnavailable
from werkzeug.middleware.proxy_fix import ProxyFix

BUSY = "webapp.busy"
"""In a request's WSGI environment: true where the server had no room for its body."""

_FORWARDED = {"X-Forwarded-Host", "X-Forwarded-Prefix"}


def add_guards(app: Flask, hosts: tuple[str, ...], behind_proxy: bool) -> None:
    """Have an application refuse all else; arguments as `webapp.create_app`."""
    names = {host.lower() for host in hosts}
    if behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=0, x_host=1, x_prefix=1)  # type: ignore[method-assign]

    @app.before_request
    def check_host() -> None:
        # a site that leads visitors here under its own name cannot make their browsers send these
        if behind_proxy and _FORWARDED & set(request.headers.keys()):
            return
        # Flask's TRUSTED_HOSTS knows no address of IPv6
        if re.sub(r":\d+$", "", request.host.lower()) not in names:
            raise SecurityError(_("This host name is not one of the page's own."))

    @app.before_request
    def check_sender() -> None:
        if request.method not in ("GET", "HEAD", "OPTIONS") and _is_foreign():
            raise Forbidden(_("This was sent from another site. Use the page itself."))

    @app.before_request
    def check_room() -> None:
        if request.environ.get(BUSY):
            raise ServiceUnavailable(retry_after=5)


def _is_foreign() -> bool:
    """Whether a browser says that another site made it send this; programs say nothing of the kind."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    # older browsers, and all of them where the page is asked for neither by https nor as localhost
    origin = request.headers.get("Origin")
    return origin is not None and origin.lower().partition("://")[2] != request.host.lower()
