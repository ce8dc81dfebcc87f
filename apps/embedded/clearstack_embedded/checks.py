"""What is wrong with an installation on this machine, as far as it can be seen without asking its gateway."""

import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from clearstack_embedded.folder import DataFolder
from clearstack_embedded.status import read_status

# Broker and store stop taking anything when their disk is full; a training's checkpoints are some hundred megabytes.
_TOO_LITTLE_BYTES, _LITTLE_BYTES = 1 << 30, 10 << 30
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFinding:
    """What was looked at, whether it is "ok", "warn" or "bad", what was found, and what to do."""

    check: str
    verdict: str
    found: str
    mend: str = ""


def check_folder(root: Path) -> list[LocalFinding]:
    """Processes, room and privacy of the installation on a data folder; empty where there is none."""
    folder = DataFolder(root)
    if not folder.secrets.exists():
        return []
    return [*_processes(root), _room(root), _privacy(folder)]


def _processes(root: Path) -> list[LocalFinding]:
    found = read_status(root)
    if not found:
        return [
            LocalFinding(
                check="processes",
                verdict="bad",
                found=f"No installation runs on {root}.",
                mend="Start it with `clearstack up`.",
            )
        ]
    ill = [each for each in found if not each.healthy]
    if not ill:
        return [
            LocalFinding(check="processes", verdict="ok", found=f"All {len(found)} processes are healthy.")
        ]
    return [
        LocalFinding(
            check="processes",
            verdict="bad",
            found=f"{each.name} {each.detail}.",
            mend=f"See `clearstack logs {each.name}`; it is started again by itself as long as `clearstack up` runs.",
        )
        for each in ill
    ]


def _room(root: Path) -> LocalFinding:
    free_bytes = shutil.disk_usage(root).free
    found = f"{free_bytes / (1 << 30):.1f} GiB are free on the disk of {root}."
    verdict = "bad" if free_bytes < _TOO_LITTLE_BYTES else "warn" if free_bytes < _LITTLE_BYTES else "ok"
    mend = (
        "" if verdict == "ok" else "Make room, or move the folder to a larger disk; docs/backup.md says how."
    )
    return LocalFinding(check="disk", verdict=verdict, found=found, mend=mend)


def _privacy(folder: DataFolder) -> LocalFinding:
    paths = (folder.secrets, folder.store / "identities.json", *folder.certificates.glob("*.key"))
    open_paths = [str(path) for path in paths if path.exists() and path.stat().st_mode & _FOR_OTHERS]
    if not open_paths:
        return LocalFinding(check="secrets", verdict="ok", found="The keys are private to this user.")
    return LocalFinding(
        check="secrets",
        verdict="bad",
        found=f"Other users of this machine can get at {', '.join(open_paths)}.",
        mend=f"Say `chmod go= {' '.join(open_paths)}`; if they may have read the keys: stop, delete secrets.json, start.",
    )
