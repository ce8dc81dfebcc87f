"""gRPC-Web on the wire: frames of a flag, a length and bytes; the last one holds what gRPC has as trailers."""

import base64
import re
import struct
from collections.abc import Iterable
from urllib.parse import quote

CONTENT_TYPE = "application/grpc-web+proto"
CONTENT_TYPES = frozenset({CONTENT_TYPE, "application/grpc-web"})

_HEAD = struct.Struct(">BI")
_TRAILERS = 0x80
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])")
_UNITS_S = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
# Of the trailers, what is the transport's own is written by us.
_OWN = frozenset({"grpc-status", "grpc-message"})

Trailers = Iterable[tuple[str, str | bytes]]


class FrameError(ValueError):
    """The body is not one message in one frame."""


def message_of(body: bytes) -> bytes:
    """The one message of a request.

    Raises:
        FrameError: There is none, more than one, or it is compressed.
    """
    if len(body) < _HEAD.size:
        raise FrameError("The request has no message.")
    flag, length = _HEAD.unpack_from(body)
    if flag != 0 or len(body) != _HEAD.size + length:
        raise FrameError("The request is not one uncompressed message.")
    return body[_HEAD.size :]


def data_frame(message: bytes) -> bytes:
    """One message of the answer."""
    return _HEAD.pack(0, len(message)) + message


def trailer_frame(status: int, message: str = "", trailers: Trailers = ()) -> bytes:
    """The end of the answer: status, sentence, and what the gateway sent along, such as `grpc-status-details-bin`."""
    lines = [f"grpc-status: {status}"]
    if message:
        lines.append(f"grpc-message: {quote(message, safe=' !#$&()*+,/:;=?@[]')}")
    lines += [f"{key}: {_value(value)}" for key, value in trailers if key not in _OWN]
    text = "".join(f"{line}\r\n" for line in lines).encode("ascii", "replace")
    return _HEAD.pack(_TRAILERS, len(text)) + text


def timeout_s(header: str | None) -> float | None:
    """The seconds in a `grpc-timeout` such as `1500m`; None if there is none, or none that can be read."""
    match = _TIMEOUT.fullmatch(header or "")
    return int(match[1]) * _UNITS_S[match[2]] if match else None


def _value(value: str | bytes) -> str:
    return base64.b64encode(value).decode().rstrip("=") if isinstance(value, bytes) else value
