"""What a service lets others see of itself: figures for Prometheus, traces for OpenTelemetry. Logs are elsewhere."""

from clearstack_common.telemetry.metrics import Metrics
from clearstack_common.telemetry.telemetry import Telemetry, open_telemetry
from clearstack_common.telemetry.tracing import Tracing

__all__ = ["Metrics", "Telemetry", "Tracing", "open_telemetry"]
