"""The review of a mask."""

from clearstack.v1.config_pb2 import MaskExtractorConfig, TrainingConfig
from clearstack.v1.mask_pb2 import Mask
from clearstack.v1.mask_service_pb2 import ApproveMaskRequest
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack.v1.training_pb2 import Training
from clearstack_common import protojson
from clearstack_common.config import check_mask_config
from clearstack_common.errors import NotFoundError, WrongStateError
from clearstack_common.objects import ObjectStore
from clearstack_common.subjects import run_id

from clearstack_gateway.use_cases.edited_mask import edited_mask, mask_array, request_digest
from clearstack_gateway.use_cases.runs import Runs
from clearstack_gateway.use_cases.tables import Tables, id_in, not_found
from clearstack_gateway.use_cases.trainings import Trainings
from clearstack_gateway.workflow import Approve, Decision, Regenerate, SetAutoApprove, SkipStageTwo
from clearstack_gateway.workflow.training_effects import mask_file, model_folder


class Masks:
    """What can be done with a mask; each returns the training as it is afterwards."""

    def __init__(self, tables: Tables, store: ObjectStore, runs: Runs, trainings: Trainings) -> None:
        self._tables = tables
        self._store = store
        self._runs = runs
        self._trainings = trainings

    async def get(self, name: str) -> Mask:
        """The newest mask.

        Raises:
            WrongStateError: There is none yet, or there will never be one.
        """
        record = await self._record(name)
        if not record.mask_files:
            raise WrongStateError(
                "There is no mask yet: it is extracted when stage 1 of an autostructn2v training is complete."
            )
        await self._require_model(record)
        return protojson.decode(await self._store.get_bytes(mask_file(record, "mask.json").object_key), Mask)

    async def approve(self, request: ApproveMaskRequest) -> Training:
        """Goes on to stage 2, with an edited mask if the request holds one."""
        record = await self._record(request.training)
        if not request.edited_planes:
            return await self._decide(request.training, Approve())
        mask = edited_mask(await self.get(request.training), request)
        # Named by the revision and its content, so that an edit never overwrites what a decision refers to.
        folder = f"{model_folder(record)}/mask/revision{record.training.mask.revision}-edited-{request_digest(request)}"
        files = (
            await self._store.put_bytes(f"{folder}/mask.json", protojson.encode(mask)),
            await self._store.put_bytes(f"{folder}/mask.npy", mask_array(mask)),
        )
        return await self._decide(request.training, Approve(edited_summary=mask.summary, edited_files=files))

    async def regenerate(self, name: str, config: MaskExtractorConfig) -> Training:
        """Extracts the mask anew.

        Raises:
            InvalidFieldsError: A parameter is out of its range.
        """
        record = await self._record(name)
        if record.training.config.HasField("mask"):  # else the workflow says why there is no mask
            merged = TrainingConfig(mask=record.training.config.mask)
            merged.mask.MergeFrom(config)
            check_mask_config(merged.mask)
            if record.mask_files:
                await self._require_model(record)
        return await self._decide(name, Regenerate(config=config))

    async def skip(self, name: str) -> Training:
        """Makes the result of stage 1 final."""
        return await self._decide(name, SkipStageTwo())

    async def set_auto_approve(self, name: str, *, enabled: bool) -> Training:
        """Switches auto-approval, until the mask is there."""
        return await self._decide(name, SetAutoApprove(enabled=enabled))

    async def _require_model(self, record: TrainingRecord) -> None:
        """A model that is deleted takes the mask, and the network of stage 1, along."""
        try:
            await self._tables.models.get(run_id(record.training.model))
        except NotFoundError:
            raise WrongStateError(
                "The model of this training was deleted, and its masks with it; train again to get another."
            ) from None

    async def _decide(self, name: str, decision: Decision) -> Training:
        await self._record(name)  # a proper error for an unknown id
        await self._runs.advance_training(name, decision)
        return await self._trainings.get(name)

    async def _record(self, name: str) -> TrainingRecord:
        try:
            return (await self._tables.trainings.get(id_in(name, "trainings", "training"))).value
        except NotFoundError:
            raise not_found(name, "trainings") from None
