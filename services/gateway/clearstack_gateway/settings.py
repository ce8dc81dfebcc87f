"""Settings of the gateway."""

from clearstack_common import subjects
from pydantic import Field

from clearstack_gateway.access.settings import AccessSettings


class GatewaySettings(AccessSettings):
    """Limits of this installation, on top of what every service has and of how the API is protected."""

    max_upload_bytes: int = Field(default=200 << 30, ge=1)
    validation_timeout_s: float = Field(default=900, gt=0, description="A file that takes longer is refused")
    validation_memory_bytes: int = Field(default=4 << 30, ge=256 << 20)
    upload_url_s: int = Field(default=3600, ge=1, le=7 * 24 * 3600, description="Life of an upload link")
    download_url_s: int = Field(default=900, ge=1, le=7 * 24 * 3600, description="Life of a download link")
    abandoned_after_s: float = Field(
        default=7 * 24 * 3600,
        ge=1,
        description="An upload that nobody has gone on with for so long is removed",
    )
    inspection_timeout_s: float = Field(
        default=50, gt=0, description="How long a look at a stack is waited for"
    )
    max_model_bytes: int = Field(default=4 << 30, ge=1, description="Size of an imported model")
    import_wait_s: float = Field(default=120, gt=0, description="How long an import waits for its check")
    export_wait_s: float = Field(default=300, gt=0, description="How long an export waits for its archive")
    acquisitions_every_s: float = Field(
        default=30, ge=0.2, description="How often the store is looked through for new acquisitions"
    )
    s3_notifications: str = Field(
        default=subjects.S3_NOTIFICATIONS,
        description="Subject on which the store publishes S3 notifications, if it does; empty = none",
    )
    viewer_bytes: int = Field(
        default=256 << 20,
        ge=16 << 20,
        description="Memory for slices that somebody looks at; larger slices are not shown",
    )
    pixels_per_range: int = Field(
        default=32_000_000, ge=1, description="Pixels that one job of a denoising deals with, about"
    )
