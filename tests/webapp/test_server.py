"""Time and bytes that a client may use up, over real sockets."""

import http.client
import json
import re
import socket
import struct
import sys
import threading
import time
import zlib
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from command import make_model_root, start_page
from PIL import Image
from support import draw_face, encode
from waitress.channel import HTTPChannel

from webapp import server
from webapp.guards import BUSY
from webapp.server import create_server

FACE = encode(draw_face("sad", np.random.default_rng(0)))
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
FORM = (
    b'--edge\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n' + FACE + b"\r\n--edge--\r\n"
)
KIND = {"Content-Type": "multipart/form-data; boundary=edge"}
LONG = 30  # seconds, many times what any of this takes


def head(length, path="/api/predict", more=""):
    kind = "Content-Type: multipart/form-data; boundary=edge\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {length}\r\n{more}\r\n".encode()


def count_body(environ, start_response):
    """A WSGI application that says how many bytes came, and whether there was room."""
    told = f"{len(environ['wsgi.input'].read())} {environ[BUSY]}".encode()
    start_response("200 OK", [("Content-Length", str(len(told)))])
    return [told]


@contextmanager
def serve(app):
    """The port of a server in a thread of its own."""
    made = create_server(app, "127.0.0.1", "0")
    running = threading.Thread(target=made.run)
    running.start()
    try:
        yield made.effective_listen[0][1]
    finally:
        (listening,) = [one for one in made.map.values() if isinstance(one, server._Server)]
        listening.trigger.pull_trigger(made.close)
        running.join(LONG)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=LONG)


def read_all(connection):
    """What comes until the server closes."""
    with connection.makefile("rb") as stream:
        try:
            return stream.read()
        except ConnectionResetError:
            return b""


def read_answer(connection):
    """(status, body) of the next answer; the connection stays open."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HTT", GET, head(100), head(100) + b"x" * 50, GET + b"GET /"],
    ids=["nothing", "half a head", "idle after its answer", "no body", "half a body", "a second request's head"],
)
def test_who_is_waited_for_too_long_is_closed(monkeypatch, sent):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)
    with serve(count_body) as port, connect(port) as connection:
        connection.sendall(sent)
        assert (b" 200 OK" in read_all(connection)) == sent.startswith(GET)


def test_a_byte_now_and_then_renews_nothing(monkeypatch):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(server, "BODY_SECONDS", 0.5)
    with serve(count_body) as port:
        for start in (b"GET /", head(10_000)):
            with connect(port) as connection, pytest.raises(OSError):
                connection.sendall(start)
                for _ in range(50 * LONG):
                    time.sleep(0.02)
                    connection.sendall(b"x")


def test_a_slow_body_that_keeps_coming_is_answered(monkeypatch):
    monkeypatch.setattr(server, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(server, "BODY_BYTES_PER_SECOND", 100)
    with serve(count_body) as port, connect(port) as connection:
        connection.sendall(head(1000))
        for _ in range(20):
            connection.sendall(bytes(50))
            time.sleep(0.1)  # maintenance comes by at least once
        assert read_answer(connection) == (200, b"1000 False")


def test_an_answer_that_is_not_taken_is_given_up(monkeypatch):
    monkeypatch.setattr(server, "ANSWER_SECONDS", 0.2)
    size, closed = 20_000_000, threading.Event()  # more than what the system holds for a socket

    def close(channel):
        closed.set()
        HTTPChannel.handle_close(channel)

    monkeypatch.setattr(server._Channel, "handle_close", close)

    def answer(_environ, start_response):
        start_response("200 OK", [("Content-Length", str(size))])
        return [bytes(size)]

    with serve(answer) as port, connect(port) as connection:
        connection.sendall(GET)
        assert closed.wait(LONG)
        assert len(read_all(connection)) < size


def test_with_too_many_connections_the_longest_awaited_is_closed(monkeypatch):
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 5)
    with serve(count_body) as port, ExitStack() as stack:
        waiting = [stack.enter_context(connect(port)) for _ in range(8)]
        for connection in waiting[-5:]:
            connection.sendall(GET)
            assert read_answer(connection) == (200, b"0 False")
        assert [read_all(connection) for connection in waiting[:3]] == [b""] * 3


def test_bodies_are_held_up_to_a_sum_of_bytes(monkeypatch):
    monkeypatch.setattr(server, "MAX_BYTES_IN_FLIGHT", 150_000)
    with serve(count_body) as port, connect(port) as first, connect(port) as second:
        first.sendall(head(120_000))
        first.sendall(bytes(100_000))
        second.sendall(head(120_000))
        for _ in range(6):
            second.sendall(bytes(20_000))
            time.sleep(0.05)  # read one by one
        assert read_answer(second) == (200, b"0 True")
        first.sendall(bytes(20_000))
        assert read_answer(first) == (200, b"120000 False")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """`python main.py`, and its port."""
    root = make_model_root(tmp_path_factory.mktemp("server") / "root")
    with start_page(root, PORT="0") as process:
        process.stdout.readline()
        yield process, int(re.search(r":(\d+)", process.stdout.readline()).group(1))
        process.terminate()


def ask(port, method="POST", path="/api/predict", body=FORM, headers=KIND):
    """(status, media type, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    connection.request(method, path, body, headers)
    with connection.getresponse() as response:
        return response.status, response.headers.get_content_type(), response.read()


def test_twenty_idle_browsers_and_twenty_slow_senders_keep_nobody_out(page):
    _, port = page
    starts = [b"GET / HTTP/1.1\r\nHost: loc"] * 10 + [head(9_000_000, "/") + bytes(1000)] * 10
    with ExitStack() as stack:
        browsers = [stack.enter_context(connect(port)) for _ in range(20 * 6)]
        for connection in browsers:
            connection.sendall(GET)
        for start in starts:
            stack.enter_context(connect(port)).sendall(start)
        for connection in browsers:
            assert read_answer(connection)[0] == 200
        started = time.perf_counter()
        assert ask(port, "GET", "/", None, {})[0] == 200
        assert ask(port)[0] == 200
        assert ask(port, path="/")[0] == 200
        took = time.perf_counter() - started
        assert took < 6


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_100_megabytes_is_answered_as_any_that_is_too_large(page, chunked):
    _, port = page
    pieces = [bytes(1_000_000)] * 110
    body = iter(pieces) if chunked else b"".join(pieces)
    status, kind, told = ask(port, body=body)
    assert (status, kind, json.loads(told)["fault"]) == (413, "application/problem+json", "too_many_bytes")


def test_who_asks_first_is_spared_sending_what_is_too_large(page):
    _, port = page
    with connect(port) as connection:
        connection.sendall(head(10**9, more="Expect: 100-continue\r\n"))
        assert read_answer(connection)[0] == 413


def make_flat_png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes((width + 1) * height))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "make",
    [
        lambda: make_flat_png(1, 40_000_000),
        lambda: encode(Image.new("RGB", (6300, 6300)), "WEBP", lossless=True, method=0),
    ],
    ids=["tall PNG", "WebP, which is decoded whole"],
)
def test_large_pictures_take_little_memory(page, make):
    process, port = page
    form = FORM.replace(FACE, make())
    found = []
    senders = [threading.Thread(target=lambda: found.append(ask(port, body=form)[0])) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert found == [422] * 4
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text()).group(1)
    assert int(peak) < 700_000
