"""Opens TIFF files with tifffile: quietly, one file only, and with errors that people understand."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import tifffile

from clearstack_stacks.errors import UNREADABLE, StackRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What tifffile finds odd is checked by us and said in our words; its log lines would alarm nobody usefully.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)


@contextmanager
def open_tiff(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open `path`; other files of a multi-file OME set are never touched.

    Raises:
        StackRefused: UNREADABLE.
    """
    try:
        tif = tifffile.TiffFile(path, _multifile=False)
    except (tifffile.TiffFileError, ValueError, IndexError, KeyError, TypeError) as error:
        raise damaged("its head can't be read") from error
    with tif:
        yield tif


def damaged(what: str) -> StackRefused:
    """The refusal of a file that is a TIFF, but broken."""
    return StackRefused(
        UNREADABLE,
        f"The file is damaged: {what}. Copy it again from where it was recorded, or open it in Fiji and save it anew.",
    )
