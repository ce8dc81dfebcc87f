"""What `make web` does after the build of the page: packs its files, and writes down which sources they are made of.

`--check` says whether the committed build belongs to the sources; it needs no Node.
"""

import gzip
import hashlib
import json
import sys
from pathlib import Path

import imagecodecs

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "apps/web/page"
BUILT = ROOT / "apps/web/clearstack_web/static"
# Fetched or generated, and not committed.
_NOT_SOURCES = ("node_modules/", "src/gen/", "test-results/")
_PACKED = frozenset({".js", ".css", ".html", ".svg", ".json"})
_RECORD = "build.json"


def sources_sha256(folder: Path = SOURCES) -> str:
    """One hash over the names and bytes of all sources."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.as_posix()):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(_NOT_SOURCES):
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def pack(folder: Path = BUILT) -> None:
    """Writes each text file once more as Brotli and gzip, the same bytes each time."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _PACKED and path.name != _RECORD:
            data = path.read_bytes()
            path.with_name(f"{path.name}.br").write_bytes(imagecodecs.brotli_encode(data, level=11))
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(data, 9, mtime=0))


def recorded(folder: Path = BUILT) -> str:
    """The hash of the sources that the build is made of; empty = there is no build."""
    try:
        return str(json.loads((folder / _RECORD).read_text())["sources_sha256"])
    except FileNotFoundError:
        return ""


def main(arguments: list[str]) -> None:
    """Packs and records, or checks."""
    if arguments != ["--check"]:
        pack()
        (BUILT / _RECORD).write_text(json.dumps({"sources_sha256": sources_sha256()}) + "\n")
    elif SOURCES.exists() and recorded() != sources_sha256():
        sys.exit(
            "The page was changed after it was built: run `make web` (it needs Node) and commit the result."
        )


if __name__ == "__main__":
    main(sys.argv[1:])
