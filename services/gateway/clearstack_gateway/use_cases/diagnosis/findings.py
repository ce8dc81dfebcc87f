"""Making findings: a sentence on what was found, and one on what to do."""

from clearstack.v1 import admin_service_pb2 as pb


def ok(check: str, found: str) -> pb.Finding:
    """All is well."""
    return pb.Finding(check=check, verdict=pb.VERDICT_OK, found=found)


def warn(check: str, found: str, mend: str) -> pb.Finding:
    """It works, and wants a look."""
    return pb.Finding(check=check, verdict=pb.VERDICT_WARN, found=found, mend=mend)


def bad(check: str, found: str, mend: str) -> pb.Finding:
    """It does not work."""
    return pb.Finding(check=check, verdict=pb.VERDICT_BAD, found=found, mend=mend)
