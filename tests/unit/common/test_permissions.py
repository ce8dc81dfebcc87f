"""The table of permissions says what the documentation of the events says."""

import re
from pathlib import Path

import pytest
from clearstack.v1.event_pb2 import Event
from clearstack_common import subjects
from clearstack_common.permissions import SERVICES, WORK, permissions

EVENTS = (Path(__file__).parents[3] / "docs" / "events.md").read_text(encoding="utf-8")
_NAMES = {"mask extractor": "mask-extractor"}


def _documented(pattern: str) -> set[tuple[str, str]]:
    found = re.findall(pattern, EVENTS, flags=re.MULTILINE)
    return {(name, _NAMES.get(service, service)) for name, service in found}


def test_verbs_are_taken_by_whom_the_documentation_says() -> None:
    """Each kind of work is one service's."""
    documented = _documented(r"^\| `clearstack\.cmd\.(\w+)\.<\w+>` \| `\w+` \| gateway \| ([\w ]+) \(")
    assert documented == {(verb, service) for service, work in WORK.items() for verb in work.verbs}
    assert {verb for verb, _ in documented} == set(subjects.verbs())


def test_events_are_published_by_whom_the_documentation_says() -> None:
    """Each kind of event is one service's, or the gateway's; a failure may be any worker's."""
    documented = _documented(r"^\| `clearstack\.evt\.(\w+)\.<\w+>` \| `\w+` \| ([\w ]+?) \|")
    own = {(kind, service) for service, work in WORK.items() for kind in work.kinds}
    by_gateway = {("state_changed", "gateway"), ("denoising_finished", "gateway")}
    assert documented == own | by_gateway | {("job_failed", "any worker")}
    kinds = {field.name for field in Event.DESCRIPTOR.oneofs_by_name["kind"].fields}
    assert {kind for kind, _ in documented} == kinds


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_may_delete_a_stream_or_do_everything(service: str) -> None:
    """No permission is so wide that it holds another service's answers, or the end of a stream."""
    allowed = permissions(service)
    for subject in (*allowed.publish, *allowed.subscribe):
        assert "STREAM.DELETE" not in subject
        assert not subject.startswith((">", "*", "$JS.>", "$JS.API.>", "$KV.>", "_INBOX.>", "$SYS"))
