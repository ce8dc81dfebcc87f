"""`--set stage1.epochs=5`: parts of a training's configuration, as typed."""

from collections.abc import Iterable
from typing import Annotated, Any, cast

import typer
from clearstack.v1.config_pb2 import TrainingConfig
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from clearstack_cli.errors import UsageError

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="Differ from the preset, for example stage1.epochs=5; may be repeated.",
        show_default=False,
    ),
]

_TRUE, _FALSE = frozenset({"true", "on", "yes", "1"}), frozenset({"false", "off", "no", "0"})
_UNKNOWN = "there is no such field"
_INTEGERS = frozenset({FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64})


def parse(assignments: Iterable[str]) -> TrainingConfig:
    """The configuration with only the given fields set.

    Raises:
        UsageError: Fields that do not exist or values of another type; all of them are named.
    """
    config = TrainingConfig()
    problems = []
    for assignment in assignments:
        try:
            _assign(config, assignment)
        except ValueError as error:
            problems.append(f"  {assignment}: {error}")
    if problems:
        raise UsageError("\n".join(["These --set options make no sense:", *problems, _fields_there_are()]))
    return config


def field_paths(kind: Descriptor = TrainingConfig.DESCRIPTOR, prefix: str = "") -> list[str]:
    """Every field that can be set: `stage1.epochs`, …, `seed`."""
    paths: list[str] = []
    for field in kind.fields:
        if field.message_type:
            paths += field_paths(field.message_type, f"{prefix}{field.name}.")
        else:
            paths.append(prefix + field.name)
    return paths


def enum_words(field: Any) -> dict[str, int]:
    """The values of an enum field as they are typed: `local_mean`, …; none for a field of another type."""
    values = field.enum_type.values if field.enum_type is not None else []
    if not values:
        return {}
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    return {value.name.removeprefix(prefix).lower(): value.number for value in values[1:]}


def _fields_there_are() -> str:
    stage = [path.removeprefix("stage1.") for path in field_paths() if path.startswith("stage1.")]
    others = [path for path in field_paths() if not path.startswith("stage")]
    return f"The fields are stage1.… and stage2.… with {', '.join(stage)}; and {', '.join(others)}."


def _assign(config: TrainingConfig, assignment: str) -> None:
    path, separator, text = assignment.partition("=")
    if not separator:
        raise ValueError("write FIELD=VALUE")
    *parents, last = path.strip().split(".")
    target: Message = config
    for parent in parents:
        _field(target, parent, is_message=True)
        target = getattr(target, parent)
    setattr(target, last, _value(_field(target, last, is_message=False), text.strip()))


def _field(message: Message, name: str, *, is_message: bool) -> FieldDescriptor:
    field = message.DESCRIPTOR.fields_by_name.get(name)
    if field is None or (field.message_type is not None) is not is_message:
        raise ValueError(_UNKNOWN)
    return cast("FieldDescriptor", field)  # the stubs know two classes of one name


def _value(field: FieldDescriptor, text: str) -> int | float | bool:
    if field.enum_type is not None:
        return _enum(field, text)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _bool(text)
    if field.cpp_type in _INTEGERS:
        return _integer(text)
    try:
        return float(text)
    except ValueError:
        raise ValueError("the value is a number, for example 0.0001") from None


def _enum(field: FieldDescriptor, text: str) -> int:
    known = enum_words(field)
    word = text.lower().replace("-", "_")
    if word not in known:
        raise ValueError(f"the value is one of {', '.join(known)}")
    return known[word]


def _bool(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError("the value is on or off")


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("the value is a whole number") from None
