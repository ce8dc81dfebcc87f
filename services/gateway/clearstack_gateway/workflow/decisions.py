"""What a person, or the queue, can tell a run to do."""

from dataclasses import dataclass

from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.mask_pb2 import MaskSummary
from clearstack.v1.model_service_pb2 import StoredFile


@dataclass(frozen=True, slots=True)
class Grant:
    """The training slot is yours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Train stage 2 with the mask; with an edited one if its files are given."""

    edited_summary: MaskSummary | None = None
    edited_files: tuple[StoredFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Regenerate:
    """Extract the mask anew; what the configuration does not set stays as it was."""

    config: MaskExtractorConfig


@dataclass(frozen=True, slots=True)
class SkipStageTwo:
    """The result of stage 1 is final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAutoApprove:
    """Whether the mask, when it comes, is approved without a review."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop, for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Begin the step anew that has failed; what follows has new ids."""

    incarnation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on although nothing is left of the jobs that were sent; what follows has new ids."""

    incarnation: str


Decision = Grant | Approve | Regenerate | SkipStageTwo | SetAutoApprove | Cancel | Retry | Resume
