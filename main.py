"""`python main.py`: the page on http://127.0.0.1:5000, or on another port with PORT=5001 python main.py."""

import argparse
import errno
import logging
import os
import sys
import warnings
from pathlib import Path


def main() -> None:
    """Serve the page until Ctrl-C; where it cannot start, say why in one line and exit with 1."""
    options = _parse()
    if not (options.port.isdecimal() and int(options.port) < 65536):
        sys.exit(f"PORT={options.port}: expected a number from 0 (any free port) to 65535.")
    try:
        from utils.inference.classifier import Classifier, find_model
        from utils.paths import CHECKOUT
        from webapp import LOCAL_HOSTS, create_app
        from webapp.server import create_server
    except ImportError as error:
        sys.exit(f"{error}. Start the page with `make app`, which uses the project's own environment.")
    if Path(__file__).resolve().parent != CHECKOUT:
        sys.exit(f"The installed code is that of {CHECKOUT}, not of this folder: start the page with `make app`.")
    # Pillow would tell the terminal about a picture's metadata, waitress about each request that waits
    warnings.filterwarnings("ignore", module="PIL")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        folder = options.model or find_model()
        hosts = tuple(dict.fromkeys((*LOCAL_HOSTS, *map(_write_host, (options.host, *options.name)))))
        app = create_app(Classifier.load(folder), hosts, options.behind_proxy)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    try:
        server = create_server(app, options.host, options.port, options.behind_proxy)
    except (OSError, ValueError) as error:
        # waitress' ValueError: there is no such name
        if isinstance(error, ValueError) or error.errno == errno.EADDRNOTAVAIL:
            sys.exit(f"--host {options.host}: expected a name or an address of this computer.")
        other = "5001" if options.port != "5001" else "5002"
        sys.exit(f"Port {options.port} cannot be used ({error.strerror}). Give another: PORT={other} python main.py")
    # not localhost: on macOS another program may answer to it on the same port
    shown, port = _write_host(options.host), server.effective_listen[0][1]
    print(f"model: {folder}\nhttp://{shown}:{port} (Ctrl-C ends it)", flush=True)
    if _write_host(options.host) not in LOCAL_HOSTS:
        print(f"Browsers may ask for it as {', '.join(hosts)}; --name HOSTNAME allows another.", flush=True)
    server.run()


def _write_host(host: str) -> str:
    """A host as it is written in addresses: one of IPv6 in brackets."""
    return f"[{host.strip('[]')}]" if ":" in host else host


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve the page until Ctrl-C.")
    parser.add_argument("--port", default=os.environ.get("PORT") or "5000", help="default: PORT, or 5000")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind; default: %(default)s, this computer only")
    parser.add_argument("--name", action="append", default=[], help="a further host name that the page is asked for by")
    parser.add_argument(
        "--behind-proxy",
        action="store_true",
        help="a reverse proxy, such as Jupyter's or that of Codespaces, hands the requests on: believe it by which"
        " name and under which path the page is asked for",
    )
    parser.add_argument("--model", type=Path, help="a saved model's folder; default: the shipped, or the newest run's")
    return parser.parse_args()


if __name__ == "__main__":
    main()
