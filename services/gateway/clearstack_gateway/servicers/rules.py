"""RuleService."""

from clearstack.v1 import rule_service_pb2 as pb
from clearstack.v1 import rule_service_pb2_grpc as pb_grpc

from clearstack_gateway.access.caller import current_caller
from clearstack_gateway.acquisitions.lookups import Lookups
from clearstack_gateway.acquisitions.rules import Rules
from clearstack_gateway.servicers.context import Context


class RuleServicer(pb_grpc.RuleServiceServicer):
    """What to do when a new acquisition arrives."""

    def __init__(self, rules: Rules, lookups: Lookups) -> None:
        self._rules = rules
        self._lookups = lookups

    async def CreateRule(self, request: pb.CreateRuleRequest, context: Context) -> pb.CreateRuleResponse:
        """Adds a rule."""
        rule = await self._rules.create(
            request.rule, request.request_id, current_caller().name, validate_only=request.validate_only
        )
        return pb.CreateRuleResponse(rule=rule)

    async def GetRule(self, request: pb.GetRuleRequest, context: Context) -> pb.GetRuleResponse:
        """One rule, and how many acquisitions it has had."""
        rule = await self._rules.get(request.name)
        return pb.GetRuleResponse(rule=rule, counts=await self._rules.counts(rule.name))

    async def ListRules(self, request: pb.ListRulesRequest, context: Context) -> pb.ListRulesResponse:
        """One page of rules."""
        rules, token = await self._rules.list(request.page_size, request.page_token)
        return pb.ListRulesResponse(rules=rules, next_page_token=token)

    async def UpdateRule(self, request: pb.UpdateRuleRequest, context: Context) -> pb.UpdateRuleResponse:
        """Changes a rule."""
        await self._require_own(request.rule.name)
        return pb.UpdateRuleResponse(rule=await self._rules.update(request.rule, request.update_mask))

    async def DeleteRule(self, request: pb.DeleteRuleRequest, context: Context) -> pb.DeleteRuleResponse:
        """Removes a rule."""
        await self._require_own(request.name)
        await self._rules.delete(request.name, request.etag)
        return pb.DeleteRuleResponse()

    async def ListAcquisitions(
        self, request: pb.ListAcquisitionsRequest, context: Context
    ) -> pb.ListAcquisitionsResponse:
        """One page of what has arrived."""
        acquisitions, token = await self._lookups.list(request)
        return pb.ListAcquisitionsResponse(acquisitions=acquisitions, next_page_token=token)

    async def RetryAcquisition(
        self, request: pb.RetryAcquisitionRequest, context: Context
    ) -> pb.RetryAcquisitionResponse:
        """Tries a failed one again."""
        return pb.RetryAcquisitionResponse(acquisition=await self._lookups.retry(request.name))

    async def _require_own(self, name: str) -> None:
        current_caller().require_own((await self._rules.get(name)).creator, "rule")
