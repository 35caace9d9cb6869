"""How our processes talk: frames over a pair of pipes, 4 bytes of length (big-endian), then the payload."""

from __future__ import annotations

import struct
from typing import IO

HEADER = struct.Struct(">I")


def send(stream: IO[bytes], payload: bytes) -> None:
    """Write one frame. Raises OSError if the other side is gone."""
    stream.write(HEADER.pack(len(payload)) + payload)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next payload; None at the end of the stream, also in the middle of a frame (the sender died)."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    payload = stream.read(length)
    return payload if len(payload) == length else None
