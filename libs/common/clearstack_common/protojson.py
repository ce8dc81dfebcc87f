"""Protobuf messages as JSON, the one way in which we store and publish them."""

from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


def encode(message: Message) -> bytes:
    """Compact JSON with the protos' field names."""
    return json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None).encode()


def decode(data: bytes, message_type: type[M]) -> M:
    """Reads what `encode` wrote; fields that this version does not know are left out.

    Raises:
        google.protobuf.json_format.ParseError: The data is not such JSON.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise json_format.ParseError("The data is not UTF-8.") from error
    return json_format.Parse(text, message_type(), ignore_unknown_fields=True)
