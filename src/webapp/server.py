"""The page's HTTP server: waitress with budgets in time and in bytes, so that no client keeps out another.

waitress' own settings know one timeout, which any byte renews, and stop accepting where connections are many.
"""

import contextlib
import ctypes
import socket
import time
from collections.abc import Iterator

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import MultiSocketServer, TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import RequestEntityTooLarge

from webapp.guards import BUSY
from webapp.responses import MAX_UPLOAD_BYTES

HEAD_SECONDS = 8.0
"""From a connection, or its last answer, to the end of the next request's head; an idle connection is closed then."""

BODY_SECONDS, BODY_BYTES_PER_SECOND = 10.0, 20_000
"""A body may come at any pace for so many seconds; after them at such a rate, on average over the time since."""

ANSWER_SECONDS = 60.0
"""Within which an answer has to be taken."""

MAX_CONNECTIONS = 200
"""With one more, the one that has been waited for the longest is closed. macOS lets a program open 256 files."""

MAX_BYTES_IN_FLIGHT = 200_000_000
"""Of all bodies together, until they are answered; one that would go beyond is turned down."""

_LARGEST_BODY = MAX_UPLOAD_BYTES + 1_000_000
"""Bytes, a form's other fields included; of a larger body nothing is kept."""

_WORKERS, _READERS = 4, 2
"""Threads for pictures, and threads for all that is asked for by GET, which therefore never waits for pictures."""


class _Request(HTTPRequestParser):
    """What has come of a request.

    Attributes:
        body_since: when its head was complete; None before.
        turned_down: whether it is handed on without a body.
        busy: whether that is for lack of room.
    """

    body_since: float | None = None
    turned_down = busy = False

    def received(self, data: bytes) -> int:
        """Take what has come; how many bytes of it belong to this request."""
        if self.turned_down:
            return len(data)
        consumed = super().received(data)
        if self.headers_finished and self.body_since is None:
            self.body_since = time.monotonic()
        if isinstance(self.error, RequestEntityTooLarge):
            # the page says so, as of any picture that is too large
            self.headers["CONTENT_LENGTH"] = str(max(self.content_length, self.body_bytes_received))
            self.turn_down()
            return len(data)
        return consumed

    def turn_down(self) -> None:
        """Hand it on without its body, as the last of its connection."""
        self.turned_down, self.completed, self.error, self.expect_continue = True, True, None, False
        self.headers["CONNECTION"] = "close"
        self.close()
        self.body_rcv, self.body_bytes_received = None, 0


class _Task(WSGITask):
    """An answer in the making."""

    def get_environment(self) -> dict:
        """What waitress tells the application, and whether there was no room for the body."""
        return super().get_environment() | {BUSY: self.request.busy}


class _Channel(HTTPChannel):
    """A connection."""

    parser_class, task_class = _Request, _Task
    close_when_flushed: bool

    def __init__(self, *args, **options):
        self.since = time.monotonic()
        self._lingers = self._rest_ignored = False
        super().__init__(*args, **options)

    @property
    def is_waited_for(self) -> bool:
        """Whether it is its client's turn to send."""
        return not (self.requests or self.total_outbufs_len)

    @property
    def waiting_since(self) -> float:
        """When the server began to wait for its client, if it does."""
        return (self.request and self.request.body_since) or self.since

    def is_overdue(self) -> bool:
        """Whether its client has used up its time; never while the client waits."""
        request, now = self.request, time.monotonic()
        if self.requests:
            return False
        if self.total_outbufs_len or self._rest_ignored:
            return now > self.since + ANSWER_SECONDS
        if request is None or request.body_since is None:
            return now > self.since + HEAD_SECONDS
        late = now - request.body_since - BODY_SECONDS
        return late > 0 and request.body_bytes_received < late * BODY_BYTES_PER_SECOND

    def count_bytes(self) -> int:
        """Of the bodies that are held for it."""
        return sum(one.body_bytes_received for one in (self.request, *self.requests) if one)

    def received(self, data: bytes) -> bool:
        """Take what has come; where all that is held becomes too much, turn the request down."""
        if self._rest_ignored:
            return True
        request = self.request
        if request and request.body_since and self.server.count_bytes() > MAX_BYTES_IN_FLIGHT:
            request.busy = True
            request.turn_down()
        return super().received(data)

    def service(self) -> None:
        """Answer a request."""
        self._lingers = self.requests[0].turned_down
        super().service()
        self.since = time.monotonic()

    def readable(self) -> bool:
        """Whether to wait for bytes."""
        return self.connected and super().readable()

    def writable(self) -> bool:
        """Whether to wait until bytes can be sent."""
        return self.connected and super().writable()

    def handle_write(self) -> None:
        """Send; a client that was turned down may finish speaking: cut off while it sends, it would see no answer."""
        if not (self._lingers and self.close_when_flushed):
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif self.connected and not self.total_outbufs_len:
            self.close_when_flushed, self._rest_ignored = False, True
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)


class _Server(TcpWSGIServer):
    """Listens on one address."""

    channel_class = _Channel

    def __init__(self, *args, readers: ThreadedTaskDispatcher, **options):
        self._readers = readers
        super().__init__(*args, **options)

    def add_task(self, channel: _Channel) -> None:
        """Have a request answered."""
        reads = channel.requests[0].error or channel.requests[0].command in ("GET", "HEAD")
        (self._readers if reads else self.task_dispatcher).add_task(channel)

    def maintenance(self, _now: float) -> None:
        """Close what is overdue; waitress calls it each second."""
        for channel in list(self._channels()):
            if channel.is_overdue():
                channel.handle_close()

    def handle_accept(self) -> None:
        """Take a connection, and close another where they are too many."""
        super().handle_accept()
        channels = list(self._channels())
        waiting = [channel for channel in channels if channel.is_waited_for]
        if len(channels) > MAX_CONNECTIONS and waiting:
            min(waiting, key=lambda channel: channel.waiting_since).handle_close()

    def count_bytes(self) -> int:
        """Of all bodies that are held."""
        return sum(channel.count_bytes() for channel in self._channels())

    def _channels(self) -> Iterator[_Channel]:
        return (one for one in self._map.values() if isinstance(one, _Channel))


def create_server(app, host: str, port: str, behind_proxy: bool = False) -> MultiSocketServer:
    """A server that listens and is started by `run()`.

    Args:
        app: the WSGI application.
        host: a name or an address of this computer.
        port: 0: any free one.
        behind_proxy: hand on what a proxy says of itself.

    Raises:
        ValueError: there is no such host.
        OSError: it cannot be listened on.
    """
    _give_memory_back()
    settings = Adjustments(
        host=host, port=port, max_request_body_size=_LARGEST_BODY, inbuf_overflow=2 * _LARGEST_BODY, recv_bytes=65536,
        cleanup_interval=1, connection_limit=10 * MAX_CONNECTIONS, log_socket_errors=False,
        clear_untrusted_proxy_headers=not behind_proxy,
    )  # fmt: skip
    workers, readers = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
    shared: dict = {}
    servers = [
        _Server(app, shared, dispatcher=workers, readers=readers, adj=settings, sockinfo=address)
        for address in settings.listen
    ]
    workers.set_thread_count(_WORKERS)
    readers.set_thread_count(_READERS)
    listening = [(server.effective_host, server.effective_port) for server in servers]
    return MultiSocketServer(shared, settings, listening, workers, servers[0].log_info)


def _give_memory_back() -> None:
    """Have the C library return large pieces of memory to the system as soon as they are free (glibc only).

    By itself it raises the size that it returns to that of the largest piece so far, and keeps a heap a thread.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, 1 << 20)
        library.mallopt(_M_ARENA_MAX, 2)


_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
