"""What clients give a model to read: a text, or a picture in one of the spellings that clients of other servers use.

"a text"   "data:image/png;base64,..."   {"text": "..."}   {"image": "<data URI, base64 or address>"}   {"bytes": "<base64>"}
{"url": "https://..."}
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pagesight.engine.server.errors import BadRequest

if TYPE_CHECKING:
    from pagesight.engine.server.settings import ServerSettings

ADDRESSES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Given:
    """A text, or else the file of a picture, which is opened when it is its turn: small files can be large pictures."""

    text: str = ""
    picture: bytes | None = None


def given(
    text: str | None, picture: str | None, settings: ServerSettings, *, param: str, is_base64: bool = False
) -> Given:
    """Read one of them. Raises BadRequest.

    picture: a data URI, an address if the server may fetch, or base64; is_base64: nothing but that. param: its place in the
    request, for messages.
    """
    if picture is None and text is not None and text.startswith("data:image/"):
        picture, text = text, None
    if (text is None) == (picture is None):
        raise BadRequest(f"{param}: give either a text or a picture", param)
    if picture is None:
        return Given(text or "")
    if picture.startswith(ADDRESSES) and not is_base64:
        return Given(picture=_fetched(picture, settings, param))
    return Given(picture=_decoded(picture, param))


def _fetched(address: str, settings: ServerSettings, param: str) -> bytes:
    if not settings.fetch_urls:
        raise BadRequest(
            f"{param}: this server fetches no addresses; send the picture itself, as data:image/png;base64,...", param
        )
    from pagesight.engine.server.fetch import fetch

    return fetch(address, max_bytes=settings.limits.picture_bytes)


def _decoded(text: str, param: str) -> bytes:
    """The bytes of a data URI (RFC 2397), or of base64 alone."""
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise BadRequest(f"{param}: a picture in a data URI is in base64: data:image/png;base64,...", param)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"{param}: the picture is not in base64: {error}", param) from error
