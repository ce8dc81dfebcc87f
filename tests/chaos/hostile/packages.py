"""Archives of models that lead elsewhere, swell, or lie about what is in them."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from typing import Final

from chaos.hostile.case import Case

_ELSEWHERE: Final = (
    "../config.json", "/config.json", "../../stage1/weights.pth", "C:\\config.json", "..\\config.json", "stage1/../../x",
    "/etc/cron.d/evil", "./config.json", "config.json/../../x", "stage3/model.json", "a/b/config.json", ".a/config.json",
    "config.json\0.txt", "CONFIG.JSON", "stage1/weights.pth/", "~/config.json",
)  # fmt: skip


def cases() -> list[Case]:
    """All of them."""
    found: dict[str, Callable[[], bytes]] = {f"named {name!r}": _named(name) for name in _ELSEWHERE}
    found |= {
        "nothing": lambda: b"",
        "no archive": lambda: b"PK but no more",
        "empty": lambda: packed({}),
        "5,000 files": lambda: packed({f"{number}.txt": b"" for number in range(5000)}),
        "a configuration of 200 MB": lambda: packed({"config.json": b" " * (200 << 20)}),
        "an archive in itself": lambda: packed({"archive.zip": packed({"config.json": b"{}"})}),
        "a link": _link,
        "twice the same name": _twice,
        "a size that lies": lambda: _lying(24, 2**31),
        "a packed size that lies": lambda: _lying(20, 2**31),
        "an unknown compression": lambda: _lying(10, 99),
        "a wrong checksum": lambda: _lying(16, 12345),
        "encrypted": lambda: _lying(8, 1),
        "an offset that lies": lambda: _lying(42, 2**31),
        "noise inside": lambda: packed({"config.json": b"{}", "stage1/weights.pth": bytes(range(256))}),
    }
    return [Case(family="package", name=name, build=build) for name, build in found.items()]


def _named(name: str) -> Callable[[], bytes]:
    return lambda: packed({name: b"{}"})


def packed(files: dict[str, bytes]) -> bytes:
    """An archive of those files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def _link() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("config.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


def _twice() -> bytes:
    return packed({"config.json": b"{}", "config.jsoN": b"[]"}).replace(b"config.jsoN", b"config.json")


def _lying(place: int, value: int) -> bytes:
    """An archive whose directory has another number at `place` of its first entry."""
    content = bytearray(packed({"config.json": b"{}" * 1000}))
    start = content.index(b"PK\x01\x02") + place
    content[start : start + 4] = struct.pack("<I", value)
    return bytes(content)
