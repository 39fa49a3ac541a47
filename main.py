"""`python main.py`: the page on http://localhost:5000, or on another port with PORT=5001 python main.py."""

import argparse
import errno
import logging
import os
import sys
import warnings
from pathlib import Path

# A body up to this size is held in memory (waitress would write it to a temporary file), so that the page itself
# can say what is too large; waitress turns down anything beyond.
MAX_BODY_BYTES = 100 * 1024 * 1024

# Each may hold such a body: together some 2 GB of memory at most. A browser opens up to six connections.
MAX_CONNECTIONS = 20

THREADS = 4


def main() -> None:
    """Serve the page until Ctrl-C; where it cannot start, say why in one line and exit with 1."""
    options = _parse()
    if not (options.port.isdecimal() and int(options.port) < 65536):
        sys.exit(f"PORT={options.port}: expected a number from 0 (any free port) to 65535.")
    try:
        from waitress import create_server

        from utils.inference.classifier import Classifier, find_model
        from utils.paths import CHECKOUT
        from webapp import LOCAL_HOSTS, create_app
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
        app = create_app(Classifier.load(folder), hosts)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    limits = {"max_request_body_size": MAX_BODY_BYTES, "inbuf_overflow": MAX_BODY_BYTES}
    limits |= {"threads": THREADS, "connection_limit": MAX_CONNECTIONS}
    try:
        server = create_server(app, host=options.host, port=options.port, **limits)
    except (OSError, ValueError) as error:
        # waitress' ValueError: there is no such name
        if isinstance(error, ValueError) or error.errno == errno.EADDRNOTAVAIL:
            sys.exit(f"--host {options.host}: expected a name or an address of this computer.")
        other = "5001" if options.port != "5001" else "5002"
        sys.exit(f"Port {options.port} cannot be used ({error.strerror}). Give another: PORT={other} python main.py")
    shown = "localhost" if options.host == "127.0.0.1" else _write_host(options.host)
    # a name with several addresses is served on each, by a server that has no port of its own
    port = server.effective_listen[0][1] if hasattr(server, "effective_listen") else server.effective_port
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
    parser.add_argument("--model", type=Path, help="a saved model's folder; default: the shipped, or the newest run's")
    return parser.parse_args()


if __name__ == "__main__":
    main()
