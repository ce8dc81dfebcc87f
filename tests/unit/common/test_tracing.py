"""Traces: off unless they are wanted, and whole when they are."""

import sys

import pytest
from clearstack_common.telemetry.errors import TelemetryError
from clearstack_common.telemetry.otel import OtelTracing
from clearstack_common.telemetry.tracing import Tracing, open_tracing
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

_ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """Where the spans go."""
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Tracing:
    """Traces that are wanted."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return OtelTracing(provider)


@pytest.mark.parametrize(
    "environment",
    [{}, {"OTEL_TRACES_EXPORTER": "none"}, _ENDPOINT | {"OTEL_SDK_DISABLED": "true"}],
)
def test_nothing_is_traced_unless_it_is_wanted(environment: dict[str, str]) -> None:
    """Without the variables, or with one that forbids it, a span is nothing at all."""
    tracing = open_tracing("gateway", "", environment)
    assert type(tracing) is Tracing
    with tracing.span("work", run="trainings/r"), tracing.continued("00-aa-bb-01"):
        assert not tracing.here()


@pytest.mark.parametrize("protocol", ["", "http/protobuf", "grpc"])
def test_endpoint_switches_traces_on(protocol: str) -> None:
    """The usual variables are enough, with either protocol."""
    tracing = open_tracing("gateway", "", _ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    assert isinstance(tracing, OtelTracing)


@pytest.mark.parametrize(
    "wrong", [{"OTEL_TRACES_EXPORTER": "zipkin"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}]
)
def test_wish_that_cannot_be_granted_is_told(wrong: dict[str, str]) -> None:
    """An exporter or protocol that is not there is named, with those that are."""
    with pytest.raises(TelemetryError, match="allowed: "):
        open_tracing("gateway", "", _ENDPOINT | wrong)


def test_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants traces without the libraries is told what to install."""
    monkeypatch.delitem(sys.modules, "clearstack_common.telemetry.otel")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TelemetryError, match=r"clearstack\[telemetry\]"):
        open_tracing("gateway", "", _ENDPOINT)


def test_context_crosses_from_one_process_to_the_next(tracing: Tracing, spans: InMemorySpanExporter) -> None:
    """A span made from another's traceparent is its child."""
    with tracing.span("gateway"):
        carried = tracing.here()
    with tracing.span("worker", parent=carried, run="trainings/r"):
        pass
    gateway, worker = spans.get_finished_spans()
    assert worker.parent is not None
    assert worker.parent.span_id == gateway.context.span_id
    assert worker.attributes == {"run": "trainings/r"}


def test_what_follows_from_a_decision_belongs_to_the_run(
    tracing: Tracing, spans: InMemorySpanExporter
) -> None:
    """Inside a call with a trace of its own, what is done to a run is part of the run's; otherwise nothing changes."""
    with tracing.span("create"):
        run = tracing.here()
    with tracing.span("approve"):
        approve = tracing.here()
        with tracing.continued(run):
            assert tracing.here() == run
        assert tracing.here() == approve
    with tracing.span("apply", parent=run):
        apply = tracing.here()
        with tracing.continued(run):
            assert tracing.here() == apply, "nearer than the run's own"
        with tracing.continued(""):
            assert tracing.here() == apply
    create, approve_span, apply_span = spans.get_finished_spans()
    assert create.context.trace_id == apply_span.context.trace_id != approve_span.context.trace_id


def test_damaged_traceparent_begins_a_new_trace(tracing: Tracing, spans: InMemorySpanExporter) -> None:
    """What a stranger sends instead of a context hurts nobody."""
    with tracing.span("call", parent="no such thing \x00"):
        assert tracing.here()
    [span] = spans.get_finished_spans()
    assert span.parent is None
