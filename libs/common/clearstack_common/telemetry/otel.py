"""Traces by the OpenTelemetry SDK. Only `open_tracing` imports this, and only when they are wanted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from opentelemetry import context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from clearstack_common.telemetry.errors import TelemetryError
from clearstack_common.telemetry.tracing import Tracing
from clearstack_common.version import code_version

_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class OtelTracing(Tracing):
    """Spans for whoever collects them.

    Args:
        provider: Makes the spans and hands them on.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("clearstack", code_version())
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def open(cls, service: str, instance: str, exporter: str, environment: Mapping[str, str]) -> Self:
        """Spans that leave as the environment says; what is not read here, the SDK reads.

        Raises:
            TelemetryError: An exporter or a protocol that we do not have.
        """
        names = {
            "service.name": environment.get("OTEL_SERVICE_NAME") or f"clearstack-{service}",
            "service.instance.id": instance or service,
            "service.version": code_version(),
        }
        provider = TracerProvider(resource=Resource.create(names))
        provider.add_span_processor(BatchSpanProcessor(_exporter(exporter, environment)))
        return cls(provider)

    @contextmanager
    def span(self, name: str, *, parent: str = "", **attributes: str) -> Iterator[None]:
        """A span around a block; an error that leaves it is noted in it."""
        with self._tracer.start_as_current_span(
            name, context=self._context(parent) if parent else None, attributes=attributes
        ):
            yield

    @contextmanager
    def continued(self, trace_parent: str) -> Iterator[None]:
        """Makes spans in the block part of a trace, unless they are part of it already."""
        if not trace_parent or _trace_id(trace_parent) == _trace_id(self.here()):
            yield
            return
        token = context.attach(self._context(trace_parent))
        try:
            yield
        finally:
            context.detach(token)

    def here(self) -> str:
        """The traceparent of the span around the caller; empty without one."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def close(self) -> None:
        """Sends what was not sent yet."""
        self._provider.shutdown()

    def _context(self, trace_parent: str) -> context.Context:
        return self._propagator.extract({"traceparent": trace_parent}, context=context.Context())


def _trace_id(trace_parent: str) -> str:
    return trace_parent[3:35]


def _exporter(exporter: str, environment: Mapping[str, str]) -> SpanExporter:
    if exporter == "console":
        return ConsoleSpanExporter()
    if exporter != "otlp":
        raise TelemetryError(f"OTEL_TRACES_EXPORTER is {exporter!r}; allowed: otlp, console, none.")
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), "http/protobuf")
    match protocol.strip().lower():
        case "grpc":
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter as GrpcExporter,
            )

            return GrpcExporter()
        case "http/protobuf":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter as HttpExporter,
            )

            return HttpExporter()
        case _:
            raise TelemetryError(
                f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; allowed: http/protobuf, grpc."
            )
