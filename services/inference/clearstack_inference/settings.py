"""Settings of the inference service."""

from clearstack_common.settings import ServiceSettings
from pydantic import Field


class InferenceSettings(ServiceSettings):
    """Limits on models that come from elsewhere, on top of what every service has."""

    import_timeout_s: float = Field(default=90.0, gt=0, description="A model that takes longer is refused")
    import_memory_bytes: int = Field(default=6 << 30, ge=512 << 20, description="So is one that needs more")
