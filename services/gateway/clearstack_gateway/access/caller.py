"""Who makes the call that is being answered."""

from contextvars import ContextVar
from dataclasses import dataclass

from clearstack.v1 import error_reason_pb2
from clearstack_common.access import Role
from clearstack_common.errors import ClearstackError


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller as the gateway knows them.

    Attributes:
        name: Unique; empty = nobody is asked who they are, as on one machine.
        role: What they may do.
    """

    name: str = ""
    role: Role = Role.ADMIN

    def require(self, role: Role) -> None:
        """Refuses a caller whose role is too low.

        Raises:
            ClearstackError: ROLE_TOO_LOW.
        """
        if self.role < role:
            raise self._refusal(role, f"This needs the role {role.word}")

    def require_own(self, creator: str, what: str) -> None:
        """Refuses a caller who would take away what somebody else has made; an admin may.

        Raises:
            ClearstackError: ROLE_TOO_LOW.
        """
        if self.role < Role.ADMIN and creator and creator != self.name:
            raise self._refusal(
                Role.ADMIN, f"The {what} is {creator}'s; what others made, only the role admin may end"
            )

    def _refusal(self, needed: Role, text: str) -> ClearstackError:
        return ClearstackError(
            f"{text}, and {self.name} has {self.role.word}. Ask whoever runs this installation.",
            reason=error_reason_pb2.ERROR_REASON_ROLE_TOO_LOW,
            metadata={"role": self.role.word, "needed_role": needed.word},
        )


# Set for each call by the interceptor, read by the servicers; as with a logger's context, no call sees another's.
# Without the interceptor there is no caller, and nothing that asks for one gets through.
_CURRENT: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Who makes the call that is being answered."""
    return _CURRENT.get()


def set_caller(caller: Caller) -> None:
    """For the rest of this call."""
    _CURRENT.set(caller)
