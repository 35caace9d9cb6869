"""Fetching a picture that a client names by its address: public machines only, no redirects, so much and no longer.

The name is looked up once, every answer has to be a public address, and the connection goes to the one that was checked: a name
that answers otherwise the second time leads nowhere (CVE-2025-6242 is about the lack of this).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from pagesight.engine.server.errors import BadRequest

CONNECT_SECONDS, SECONDS = 5.0, 20.0
CHUNK = 1 << 16
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291; IANA gives out public addresses here only


def fetch(address: str, *, max_bytes: int) -> bytes:
    """The body of a public http or https address. Raises BadRequest."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise BadRequest(f"{address[:200]!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or port not in (80, 443):
        raise BadRequest(f"{address[:200]!r} is not fetched: only http and https at their usual ports, without a user")
    until = time.monotonic() + SECONDS
    try:
        return _read(host, port, parts.scheme == "https", _path(parts), max_bytes, until)
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: no name that the DNS could have
        raise BadRequest(f"{address[:200]!r} cannot be fetched: {error or type(error).__name__}") from error


def public_address(host: str, port: int) -> str:
    """Where a name leads, if every address that it has is public. Raises BadRequest, OSError."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for text in found:
        if not is_public(text):
            raise BadRequest(f"{host[:200]!r} is not fetched: it leads to {text}, which is not public")
    return found[0]


def is_public(text: str) -> bool:
    """Also of addresses inside others: ::ffff:10.0.0.1, 64:ff9b::10.0.0.1, 2002:a00:1::."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast


def _read(host: str, port: int, secure: bool, path: str, max_bytes: int, until: float) -> bytes:
    sock = socket.create_connection((public_address(host, port), port), timeout=CONNECT_SECONDS)
    if secure:
        context = ssl.create_default_context()
        sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    # The timeout of a socket is one of each piece; a server that sends a byte a second would never meet it.
    timer = threading.Timer(until - time.monotonic(), _hang_up, [sock])
    timer.daemon = True
    timer.start()
    try:
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        data = _answer(sock, host, port, path, max_bytes)
    except (OSError, http.client.HTTPException) as error:  # a connection that was hung up ends in many ways
        if time.monotonic() < until:
            raise
        raise _too_late() from error
    finally:
        timer.cancel()
        sock.close()
    if time.monotonic() >= until:
        raise _too_late()
    return data


def _too_late() -> TimeoutError:
    return TimeoutError(f"it was not sent within {SECONDS:g} seconds")


def _hang_up(sock: socket.socket) -> None:
    """Whoever reads finds the end of what was sent; the layer of TLS is not told, since another thread is in it."""
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _answer(sock: Any, host: str, port: int, path: str, max_bytes: int) -> bytes:
    connection = http.client.HTTPConnection(host, port)
    connection.sock = sock
    connection.request("GET", path, headers={"Accept": "image/*", "User-Agent": "pagesight"})
    with connection.getresponse() as answer:
        if answer.status != 200:
            raise BadRequest(f"{host[:200]!r} answered {answer.status}; redirects are not followed")
        data = bytearray()
        while chunk := answer.read1(CHUNK):
            data += chunk
            if len(data) > max_bytes:
                raise BadRequest(f"{host[:200]!r} sends more than the {max_bytes} bytes that are read")
    return bytes(data)


def _path(parts: Any) -> str:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or any(c <= " " for c in path):
        raise BadRequest(f"{path[:200]!r} is not a path as http has it; encode it")
    return path
