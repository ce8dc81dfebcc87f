"""Rules in memory; nothing ever arrives by itself."""

# ruff: noqa: D102 - the calls are described in the protos

import grpc
from clearstack.v1 import rule_service_pb2 as pb
from clearstack.v1.rule_service_pb2_grpc import RuleServiceServicer
from unit.cli.fake_gateway.state import State


class Rules(State, RuleServiceServicer):
    """Keeps what it is given."""

    def CreateRule(
        self, request: pb.CreateRuleRequest, context: grpc.ServicerContext
    ) -> pb.CreateRuleResponse:
        del context
        request.rule.name = self._new("rules")
        self.rules[request.rule.name] = request.rule
        return pb.CreateRuleResponse(rule=request.rule)

    def GetRule(self, request: pb.GetRuleRequest, context: grpc.ServicerContext) -> pb.GetRuleResponse:
        rule = self._found(self.rules, request.name, context)
        count = pb.AcquisitionCount(state=pb.ACQUISITION_STATE_STORED, count=len(self.acquisitions))
        return pb.GetRuleResponse(rule=rule, counts=[count])

    def ListRules(self, request: pb.ListRulesRequest, context: grpc.ServicerContext) -> pb.ListRulesResponse:
        del context
        page, token = self._page(self.rules, request.page_token)
        return pb.ListRulesResponse(rules=page, next_page_token=token)

    def UpdateRule(
        self, request: pb.UpdateRuleRequest, context: grpc.ServicerContext
    ) -> pb.UpdateRuleResponse:
        rule = self._found(self.rules, request.rule.name, context)
        self.calls.append(f"UpdateRule {','.join(request.update_mask.paths)}")
        request.update_mask.MergeMessage(request.rule, rule)
        return pb.UpdateRuleResponse(rule=rule)

    def DeleteRule(
        self, request: pb.DeleteRuleRequest, context: grpc.ServicerContext
    ) -> pb.DeleteRuleResponse:
        del self.rules[self._found(self.rules, request.name, context).name]
        return pb.DeleteRuleResponse()

    def ListAcquisitions(
        self, request: pb.ListAcquisitionsRequest, context: grpc.ServicerContext
    ) -> pb.ListAcquisitionsResponse:
        del context
        wanted = {
            name: each
            for name, each in self.acquisitions.items()
            if not request.states or each.state in request.states
        }
        page, token = self._page(wanted, request.page_token)
        return pb.ListAcquisitionsResponse(acquisitions=page, next_page_token=token)

    def RetryAcquisition(
        self, request: pb.RetryAcquisitionRequest, context: grpc.ServicerContext
    ) -> pb.RetryAcquisitionResponse:
        found = self._found(self.acquisitions, request.name, context)
        found.state = pb.ACQUISITION_STATE_CLAIMED
        return pb.RetryAcquisitionResponse(acquisition=found)
