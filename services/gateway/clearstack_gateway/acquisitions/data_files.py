"""Which objects are acquisitions, and whose."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from clearstack.v1.rule_service_pb2 import Rule
from clearstack_common.objects import StoredObject

_SUFFIXES = (".tif", ".tiff")


def is_data(found: StoredObject) -> bool:
    """Whether it is a TIFF: no folder, nothing hidden, no sidecar, nothing that is still being written."""
    parts = found.key.split("/")
    hidden = any(part.startswith(".") for part in parts)
    return found.size_bytes > 0 and not hidden and parts[-1].lower().endswith(_SUFFIXES)


def rule_for(rules: Iterable[Rule], bucket: str, found: StoredObject) -> Rule | None:
    """The rule whose acquisition this is: of those that fit the one with the longest prefix, then the oldest."""
    fitting = [rule for rule in rules if _fits(rule, bucket, found)]
    return min(fitting, key=_rank, default=None)


def _rank(rule: Rule) -> tuple[int, int, str]:
    return -len(rule.prefix), rule.create_time.ToNanoseconds(), rule.name


def _fits(rule: Rule, bucket: str, found: StoredObject) -> bool:
    if rule.source_bucket != bucket or not found.key.startswith(rule.prefix) or not is_data(found):
        return False
    written_s = found.written_at.timestamp() if found.written_at else 0.0
    if rule.HasField("start_time") and written_s < rule.start_time.ToNanoseconds() / 1e9:
        return False
    return not rule.file_pattern or _matches(rule.file_pattern, found.key.removeprefix(rule.prefix))


def _matches(pattern: str, path: str) -> bool:
    text = path if "/" in pattern else path.rpartition("/")[2]
    return fnmatchcase(text, pattern)
