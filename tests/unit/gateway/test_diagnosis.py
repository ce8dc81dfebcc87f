"""What the gateway finds wrong with its installation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clearstack.v1 import admin_service_pb2 as pb
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack_common import subjects
from clearstack_common.bus.survey import BrokerState, Queue
from clearstack_gateway.use_cases.diagnosis import Diagnosis, machine, work
from cryptography import x509
from fakes.certificates import Authority
from unit.gateway.rig import Gateway
from unit.gateway.survey import WHOLE, FakeSurvey, with_queues

NOBODY = Queue(num_asking=0, num_in_work=0, num_waiting=0)
LEFT = Queue(num_asking=0, num_in_work=0, num_waiting=3)


async def _found(gateway: Gateway, state: BrokerState | None = WHOLE) -> dict[str, list[pb.Finding]]:
    """Findings by what was looked at."""
    diagnosis = Diagnosis(
        FakeSurvey(state), gateway.bus, gateway.tables, gateway.store, gateway.settings, patience_s=1
    )
    findings: dict[str, list[pb.Finding]] = {}
    for finding in (await diagnosis.run()).findings:
        findings.setdefault(finding.check, []).append(finding)
    return findings


async def test_nothing_is_wrong_with_a_whole_installation(gateway: Gateway) -> None:
    """Every check is made, says ok and has nothing to mend; the object that was tried is gone."""
    found = await _found(gateway)
    assert {
        "broker",
        "streams",
        "workers",
        "store",
        "clock",
        "dead letters",
        "training lock",
        "device",
        "scratch",
        "certificate",
    } == found.keys()
    findings = [each for several in found.values() for each in several if each.check != "scratch"]
    assert {each.verdict for each in findings} == {pb.VERDICT_OK}
    assert not any(each.mend for each in findings)
    assert await gateway.store.list("diagnosis/") == []


@pytest.mark.parametrize(
    ("state", "check", "verdict", "word"),
    [
        (None, "broker", pb.VERDICT_BAD, "does not answer"),
        (replace(WHOLE, version="2.10.29"), "broker", pb.VERDICT_BAD, "2.10.29"),
        (replace(WHOLE, missing=("KV_clearstack_locks",)), "streams", pb.VERDICT_BAD, "KV_clearstack_locks"),
        (with_queues(train=LEFT), "workers", pb.VERDICT_BAD, "trainer: 0 jobs in work, 3 waiting"),
        (with_queues(train=NOBODY), "workers", pb.VERDICT_WARN, "None is there"),
    ],
)
async def test_what_the_broker_lacks_is_named(
    gateway: Gateway, state: BrokerState | None, check: str, verdict: int, word: str
) -> None:
    """With what to do about it."""
    [found] = [each for each in (await _found(gateway, state))[check] if each.verdict != pb.VERDICT_OK]
    assert found.verdict == verdict
    assert word in found.found
    assert found.mend


async def test_a_store_that_is_away_is_a_finding(gateway: Gateway) -> None:
    """And the rest is told nevertheless."""
    gateway.store.is_away = True
    found = await _found(gateway)
    assert [each.verdict for each in found["store"]] == [pb.VERDICT_BAD]
    assert found["broker"][0].verdict == pb.VERDICT_OK


async def test_records_that_cannot_be_read_are_a_finding(gateway: Gateway) -> None:
    """As when the broker is away."""
    gateway.broker.is_away = True
    assert (await _found(gateway))["records"][0].verdict == pb.VERDICT_BAD


async def test_dead_letters_and_an_idle_lock_want_a_look(gateway: Gateway) -> None:
    """Both work."""
    await gateway.bus.table(subjects.DEAD_LETTERS_BUCKET, DeadLetter).create("x", DeadLetter(name="x"))
    assert await gateway.bus.acquire_lock("trainer-1") is not None
    found = await _found(gateway)
    assert found["dead letters"][0].verdict == pb.VERDICT_WARN
    assert found["training lock"][0].verdict == pb.VERDICT_WARN
    assert "trainer-1" in found["training lock"][0].found


async def test_a_training_on_the_cpu_wants_a_look(gateway: Gateway) -> None:
    """On a GPU it does not."""
    training = await gateway.new_training()
    training.stages[0].device = "cpu (bfloat16)"
    assert work.device(training).verdict == pb.VERDICT_WARN
    training.stages[0].device = "cuda:0 NVIDIA"
    assert work.device(training).verdict == pb.VERDICT_OK


@pytest.mark.parametrize(
    ("before_end", "verdict"),
    [
        (timedelta(days=31), pb.VERDICT_OK),
        (timedelta(days=29), pb.VERDICT_WARN),
        (-timedelta(1), pb.VERDICT_BAD),
    ],
)
def test_a_certificate_is_renewed_in_time(tmp_path: Path, before_end: timedelta, verdict: int) -> None:
    """A month before its end; what is no certificate at all is bad."""
    path, _ = Authority(tmp_path).issue("gateway")
    ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    assert machine.certificate(path, ends - before_end).verdict == verdict
    (tmp_path / "no.pem").write_text("no")
    assert machine.certificate(tmp_path / "no.pem", datetime.now(UTC)).verdict == pb.VERDICT_BAD
