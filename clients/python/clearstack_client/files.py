"""Files on this machine: checksums, and targets that are there only when they are whole."""

import contextlib
import getpass
import hashlib
import platform
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# Of an upload; the API takes no more in one message.
CHUNK_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """Of the whole file, lower-case hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def upload_id(display_name: str, sha256: str) -> str:
    """An id that is the same when the same person sends the same file from the same machine again.

    With it a restarted program finds the upload that it had begun; others never get this one's stack.
    """
    text = f"{getpass.getuser()}\n{platform.node()}\n{display_name}\n{sha256}"
    return hashlib.sha256(text.encode()).hexdigest()[:40]


@contextlib.contextmanager
def written_whole(target: Path) -> Iterator[BinaryIO]:
    """A file beside `target` that takes its place when the block ends well, and is removed otherwise."""
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
