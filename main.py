"""`python main.py`: the page on http://localhost:5000, or on another port with PORT=5001 python main.py."""

import os
import sys
import warnings

# A body up to this size is held in memory (waitress would write it to a temporary file), so that the page itself
# can say what is too large; waitress turns down anything beyond.
MAX_BODY_BYTES = 100 * 1024 * 1024


def main() -> None:
    """Serve the page until Ctrl-C; where it cannot start, say why in one line and exit with 1."""
    port = os.environ.get("PORT") or "5000"
    if not (port.isdecimal() and int(port) < 65536):
        sys.exit(f"PORT={port}: expected a number from 0 (any free port) to 65535.")
    try:
        from waitress import create_server

        from utils.inference import Classifier, find_model
        from webapp import create_app
    except ImportError as error:
        sys.exit(f"{error}. Start the page with `make app`, which uses the project's own environment.")
    # Pillow would tell the terminal about a picture's metadata
    warnings.filterwarnings("ignore", module="PIL")
    try:
        folder = find_model()
        app = create_app(Classifier.load(folder))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    limits = {"max_request_body_size": MAX_BODY_BYTES, "inbuf_overflow": MAX_BODY_BYTES}
    try:
        server = create_server(app, host="127.0.0.1", port=port, threads=4, **limits)
    except OSError as error:
        other = "5001" if port != "5001" else "5002"
        sys.exit(f"Port {port} cannot be used ({error.strerror}). Give another: PORT={other} python main.py")
    print(f"model: {folder}\nhttp://localhost:{server.effective_port} (Ctrl-C ends it)", flush=True)
    server.run()


if __name__ == "__main__":
    main()
