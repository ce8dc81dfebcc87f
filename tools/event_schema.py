"""Writes the JSON schema of the events from the protos: `python tools/event_schema.py`, in `make gen`."""

import json
from pathlib import Path
from typing import Any

from clearstack.v1.event_pb2 import Event
from google.protobuf.descriptor import Descriptor, FieldDescriptor

TARGET = Path(__file__).parents[1] / "docs" / "events.schema.json"
KIND = "kind"
_INT64 = {
    "type": "string",
    "pattern": "^-?[0-9]+$",
}  # as proto-JSON writes them: JavaScript has no such numbers
_NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_SCALARS: dict[int, dict[str, Any]] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer"},
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_FLOAT: _NUMBER,
    FieldDescriptor.TYPE_DOUBLE: _NUMBER,
}


def schema() -> dict[str, Any]:
    """Of the body of every message on `clearstack.evt.>`, exactly one kind being set."""
    definitions: dict[str, Any] = {}
    _define(Event.DESCRIPTOR, definitions)
    kinds = [field.name for field in Event.DESCRIPTOR.oneofs_by_name[KIND].fields]
    event = definitions["clearstack.v1.Event"]
    event["required"] = ["id", "run", "time"]
    event["oneOf"] = [{"required": [kind]} for kind in kinds]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of Clearstack",
        "description": "Written by tools/event_schema.py. Ignore fields that are not named here: later versions have more.",
        "$ref": "#/$defs/clearstack.v1.Event",
        "$defs": dict(sorted(definitions.items())),
    }


def _define(message: Descriptor, definitions: dict[str, Any]) -> None:
    if message.full_name in definitions:
        return
    properties: dict[str, Any] = {}
    definitions[message.full_name] = {"type": "object", "properties": properties}
    for field in message.fields:
        properties[field.name] = _field(field, definitions)


def _field(field: FieldDescriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    one = _one(field, definitions)
    return {"type": "array", "items": one} if field.is_repeated else one


def _one(field: FieldDescriptor, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.enum_type is not None:
        return {"enum": [value.name for value in field.enum_type.values]}
    if field.message_type is None:
        return _SCALARS[field.type]
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return {"type": "string", "format": "date-time"}
    _define(field.message_type, definitions)
    return {"$ref": f"#/$defs/{field.message_type.full_name}"}


def main() -> None:
    """Writes the file."""
    TARGET.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
