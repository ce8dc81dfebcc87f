"""Opens TIFF files with tifffile: quietly, one file only, and with errors that people understand."""

from __future__ import annotations

import errno
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import tifffile

from clearstack_stacks.errors import UNREADABLE, StackRefused
from clearstack_stacks.refusals import too_much_memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What tifffile finds odd is checked by us and said in our words; its log lines would alarm nobody usefully.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)


@contextmanager
def open_tiff(path: Path | BinaryIO) -> Iterator[tifffile.TiffFile]:
    """Open a file by its path, or one that is open already and stays so; other files of a multi-file OME set are never touched.

    Raises:
        StackRefused: UNREADABLE.
    """
    with refusing_damage("its head can't be read"):
        tif = tifffile.TiffFile(path, _multifile=False)
    with tif:
        yield tif


@contextmanager
def refusing_damage(what: str) -> Iterator[None]:
    """Turn whatever tifffile and its codecs raise about a damaged file into a refusal.

    Raises:
        StackRefused: UNREADABLE, or TOO_LARGE where memory does not suffice.
        OSError: the file can't be read at all.
    """
    try:
        yield
    except StackRefused:
        raise
    except MemoryError as error:
        raise too_much_memory() from error
    except OSError as error:
        # A seek to a nonsensical offset is the file's fault, any other failure the disk's.
        if error.errno in {None, errno.EINVAL}:
            raise damaged(what) from error
        raise
    except Exception as error:
        # Damage shows as nearly every exception there is: struct, index, key, type, arithmetic, codec errors.
        raise damaged(what) from error


def damaged(what: str) -> StackRefused:
    """The refusal of a file that is a TIFF, but broken."""
    return StackRefused(
        UNREADABLE,
        f"The file is damaged: {what}. Copy it again from where it was recorded, or open it in Fiji and save it anew.",
    )
