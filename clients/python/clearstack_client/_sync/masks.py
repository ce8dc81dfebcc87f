# Written by tools/unasync.py from its counterpart in _async: change that one.
"""The review between the stages of autoStructN2V."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.mask_pb2 import Mask, MaskPlane
from clearstack.v1.mask_service_pb2 import (
    ApproveMaskRequest,
    GetMaskRequest,
    RegenerateMaskRequest,
    SetAutoApproveRequest,
    SkipStageTwoRequest,
)
from clearstack.v1.training_pb2 import Training
from numpy.typing import NDArray

from clearstack_client._sync.connection import Connection


class Masks:
    """What a training has found out about its noise; all calls take `trainings/{id}`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, training: str) -> Mask:
        """The mask, with the measured correlation at each offset."""
        calls = self._connection
        return (calls.call(calls.masks.GetMask, GetMaskRequest(training=training))).mask

    def approve(self, training: str, mask_ZYX: NDArray[Any] | None = None) -> Training:
        """Goes on to stage 2.

        Args:
            training: `trainings/{id}`.
            mask_ZYX: Another mask than the one found, bool, (height, width) or in 2.5D (3, height, width), odd sides.

        Raises:
            ClearstackError: It does not wait for a review, or this is no mask.
        """
        calls, request = self._connection, ApproveMaskRequest(training=training)
        if mask_ZYX is not None:
            planes_ZYX = np.reshape(mask_ZYX, (-1, *mask_ZYX.shape[-2:]))
            request.kernel_height, request.kernel_width = planes_ZYX.shape[1:]
            middle = len(planes_ZYX) // 2
            for number, plane_YX in enumerate(planes_ZYX):
                active = plane_YX.astype(bool).ravel().tolist()
                request.edited_planes.append(MaskPlane(slice_offset=number - middle, active=active))
        return (calls.call(calls.masks.ApproveMask, request)).training

    def regenerate(self, training: str, **config: float) -> Training:
        """Extracts the mask anew with other parameters (`base_percentile`, …); seconds, nothing is trained."""
        calls = self._connection
        values: Mapping[str, Any] = config
        request = RegenerateMaskRequest(training=training, config=MaskExtractorConfig(**values))
        return (calls.call(calls.masks.RegenerateMask, request)).training

    def skip_stage_two(self, training: str) -> Training:
        """The result of stage 1 is final."""
        calls = self._connection
        return (calls.call(calls.masks.SkipStageTwo, SkipStageTwoRequest(training=training))).training

    def set_auto_approve(self, training: str, *, auto_approve: bool) -> Training:
        """Whether to go on without a review; can be changed until the mask is there."""
        calls, request = self._connection, SetAutoApproveRequest(training=training, auto_approve=auto_approve)
        return (calls.call(calls.masks.SetAutoApprove, request)).training
