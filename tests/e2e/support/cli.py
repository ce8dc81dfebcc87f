"""The command line as a person without a terminal uses it."""

import subprocess
from dataclasses import dataclass

from e2e.support.installation import CLEARSTACK, RunningInstallation, clean_environment

_TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


def clearstack(*arguments: object, installation: RunningInstallation | None = None) -> Outcome:
    """Runs a command, against a running installation if one is given."""
    environment = clean_environment() | {"COLUMNS": "200"}
    if installation is not None:
        environment["CLEARSTACK_ENDPOINT"] = installation.endpoint
    done = subprocess.run(
        [CLEARSTACK, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
        env=environment,
    )
    return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)
