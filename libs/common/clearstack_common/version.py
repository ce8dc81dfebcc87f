"""Which Clearstack this is."""

from importlib.metadata import version


def code_version() -> str:
    """The distribution's version, for example `0.1.0`."""
    return version("clearstack")
