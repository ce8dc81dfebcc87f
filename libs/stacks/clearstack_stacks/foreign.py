"""Names the formats that are taken for TIFF by mistake."""

from __future__ import annotations

from typing import Final

_STARTS: Final = (
    (b"ZISRAWFILE", "a Zeiss CZI file"),
    (b"\xda\xce\xbe\x0a", "a Nikon ND2 file"),
    (b"\x70\x00\x00\x00", "a Leica LIF file"),
    (b"\x89HDF", "an HDF5 file (Imaris or ilastik write such files)"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\xd0\xcf\x11\xe0", "an Olympus or other compound document (OIB, ZVI)"),
)


def name_of_format(start: bytes) -> str:
    """What a file is by its first bytes, as ": it looks like ..."; empty when unknown."""
    for magic, name in _STARTS:
        if start.startswith(magic):
            return f": it looks like {name}"
    return ""
