"""RuleService: announced, not in this version."""

from clearstack.v1 import rule_service_pb2 as pb
from clearstack.v1 import rule_service_pb2_grpc as pb_grpc
from clearstack_common.errors import ClearstackError

from clearstack_gateway.servicers.context import Context
from clearstack_gateway.servicers.errors import not_in_this_version


class RuleServicer(pb_grpc.RuleServiceServicer):
    """What to do when a new acquisition arrives."""

    async def CreateRule(self, request: pb.CreateRuleRequest, context: Context) -> pb.CreateRuleResponse:
        """Not in this version."""
        raise _not_yet()

    async def GetRule(self, request: pb.GetRuleRequest, context: Context) -> pb.GetRuleResponse:
        """Not in this version."""
        raise _not_yet()

    async def ListRules(self, request: pb.ListRulesRequest, context: Context) -> pb.ListRulesResponse:
        """Not in this version."""
        raise _not_yet()

    async def UpdateRule(self, request: pb.UpdateRuleRequest, context: Context) -> pb.UpdateRuleResponse:
        """Not in this version."""
        raise _not_yet()

    async def DeleteRule(self, request: pb.DeleteRuleRequest, context: Context) -> pb.DeleteRuleResponse:
        """Not in this version."""
        raise _not_yet()


def _not_yet() -> ClearstackError:
    return not_in_this_version(
        "Rules", "Upload acquisitions and create their trainings or denoisings yourself."
    )
