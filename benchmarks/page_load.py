"""The page under load: does every request get its right answer, how many a second, and does memory grow?

python benchmarks/page_load.py [--model DIR] [--requests 1000] [--connections 8]

Starts `python main.py` on a free port, posts 48x48 pictures of noise to /api/predict over some connections, compares
each answer with the one that a single thread gives. Memory is the server's own, after a warm-up.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import numpy as np

from utils.inference.classifier import Classifier, find_model
from utils.paths import ROOT
from utils.pictures import SIDE, encode_png

WARM_UP = 200
TOLERANCE = 1e-6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a saved model's folder; default: the one that the page uses")
    parser.add_argument("--requests", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--connections", type=int, default=8, help="default: %(default)s")
    options = parser.parse_args()
    model = options.model or find_model()
    rng = np.random.default_rng(0)
    pictures = [encode_png(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)) for _ in range(50)]
    classifier = Classifier.load(model)
    expected = [classifier.predict(picture).p_stress for picture in pictures]
    words = [sys.executable, Path(__file__).parents[1] / "main.py", "--port", "0", "--model", model]
    started = time.perf_counter()
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            server.stdout.readline()
            port = int(re.search(r":(\d+)", server.stdout.readline()).group(1))
            print(f"started in {time.perf_counter() - started:.2f} s")
            ask_many(port, pictures, expected, WARM_UP, options.connections)
            before = read_memory(server.pid)
            wrong, seconds = ask_many(port, pictures, expected, options.requests, options.connections)
            growth = read_memory(server.pid) - before
        finally:
            server.terminate()
    print(f"{options.requests:,} requests over {options.connections} connections: {wrong} wrong or failed")
    print(f"{options.requests / seconds:.0f} answers a second; memory grew by {growth:.1f} MB from {before:.0f} MB")


def ask_many(
    port: int, pictures: list[bytes], expected: list[float], count: int, connections: int
) -> tuple[int, float]:
    """(requests without the right answer, seconds)."""
    local, turns = threading.local(), zip(range(count), cycle(zip(pictures, expected, strict=True)))

    def ask(turn) -> bool:
        _number, (picture, p_stress) = turn
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("localhost", port, timeout=60)
        return abs(post(local.connection, picture) - p_stress) <= TOLERANCE

    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        right = sum(pool.map(ask, turns))
    return count - right, time.perf_counter() - started


def post(connection: http.client.HTTPConnection, picture: bytes) -> float:
    """P(stress) as the API answers; not a number where it gives none."""
    head = b'--edge\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    connection.request("POST", "/api/predict", head + picture + b"\r\n--edge--\r\n", kind)
    with connection.getresponse() as response:
        body = response.read()
        return json.loads(body)["faces"][0]["p_stress"] if response.status == 200 else float("nan")


def read_memory(process: int) -> float:
    """Resident memory in megabytes (Linux)."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


if __name__ == "__main__":
    main()
