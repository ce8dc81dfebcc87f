"""What an installation shows of itself: traces, figures, readiness."""

from collections import Counter
from collections.abc import Iterator

import grpc
import psutil
import pytest
from clearstack.v1.stack_service_pb2 import GetStackRequest, Stack
from clearstack.v1.training_service_pb2 import CancelTrainingRequest, CreateTrainingRequest
from contract.suspension import suspended
from e2e.support import configs, tiffs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.collector import Collector
from e2e.support.installation import RunningInstallation
from e2e.support.pages import page, value
from e2e.support.waiting import until
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
_CLIENTS_TRACE, _CLIENTS_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Where the spans go."""
    with Collector().running() as collector:
        yield collector


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[RunningInstallation]:
    """An installation that shows itself, switched on as a person does it."""
    running = RunningInstallation(
        data=tmp_path_factory.mktemp("seen") / "data",
        options=("--metrics",),
        environment={
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            # As somebody may have set it for one service; the installation's own pages must not all go there.
            "CLEARSTACK_METRICS_ADDRESS": "127.0.0.1:1",
        },
    )
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def rows(seen: RunningInstallation, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A small stack with noise along rows."""
    path = tmp_path_factory.mktemp("seen-rows") / "rows.tif"
    tiffs.write_sample(path, "rows", num_slices=6, side_px=64)
    return Api(seen.endpoint).upload(path)


def test_one_trace_follows_a_training_through_all_services(
    seen: RunningInstallation, collector: Collector, rows: Stack
) -> None:
    """A client's trace goes on in every service, over both stages, the queue and all that follows from events."""
    api = Api(seen.endpoint)
    request = CreateTrainingRequest(
        stack=rows.name, method=AUTOSTRUCTN2V, config=configs.two_stages(), auto_approve=True
    )
    parent = f"00-{_CLIENTS_TRACE}-{_CLIENTS_SPAN}-01"
    name = api.trainings.CreateTraining(request, metadata=(("traceparent", parent),)).training.name
    api.until_complete(name)
    until(lambda: _is_whole(collector), 20, "all spans have arrived, and each one's parent")
    spans = collector.of(_CLIENTS_TRACE)
    assert {span.service for span in spans} == {
        "clearstack-gateway",
        "clearstack-trainer",
        "clearstack-inference",
        "clearstack-mask-extractor",
    }
    run = name.partition("/")[2]
    elsewhere = [span for span in collector.spans if run in span.run and span.trace != _CLIENTS_TRACE]
    assert not elsewhere, f"lost from the trace: {elsewhere}"


def _is_whole(collector: Collector) -> bool:
    spans = collector.of(_CLIENTS_TRACE)
    names = Counter(span.name for span in spans)
    known = {span.id for span in spans} | {_CLIENTS_SPAN}
    stages = names["train"] == names["apply denoising_finished"] == 2
    return stages and names["extract"] == 1 and all(span.parent in known for span in spans)


def test_figures_are_there_for_prometheus(seen: RunningInstallation, rows: Stack) -> None:
    """After a training every service's page tells what it did, at the addresses that `metrics.json` gives."""
    api = Api(seen.endpoint)
    name = api.train(rows, configs.n2v()).name
    api.until_complete(name)
    with pytest.raises(grpc.RpcError):
        api.stacks.GetStack(GetStackRequest(name="stacks/none"))
    gateway, trainer, inference = (page(seen, each) for each in ("gateway", "trainer", "inference"))
    get = {"method": "clearstack.v1.TrainingService/GetTraining", "code": "OK"}
    assert value(gateway, "clearstack_grpc_request_seconds_count", get) > 0
    assert value(trainer, "clearstack_epochs_total", {"stage": "1"}) >= 2
    assert value(trainer, "clearstack_job_seconds_count", {"verb": "train", "outcome": "done"}) >= 1
    assert value(inference, "clearstack_job_seconds_count", {"verb": "denoise", "outcome": "done"}) >= 1
    for each in (gateway, trainer, inference):
        assert value(each, "clearstack_backend_up", {"backend": "broker"}) == 1
        assert value(
            each, "clearstack_nats_request_seconds_count", {"operation": "read record", "outcome": "ok"}
        )
        assert (
            sum(sample.value for sample in each if sample.name == "clearstack_s3_request_seconds_count") > 0
        )

    def queue_is_told() -> bool:
        shown = page(seen, "gateway")
        told = value(shown, "clearstack_trainings", {"state": "COMPLETE"})
        refused = value(shown, "clearstack_errors_total", {"reason": "RESOURCE_NOT_FOUND"})
        return told >= 1 and refused == 1 and not value(shown, "clearstack_jobs_queued", {"verb": "train"})

    until(queue_is_told, 15, "the gateway tells what there is, and what was refused")


def test_lock_is_told_while_it_is_held(seen: RunningInstallation, rows: Stack) -> None:
    """While a training computes, its trainer, the age of its lock, its speed and its losses can be seen."""
    api = Api(seen.endpoint)
    name = api.train(rows, configs.n2v(epochs=500)).name
    api.until_epoch(name, 2)
    trainer = page(seen, "trainer")
    assert value(trainer, "clearstack_patches_per_second", {"stage": "1"}) > 0
    assert value(trainer, "clearstack_loss", {"stage": "1", "kind": "validation"}) > 0
    age = {"holder": "trainer"}
    first = until(
        lambda: value(page(seen, "gateway"), "clearstack_training_lock_age_seconds", age), 15, "age"
    )
    until(
        lambda: value(page(seen, "gateway"), "clearstack_training_lock_age_seconds", age) > first,
        15,
        "older",
    )
    api.trainings.CancelTraining(CancelTrainingRequest(name=name))
    until(
        lambda: not value(page(seen, "gateway"), "clearstack_training_lock_age_seconds", age),
        20,
        "released",
    )
    until(
        lambda: not value(page(seen, "trainer"), "clearstack_patches_per_second", {"stage": "1"}),
        10,
        "forgotten",
    )


@pytest.mark.parametrize("backend", ["broker", "store"])
def test_readiness_says_no_while_a_backend_hangs(seen: RunningInstallation, backend: str) -> None:
    """A stopped broker or store is told within seconds, by gateway and workers; they stay alive, and come back."""
    names = ("gateway", "trainer", "inference", "mask-extractor")
    addresses = {name: seen.addresses()[name] for name in names}
    pids = {name: seen.pid(name) for name in names}
    until(lambda: _all(addresses, "readiness") == {SERVING}, 10, "all are ready at first")
    pid = seen.pid(backend)
    assert pid is not None
    with suspended(pid):
        until(lambda: _all(addresses, "readiness") == {NOT_SERVING}, 15, "nobody says that it is ready")
        assert _all(addresses, "") == {NOT_SERVING}
        assert _all(addresses, "liveness") == {SERVING}
        assert value(page(seen, "gateway"), "clearstack_backend_up", {"backend": backend}) == 0
    until(lambda: _all(addresses, "readiness") == {SERVING}, 30, "all are ready again")
    assert {name: seen.pid(name) for name in names} == pids, "nobody was restarted for it"
    assert all(psutil.pid_exists(each) for each in pids.values() if each is not None)


def _all(addresses: dict[str, str], service: str) -> set[int]:
    return {_health(address, service) for address in addresses.values()}


def _health(address: str, service: str) -> int:
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=5).status)
