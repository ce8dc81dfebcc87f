"""Hostile requests against every call of a service: how many were refused, and which were not refused properly."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from unit.gateway.api_rig import Api, Method, served
from unit.gateway.hostile import Requests
from unit.gateway.rig import N2V, Gateway

SERVICES = ("Admin", "Denoising", "Mask", "Model", "Rule", "Stack", "Training")
# Requests delete and cancel what there is: after so many there is a new gateway.
_BATCH = 500
_FAULTS = frozenset(
    {
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)
_UNLIMITED = {
    "calls_per_second": 1e9,
    "calls_at_once": 10**9,
    "max_stacks_per_caller": 10**9,
    "max_waiting_runs": 10**9,
    "max_waiting_runs_per_caller": 10**9,
}


@dataclass(slots=True)
class Findings:
    """What came of it."""

    codes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


async def fuzz(service: str, count: int, folder: Path) -> Findings:
    """Sends requests to one service, to its calls in turn."""
    findings = Findings()
    for number, start in enumerate(range(0, count, _BATCH)):
        gateway = Gateway(folder / str(number))
        try:
            known = await _populate(gateway)
            async with served(gateway, **_UNLIMITED) as endpoint:
                api = Api(endpoint)
                requests = Requests(seed=start, known=known)
                await _batch(api, service, min(_BATCH, count - start), requests, findings)
                await api.close()
        finally:
            await gateway.stop()
            gateway.store.close()
    return findings


async def _populate(gateway: Gateway) -> Sequence[str]:
    """A stack, an upload under way, trainings in several states, a model, a denoising."""
    await gateway.ready_stack()
    uploading, _ = await gateway.stacks.create("a.tif", "")
    done = await gateway.new_training(method=N2V)
    done = await gateway.serve_until(done.name, "COMPLETE")
    reviewed = await gateway.new_training()
    await gateway.serve_until(reviewed.name, "AWAITING_REVIEW")
    waiting = await gateway.new_training()
    denoisings = [f"denoisings/{stored.id}" for stored in await gateway.tables.denoisings.list()]
    names = [
        "stacks/s",
        uploading.name,
        done.name,
        reviewed.name,
        waiting.name,
        done.model,
        done.result_stack,
    ]
    return [*names, *denoisings, "config.json", "stage1/weights.pth", "letters/x"]


async def _batch(api: Api, service: str, count: int, requests: Requests, findings: Findings) -> None:
    methods = [
        each for each in await api.methods() if each.path.startswith(f"/clearstack.v1.{service}Service/")
    ]
    for number in range(count):
        method = methods[number % len(methods)]
        await _one(api, method, requests, findings)


async def _one(api: Api, method: Method, requests: Requests, findings: Findings) -> None:
    kind = method.descriptor.input_type
    sent = [requests.wire(kind) for _ in range(3 if method.descriptor.client_streaming else 1)]
    outcome = await api.call(method, *sent, most_responses=1)
    findings.codes[outcome.code.name] += 1
    if outcome.code in _FAULTS:
        findings.faults.append(f"{method.path} {outcome.code.name} {outcome.details[:200]} {sent[0][:300]!r}")
