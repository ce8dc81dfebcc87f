"""The gateway's own machine: its disk and its certificate."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clearstack.v1.admin_service_pb2 import Finding
from cryptography import x509

from clearstack_gateway.use_cases.diagnosis.findings import bad, ok, warn

# A stack is validated in the scratch folder: below the first most uploads fail, below the second large ones may.
_TOO_LITTLE_BYTES, _LITTLE_BYTES = 1 << 30, 10 << 30
_RENEW_BEFORE = timedelta(days=30)


def scratch(folder: Path) -> Finding:
    """Whether uploads find room."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free_bytes = shutil.disk_usage(there).free
    found = f"{free_bytes / (1 << 30):.1f} GiB are free for the gateway's scratch files ({folder})."
    mend = (
        "Make room there, or set CLEARSTACK_SCRATCH to a folder on a larger disk and start the gateway again."
    )
    if free_bytes < _TOO_LITTLE_BYTES:
        return bad("scratch", found, mend)
    return warn("scratch", found, mend) if free_bytes < _LITTLE_BYTES else ok("scratch", found)


def certificate(path: Path | None, now: datetime) -> Finding:
    """Whether the certificate will do for a while."""
    if path is None:
        return ok("certificate", "The gateway serves without TLS of its own.")
    mend = f"Put a new certificate into {path} and start the gateway again: it reads it at its start."
    try:
        ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return bad("certificate", f"{path} cannot be read as a certificate any more.", mend)
    found = f"The gateway's certificate ends on {ends.astimezone(UTC):%Y-%m-%d}."
    if ends <= now:
        return bad("certificate", found, mend)
    return warn("certificate", found, mend) if ends - now < _RENEW_BEFORE else ok("certificate", found)
