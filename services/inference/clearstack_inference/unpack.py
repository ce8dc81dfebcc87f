"""Unpacks an archive of a stranger: only files that a model has, and never more bytes than allowed."""

import shutil
import zipfile
from pathlib import Path
from typing import IO

from clearstack_common.model_files import FILE_NAMES
from clearstack_engine.errors import ModelFilesError

_MAX_BYTES = 8 << 30
_MAX_ENTRIES = 1000
_CHUNK_BYTES = 1 << 20


def unpack(archive: Path, folder: Path) -> None:
    """Write a model's files from an archive into a folder; the archive may hold them in a folder of their own.

    Raises:
        ModelFilesError: it is no zip archive, is damaged, holds no model, or is far larger unpacked than packed.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = _entries(packed)
            budget = _MAX_BYTES
            for name, entry in entries.items():
                with packed.open(entry) as source:
                    budget -= _copy(source, folder / name, budget)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise ModelFilesError(f"The archive cannot be unpacked: {str(error)[:200]}.") from error


def _entries(packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The model's files by their names in a model."""
    infos = packed.infolist()
    if len(infos) > _MAX_ENTRIES:
        raise ModelFilesError(f"The archive holds {len(infos)} files; a model has a dozen.")
    tops = [info.filename.removesuffix("config.json") for info in infos if _is_config(info.filename)]
    top = min(tops, key=len, default="")
    entries = {
        info.filename.removeprefix(top): info
        for info in infos
        if FILE_NAMES.fullmatch(info.filename.removeprefix(top))
    }
    if not entries:
        raise ModelFilesError(
            "The archive holds no model: config.json, stage1/weights.pth and so on, as `models export` makes it."
        )
    return entries


def _is_config(name: str) -> bool:
    in_a_folder = name.endswith("/config.json") and name.count("/") == 1
    return name == "config.json" or (in_a_folder and not name.startswith(("/", ".")))


def _copy(source: IO[bytes], target: Path, budget: int) -> int:
    """Copies at most `budget` bytes, whatever the archive says of the size; returns how many."""
    target.parent.mkdir(parents=True, exist_ok=True)
    num_bytes = 0
    with target.open("wb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            num_bytes += len(chunk)
            if num_bytes > budget:
                shutil.rmtree(target.parent, ignore_errors=True)
                raise ModelFilesError(f"The archive holds more than {_MAX_BYTES >> 30} GiB.")
            file.write(chunk)
    return num_bytes
