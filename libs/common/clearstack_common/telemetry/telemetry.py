"""Both together, as a service is given them."""

import os
from dataclasses import dataclass, field

from prometheus_client import start_http_server

from clearstack_common.settings import ServiceSettings
from clearstack_common.telemetry.errors import TelemetryError
from clearstack_common.telemetry.metrics import Metrics
from clearstack_common.telemetry.tracing import Tracing, open_tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Where a service counts, and where its spans go. Made without arguments it is for tests: nobody looks."""

    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=Tracing)


def open_telemetry(settings: ServiceSettings, service: str) -> Telemetry:
    """The figures, served where the settings want them, and traces as the environment wants them.

    Raises:
        SystemExit: The address cannot be served, or traces cannot be had; with a text for whoever runs the service.
    """
    metrics = Metrics(service, settings.instance)
    try:
        if settings.metrics_address:
            _serve(metrics, settings.metrics_address)
        tracing = open_tracing(service, settings.instance, os.environ)
    except TelemetryError as error:
        raise SystemExit(str(error)) from error
    return Telemetry(metrics=metrics, tracing=tracing)


def _serve(metrics: Metrics, address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        start_http_server(
            int(port), host.strip("[]"), registry=metrics.registry
        )  # a thread that dies with us
    except (OSError, ValueError, OverflowError) as error:
        raise TelemetryError(
            f"CLEARSTACK_METRICS_ADDRESS is {address!r}, which cannot be served ({error}); "
            "give a host:port of this machine that is free, such as 127.0.0.1:9464."
        ) from error
