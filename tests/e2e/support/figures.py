"""Figures that tests have measured, for the end of the report."""

measured: list[str] = []


def measure(text: str) -> None:
    """Adds a line to the report."""
    measured.append(text)
