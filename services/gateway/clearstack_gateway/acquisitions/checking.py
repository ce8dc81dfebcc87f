"""What can be wrong with a rule, told all at once. Pure."""

import re
from collections.abc import Iterable, Iterator

from clearstack.v1 import config_pb2
from clearstack.v1.rule_service_pb2 import Rule, TrainAction
from clearstack.v1.training_service_pb2 import CreateTrainingRequest

from clearstack_gateway.use_cases.naming import for_people

# The installation's own folders: nothing in them is an acquisition, and nobody else writes there.
_OWN = ("stacks/", "models/", "results/", "records/")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LONGEST_PREFIX, _LONGEST_PATTERN = 500, 200
_LONGEST_SETTLE_S = 24 * 3600
_SETTLE_S = 10
_LATEST_S = 4102444800  # 2100
_INCOMING = "incoming/"

Violations = Iterator[tuple[str, str]]


def completed(rule: Rule, own_bucket: str) -> Rule:
    """The rule with what it leaves open filled in; it has a name already."""
    after = Rule()
    after.CopyFrom(rule)
    rule_id = rule.name.rpartition("/")[2]
    after.display_name = for_people(rule.display_name) or rule_id
    after.source_bucket = "" if rule.source_bucket == own_bucket else rule.source_bucket
    after.results_bucket = rule.results_bucket or rule.source_bucket or own_bucket
    if not after.prefix and not after.source_bucket:
        after.prefix = _INCOMING
    after.results_prefix = after.results_prefix or f"denoised/{rule_id}/"
    if not after.HasField("settle_time"):
        after.settle_time.FromSeconds(_SETTLE_S)
    return after


def violations(rule: Rule, others: Iterable[Rule], own_bucket: str) -> Violations:
    """What is wrong with a completed rule, as it stands and beside the others; field and text."""
    for field in ("source_bucket", "results_bucket"):
        bucket = getattr(rule, field)
        if bucket and not _BUCKET.fullmatch(bucket):
            yield field, f"is {bucket[:80]!r}, which cannot be a bucket's name"
    yield from _wrong_prefix("prefix", rule.prefix, is_own=not rule.source_bucket)
    yield from _wrong_prefix("results_prefix", rule.results_prefix, is_own=rule.results_bucket == own_bucket)
    if not rule.results_prefix.endswith("/"):
        yield "results_prefix", "must end with '/'"
    if len(rule.file_pattern) > _LONGEST_PATTERN:
        yield "file_pattern", f"is longer than {_LONGEST_PATTERN} characters"
    if not 0 <= rule.settle_time.seconds <= _LONGEST_SETTLE_S or not 0 <= rule.settle_time.nanos < 10**9:
        yield "settle_time", "is out of range; allowed: 0 s to 24 h"
    if not 0 <= rule.start_time.seconds <= _LATEST_S or not 0 <= rule.start_time.nanos < 10**9:
        yield "start_time", "is no time of this age; leave it out to have all that is there taken"
    yield from _circles(rule, others, own_bucket)
    if rule.WhichOneof("action") is None:
        yield "action", "is missing; one of denoise, train, reuse says what to do"
    if rule.denoise.output_dtype not in {"", "float32"}:
        yield "denoise.output_dtype", "is unknown; allowed: 'float32', or nothing"


def _wrong_prefix(field: str, prefix: str, *, is_own: bool) -> Violations:
    if len(prefix) > _LONGEST_PREFIX or not prefix.isprintable() or prefix.startswith("/"):
        yield field, "must be printable, of at most 500 characters, and not begin with '/'"
    elif is_own and any(_overlap(prefix, folder) for folder in _OWN):
        yield (
            field,
            f"is {prefix!r}, where the installation keeps its own files; take another, such as {_INCOMING!r}",
        )


def _circles(rule: Rule, others: Iterable[Rule], own_bucket: str) -> Violations:
    """Results that would be taken for new acquisitions."""
    for other in (rule, *(each for each in others if each.name != rule.name)):
        for field, source, target in (("results_prefix", other, rule), ("prefix", rule, other)):
            same_bucket = (source.source_bucket or own_bucket) == target.results_bucket
            if same_bucket and _overlap(source.prefix, target.results_prefix):
                whose = "this rule" if other is rule else f"the rule {other.display_name!r}"
                yield (
                    field,
                    f"lets results be taken for acquisitions ({whose}): keep results and acquisitions apart",
                )
                return


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def training_wish(action: TrainAction) -> CreateTrainingRequest:
    """The training that an action asks for, of no stack yet; a method that is left open counts as the larger one."""
    return CreateTrainingRequest(
        method=action.method or config_pb2.METHOD_AUTOSTRUCTN2V,
        mode=action.mode,
        preset=action.preset,
        config=action.config,
        session=action.session,
        priority=action.priority,
        auto_approve=True,
    )
