"""Begins the run of an acquisition: a denoising with a model that is there, or a training of its own."""

from collections.abc import Iterable

from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest
from clearstack.v1.rule_service_pb2 import DenoiseAction, TrainAction

from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.checking import training_wish
from clearstack_gateway.acquisitions.ledger import Entry
from clearstack_gateway.acquisitions.reuse import Reuse
from clearstack_gateway.acquisitions.taking import request_id
from clearstack_gateway.use_cases.denoisings import Denoisings
from clearstack_gateway.use_cases.inspections import Inspections
from clearstack_gateway.use_cases.limits import Limits
from clearstack_gateway.use_cases.trainings import Trainings


class Beginning:
    """Makes the runs of acquisitions, in the name of whoever has made the rule."""

    def __init__(
        self,
        trainings: Trainings,
        denoisings: Denoisings,
        inspections: Inspections,
        reuse: Reuse,
        limits: Limits,
    ) -> None:
        self._trainings = trainings
        self._denoisings = denoisings
        self._inspections = inspections
        self._reuse = reuse
        self._limits = limits

    async def begin(self, entry: Entry, beside: Iterable[Entry]) -> flow.Begun | flow.Wait:
        """Makes the run that the rule wants; the same one when it is asked for again.

        Args:
            entry: Whose stack is there.
            beside: Other acquisitions.

        Raises:
            ClearstackError: Why it cannot be made; LIMIT_REACHED while there are too many.
        """
        rule = entry.value.rule
        await self._limits.check_runs(rule.creator)
        match rule.WhichOneof("action"):
            case "denoise":
                return await self._denoise(entry, rule.denoise, "The rule names it.")
            case "train":
                return await self._train(entry, rule.train)
        choice = await self._reuse.choose(entry, beside)
        if choice.wait_for:
            return flow.Wait(reason=choice.reason)
        if choice.model:
            return await self._denoise(entry, DenoiseAction(model=choice.model), choice.reason)
        return await self._train(entry, rule.reuse.otherwise)

    async def _denoise(self, entry: Entry, action: DenoiseAction, reason: str) -> flow.Begun:
        request = CreateDenoisingRequest(
            stack=entry.value.acquisition.stack,
            model=action.model,
            output_dtype=action.output_dtype,
            request_id=request_id(entry),
        )
        denoising = await self._denoisings.create(request, entry.value.rule.creator)
        return flow.Begun(denoising=denoising.name, model=action.model, model_reason=reason)

    async def _train(self, entry: Entry, action: TrainAction) -> flow.Begun:
        request = training_wish(action)
        request.stack, request.request_id = entry.value.acquisition.stack, request_id(entry)
        if not action.method:
            advice = (await self._inspections.inspect(request.stack)).recommendation
            request.method, request.mode = advice.method, action.mode or advice.mode
            if not request.HasField("config"):
                request.ClearField("config")
        training = await self._trainings.create(request, entry.value.rule.creator)
        return flow.Begun(training=training.name)
