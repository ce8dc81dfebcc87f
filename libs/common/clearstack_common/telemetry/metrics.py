"""Every figure of Clearstack, with what it means; `docs/metrics.md` is their table.

One object for each process, handed to whoever counts. A figure that a service never sets is not shown by it: all have
labels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.gc_collector import GCCollector

from clearstack_common.version import code_version

_CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_JOB_S = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)


class Metrics:
    """The figures of one process.

    Args:
        service: Its kind: gateway, trainer, mask-extractor or inference.
        instance: Its name in logs and locks.
    """

    def __init__(self, service: str = "", instance: str = "") -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        info = Info(
            "clearstack_build", "Which service this is, and of which version.", registry=self.registry
        )
        info.info({"service": service, "instance": instance or service, "version": code_version()})
        self._add_calls()
        self._add_work()
        self._add_training()

    def _add_calls(self) -> None:
        self.grpc_seconds = Histogram(
            "clearstack_grpc_request_seconds",
            "How long calls of the API took to answer, by method and status code; streams: to their end.",
            ["method", "code"],
            buckets=_CALL_S,
            registry=self.registry,
        )
        self.grpc_open = Gauge(
            "clearstack_grpc_open_requests",
            "Calls of the API that are not answered yet, watchers and uploads among them.",
            ["method"],
            registry=self.registry,
        )
        self.s3_seconds = Histogram(
            "clearstack_s3_request_seconds",
            "How long the object store took, by operation and outcome (ok or error); every repetition counts.",
            ["operation", "outcome"],
            buckets=_CALL_S,
            registry=self.registry,
        )
        self.nats_seconds = Histogram(
            "clearstack_nats_request_seconds",
            "How long the broker took to answer, by operation and outcome (ok or error).",
            ["operation", "outcome"],
            buckets=_CALL_S,
            registry=self.registry,
        )
        self.backend_up = Gauge(
            "clearstack_backend_up",
            "1 while the broker or the object store answers this service, 0 while it is away.",
            ["backend"],
            registry=self.registry,
        )
        self.errors = Counter(
            "clearstack_errors",
            "Calls that were refused and jobs that failed, by reason (a value of ErrorReason).",
            ["reason"],
            registry=self.registry,
        )

    def _add_work(self) -> None:
        self.job_seconds = Histogram(
            "clearstack_job_seconds",
            "How long jobs took, by verb and outcome: done, failed, again (comes again later) or dropped.",
            ["verb", "outcome"],
            buckets=_JOB_S,
            registry=self.registry,
        )
        self.jobs_queued = Gauge(
            "clearstack_jobs_queued",
            "Jobs of a verb that wait or are being worked on; every gateway tells the whole installation's.",
            ["verb"],
            registry=self.registry,
        )
        self.trainings = Gauge(
            "clearstack_trainings",
            "Trainings by state; every gateway tells the whole installation's.",
            ["state"],
            registry=self.registry,
        )
        self.acquisitions = Gauge(
            "clearstack_acquisitions",
            "New acquisitions by state; every gateway tells the whole installation's.",
            ["state"],
            registry=self.registry,
        )
        self.lock_age_s = Gauge(
            "clearstack_training_lock_age_seconds",
            "For how long the training lock has been held, by holder; absent while nobody holds it.",
            ["holder"],
            registry=self.registry,
        )

    def _add_training(self) -> None:
        self.epochs = Counter(
            "clearstack_epochs",
            "Epochs that this trainer has completed, by stage.",
            ["stage"],
            registry=self.registry,
        )
        self.patches_per_second = Gauge(
            "clearstack_patches_per_second",
            "Patches that the training in work goes through in a second; absent while there is none.",
            ["stage"],
            registry=self.registry,
        )
        self.loss = Gauge(
            "clearstack_loss",
            "Loss of the newest epoch of the training in work, by stage and kind (training or validation).",
            ["stage", "kind"],
            registry=self.registry,
        )
        self.gpu_memory_bytes = Gauge(
            "clearstack_gpu_memory_bytes",
            "GPU memory that this service's computation holds; absent on a CPU and while nothing is computed.",
            ["device"],
            registry=self.registry,
        )


@contextmanager
def timed(histogram: Histogram, operation: str) -> Iterator[None]:
    """Observes how long the block takes, with its outcome: ok, or error if it raises."""
    began = perf_counter()
    outcome = "error"
    try:
        yield
        outcome = "ok"
    finally:
        histogram.labels(operation, outcome).observe(perf_counter() - began)
