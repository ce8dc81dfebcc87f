"""gRPC-Web as a browser has it."""

import base64
import struct
from dataclasses import dataclass
from urllib.parse import unquote

HEADERS = {"content_type": "application/grpc-web+proto", "x_grpc_web": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Messages and trailers."""

    messages: tuple[bytes, ...]
    trailers: dict[str, str]

    @property
    def status(self) -> int:
        """GRPC's code."""
        return int(self.trailers["grpc-status"])

    @property
    def text(self) -> str:
        """The sentence."""
        return unquote(self.trailers.get("grpc-message", ""))

    def binary(self, name: str) -> bytes:
        """A trailer that ends in `-bin`."""
        value = self.trailers[name]
        return base64.b64decode(value + "=" * (-len(value) % 4))


def frame(message: bytes) -> bytes:
    """A request."""
    return b"\0" + struct.pack(">I", len(message)) + message


def parsed(body: bytes) -> Answer:
    """A whole answer."""
    messages, trailers = [], {}
    while body:
        flag, length = body[0], struct.unpack(">I", body[1:5])[0]
        data, body = body[5 : 5 + length], body[5 + length :]
        if flag & 0x80:
            trailers = dict(line.split(": ", 1) for line in data.decode().splitlines())
        else:
            messages.append(data)
    return Answer(messages=tuple(messages), trailers=trailers)
