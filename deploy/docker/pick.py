"""Prints the entries of a lock file that a list of packages names, hashes included.

Args (command line): the lock file, the list (one name a line).
"""

import re
import sys
from pathlib import Path


def main(lock: Path, packages: Path) -> None:
    """Print them, in the order of the lock."""
    wanted = set(packages.read_text(encoding="utf-8").split())
    for entry in re.split(r"^(?=\S)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE):
        if entry.partition("==")[0] in wanted:
            sys.stdout.write(entry)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
