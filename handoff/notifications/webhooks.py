"""Posts to addresses that strangers chose: one look-up, public addresses alone, no redirect, little time."""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from threading import Timer
from typing import Final

from handoff.notifications.addresses import Destination, is_public
from handoff.notifications.failing import UndeliveredError

CONNECT_SECONDS: Final = 4.0
DEADLINE_SECONDS: Final = 10.0
"""From the connection to the answer's head, however slowly it drips. The answer's body is never read."""
ADDRESSES: Final = 3
"""Of one name are tried."""


def post(where: Destination, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> None:
    """Deliver a body. Raises :class:`UndeliveredError` unless it was answered with a status of 200 to 299."""
    end = time.monotonic() + DEADLINE_SECONDS
    try:
        status = _status(where, body, headers, addresses=_looked_up(where, allow_private), end=end)
    except (OSError, HTTPException, ValueError) as error:
        late = isinstance(error, TimeoutError) or time.monotonic() >= end
        said = f"gave no answer within {DEADLINE_SECONDS:.0f} seconds" if late else f"{type(error).__name__}"
        raise UndeliveredError(f"{where.host}: {said}") from error
    if 300 <= status < 400:
        raise UndeliveredError(
            f"{where.host} answered {status}: redirects are not followed, so subscribe where it leads to"
        )
    if not 200 <= status < 300:
        raise UndeliveredError(f"{where.host} answered {status}", final=status == 410)


def _looked_up(where: Destination, allow_private: bool) -> list[str]:
    """The IP addresses of a name, asked for once: what is judged here is what is connected to.

    One that is not public spoils all, for a name that leads to both was made to deceive.
    """
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UndeliveredError(f"{where.host} is a name that leads nowhere") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    refused = [] if allow_private else [each for each in addresses if not is_public(each)]
    if refused:
        raise UndeliveredError(f"{where.host} leads to {refused[0]}, which is no public address")
    return addresses[:ADDRESSES]


def _status(
    where: Destination, body: bytes, headers: Mapping[str, str], *, addresses: list[str], end: float
) -> int:
    with _connected(addresses, where.port, end) as plain:
        channel = _wrapped(plain, where)
        with channel, _cut_off(channel, end):
            if isinstance(channel, ssl.SSLSocket):
                channel.do_handshake()
            talk = HTTPConnection(where.host, where.port)
            talk.sock = channel
            told = {**headers, "Host": where.authority, "User-Agent": "Handoff", "Connection": "close"}
            talk.request("POST", where.path, body, told)
            status = talk.getresponse().status
    return status


def _connected(addresses: list[str], port: int, end: float) -> socket.socket:
    for place, address in enumerate(addresses, start=1):
        left = min(CONNECT_SECONDS, end - time.monotonic())
        try:
            return socket.create_connection((address, port), timeout=max(left, 0.1))
        except OSError:
            if place == len(addresses):
                raise
    raise TimeoutError


def _wrapped(plain: socket.socket, where: Destination) -> socket.socket:
    """With TLS, for the name that was asked for, whatever address it led to."""
    plain.settimeout(DEADLINE_SECONDS)
    if where.scheme == "http":
        return plain
    context = ssl.create_default_context()
    return context.wrap_socket(plain, server_hostname=where.host, do_handshake_on_connect=False)


@contextmanager
def _cut_off(channel: socket.socket, end: float) -> Iterator[None]:
    """End a connection at a moment: time-outs of sockets begin anew with each byte, this does not.

    Raises ``TimeoutError`` then, whatever was read: half a head looks like a whole one.
    """
    timer = Timer(max(end - time.monotonic(), 0), _shut, [channel])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if time.monotonic() >= end:
        raise TimeoutError


def _shut(channel: socket.socket) -> None:
    try:
        # not the method of TLS sockets, which would take away what another thread reads from just now
        socket.socket.shutdown(channel, socket.SHUT_RDWR)
    except OSError:  # it is closed already
        return
