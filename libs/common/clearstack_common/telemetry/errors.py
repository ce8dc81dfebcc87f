"""What keeps a service from showing itself."""


class TelemetryError(Exception):
    """Figures or traces are wanted and cannot be had; the text says what to do."""
