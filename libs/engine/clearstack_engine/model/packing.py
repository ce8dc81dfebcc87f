"""Zip archives of whole folders: the same bytes for the same content."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)  # of the zip format
_READABLE = 0o644 << 16
_CHUNK_BYTES = 1 << 20


def pack(folder: Path, archive: Path) -> None:
    """Write all files below a folder into an archive. Weights hardly get smaller: they are stored as they are."""
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date_time=_FIRST_MOMENT)
            entry.external_attr = _READABLE
            is_text = path.suffix in {".json", ".yaml", ".md"}
            entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
            with path.open("rb") as source, target.open(entry, "w", force_zip64=True) as packed:
                while chunk := source.read(_CHUNK_BYTES):
                    packed.write(chunk)
