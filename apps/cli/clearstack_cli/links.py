"""Files behind links that are valid for a short while."""

import hashlib
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from clearstack.v1.model_service_pb2 import ModelFileLink
from clearstack_client.files import written_whole

from clearstack_cli.errors import CliError

_TIMEOUT_S = 60.0


def fetch_all(links: Iterable[ModelFileLink], folder: Path) -> list[Path]:
    """Writes every file below `folder`, in the folders that its path names.

    Raises:
        CliError: A link cannot be fetched, or what comes is not what was announced.
        OSError: The folder cannot be written.
    """
    return [_fetch(link, _inside(folder, link.path)) for link in links]


def _inside(folder: Path, path: str) -> Path:
    parts = PurePosixPath(path).parts
    hostile = any(part == ".." or "\\" in part or not part.isprintable() for part in parts)
    if not parts or hostile or PurePosixPath(path).is_absolute():
        raise CliError(
            f"The installation names a file {path[:80]!r} that lies outside of the folder, or is no file; not written."
        )
    return folder.joinpath(*parts)


def _fetch(link: ModelFileLink, target: Path) -> Path:
    if not link.url.startswith(("http://", "https://")):
        raise CliError(f"The installation gave no web link for {link.path}; not fetched.")
    target.parent.mkdir(parents=True, exist_ok=True)
    # The store is on this machine or in this house; a web proxy knows neither.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(link.url, timeout=_TIMEOUT_S) as response, written_whole(target) as file:
            shutil.copyfileobj(response, file)
            file.flush()
            _check(link, Path(file.name))
    except urllib.error.URLError as error:
        raise CliError(f"{link.path} could not be fetched ({error.reason}). Try again.") from error
    return target


def _check(link: ModelFileLink, part: Path) -> None:
    with part.open("rb") as file:
        if link.sha256 and hashlib.file_digest(file, "sha256").hexdigest() != link.sha256:
            raise CliError(f"{link.path} did not arrive whole: its checksum differs. Download it again.")
