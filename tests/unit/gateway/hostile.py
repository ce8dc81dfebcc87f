"""Names and requests that nobody sends by mistake: made by chance from a seed, the same ones each time."""

import random
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_PARTS = (
    "..", ".", "...", "~", "%2e%2e", "%2f", "..%2f", "..%5c", "..\\", "\\", "/", "//", "C:\\", "\\\\host\\share",
    "\0", "a\0b", "\n", "\r\n", "\t", "\x1b[2J", "\x7f", " ", "", "-", "--help", "-rf", "*", "?", ">", "$KV", "$JS.API",
    "`id`", "$(id)", ";ls", "|", "&", "'", '"', "{}", "${HOME}", "%s%n", "<script>", "'; DROP TABLE stacks;--",
    "é", "e\u0301", "ﬁle", "\u202egnp.tif", "\ufeff", "\u200b", "／", "．．／", "∕", "\ud7ff", "😀", "İ", "ß", "K",
    "CON", "NUL", "aux.tif", "etc/passwd", ".ssh/authorized_keys", "proc/self/environ", "original.tif",
    "parts", "parts/0000000000000000", "uploaded.tif", "record.json", "models", "results", "stacks", "s", "imported",
    "x" * 255, "x" * 5000, "../" * 50,
)  # fmt: skip
_PREFIXES = (
    "",
    "/",
    "stacks/",
    "trainings/",
    "models/",
    "denoisings/",
    "rules/",
    "stacks/s/",
    "stacks/../",
    "file://",
)
_INTEGERS = (
    0,
    1,
    -1,
    2,
    19,
    20,
    1000,
    1001,
    2**31 - 1,
    -(2**31),
    2**31,
    2**63 - 1,
    -(2**63),
    2**32,
    2**64 - 1,
)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-300, 1e308, -1e308, float("nan"), float("inf"), float("-inf"), 15.0)
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_DEEPEST = 5
_NAMES = frozenset({"name", "stack", "training", "model"})


def hostile_names(count: int, seed: int = 0) -> Sequence[str]:
    """Names for traversal, absolute paths, NUL, Unicode, wildcards and great length; each is another one."""
    chance = random.Random(seed)
    names: dict[str, None] = dict.fromkeys(_PARTS)
    while len(names) < count:
        parts = chance.choices(_PARTS, k=chance.randint(1, 4))
        names[chance.choice(_PREFIXES) + chance.choice(("/", "", "\\", "%2f")).join(parts)] = None
    return list(names)[:count]


class Requests:
    """Makes requests of any type.

    Args:
        seed: The same seed gives the same requests.
        known: Names of what there is, so that some requests get further than the check of their names.
    """

    def __init__(self, seed: int, known: Sequence[str]) -> None:
        self._chance = random.Random(seed)
        self._known = known

    def wire(self, kind: Descriptor) -> bytes:
        """One request as it travels; some are cut off, some damaged, some are noise."""
        chance = self._chance
        if chance.random() < 0.03:
            return chance.randbytes(chance.randint(0, 200))
        data = self._message(kind, 0).SerializeToString()
        if data and chance.random() < 0.05:
            damaged = bytearray(data)
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            data = bytes(damaged)
        return data[: chance.randrange(len(data))] if data and chance.random() < 0.03 else data

    def _message(self, kind: Descriptor, depth: int) -> Message:
        message = GetMessageClass(kind)()
        for field in kind.fields:
            is_name = depth == 0 and field.name in _NAMES
            if self._chance.random() < (0.95 if is_name else 0.4):
                self._fill(message, field, depth)
        return message

    def _fill(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return
        if field.message_type is not None:
            if depth < _DEEPEST:
                targets = [getattr(message, field.name)]
                if field.is_repeated:
                    targets = [targets[0].add() for _ in range(self._chance.randint(0, 3))]
                for target in targets:
                    target.SetInParent()
                    target.MergeFrom(self._message(field.message_type, depth + 1))
        elif field.is_repeated:
            getattr(message, field.name).extend(self._value(field) for _ in range(self._chance.randint(0, 4)))
        else:
            setattr(message, field.name, self._value(field))

    def _value(self, field: FieldDescriptor) -> Any:
        chance = self._chance
        match field.cpp_type:
            case FieldDescriptor.CPPTYPE_BOOL:
                return chance.random() < 0.5
            case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
                return chance.randbytes(chance.choice((0, 1, 100, 100, 100, 5000, (1 << 20) + 1)))
            case FieldDescriptor.CPPTYPE_STRING:
                return self._text(field)
            case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
                return chance.choice((*_FLOATS, chance.uniform(-10, 100)))
            case FieldDescriptor.CPPTYPE_ENUM:
                assert field.enum_type is not None
                numbers = [value.number for value in field.enum_type.values]
                return chance.choice((*numbers * 3, 99, -1, 2**31 - 1))
            case kind:
                low, high = _RANGES[kind]
                return min(max(chance.choice((*_INTEGERS, chance.randint(0, 100))), low), high)

    def _text(self, field: FieldDescriptor) -> str:
        if field.name in _NAMES and self._chance.random() < 0.8:
            wanted = field.full_name.lower()
            fitting = [name for name in self._known if name.partition("/")[0].removesuffix("s") in wanted]
            return self._chance.choice(fitting or self._known)
        if self._chance.random() < 0.3:
            return self._chance.choice(self._known)
        return self._chance.choice(_PREFIXES) + "/".join(
            self._chance.choices(_PARTS, k=self._chance.randint(1, 3))
        )
