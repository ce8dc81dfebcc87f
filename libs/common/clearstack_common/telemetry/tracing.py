"""Traces that follow a run through all services; off, and then free, unless the usual variables switch them on.

A context travels as a W3C traceparent: with calls of the API in their metadata, with jobs and events in the header
`ce-traceparent`, with a run in its record.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from clearstack_common.telemetry.errors import TelemetryError

_SWITCHES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")


class Tracing:
    """Traces that nobody wants: every method does nothing."""

    @contextmanager
    def span(self, name: str, *, parent: str = "", **attributes: str) -> Iterator[None]:
        """A span around a block.

        Args:
            name: What happens.
            parent: A traceparent; empty = the span around this one, if there is one.
            attributes: What a person wants to know of it.
        """
        yield

    @contextmanager
    def continued(self, trace_parent: str) -> Iterator[None]:
        """Makes spans in the block part of a trace, unless they are part of it already.

        A decision of a person, or of the queue, has a trace of its own; what follows from it belongs to the run's.
        """
        yield

    def here(self) -> str:
        """The traceparent of the span around the caller; empty without one."""
        return ""

    def close(self) -> None:
        """Sends what was not sent yet."""


def open_tracing(service: str, instance: str, environment: Mapping[str, str]) -> Tracing:
    """Traces as the environment wants them: OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_…, OTEL_SDK_DISABLED.

    Raises:
        TelemetryError: They are wanted and cannot be had; the text says what to do.
    """
    is_wanted = any(environment.get(name) for name in _SWITCHES)
    exporter = environment.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower()
    is_disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if not is_wanted or is_disabled or exporter == "none":
        return Tracing()
    try:
        # The libraries are imported only where traces are wanted: they are optional, and take a while.
        from clearstack_common.telemetry.otel import OtelTracing  # noqa: PLC0415
    except ImportError as error:
        raise TelemetryError(
            f"Traces are switched on by an OTEL_… variable, but {error.name} is not installed. "
            "Install it with: pip install 'clearstack[telemetry]', or set OTEL_TRACES_EXPORTER=none."
        ) from error
    return OtelTracing.open(service, instance, exporter, environment)
