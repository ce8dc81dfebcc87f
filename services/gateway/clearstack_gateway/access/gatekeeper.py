"""Who calls, told by what the call carries."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from clearstack_gateway.access.caller import Caller
from clearstack_gateway.access.errors import SetupError
from clearstack_gateway.access.oidc import OidcTokens
from clearstack_gateway.access.open_calls import OpenCalls
from clearstack_gateway.access.rate import RateLimit
from clearstack_gateway.access.refusals import not_signed_in
from clearstack_gateway.access.roles import needed_role
from clearstack_gateway.access.settings import AccessSettings
from clearstack_gateway.access.tokens import StaticTokens

_SCHEME = "bearer "
_LONGEST_TOKEN = 16 << 10

Metadata = Iterable[tuple[str, str | bytes]]


class Gatekeeper:
    """Lets callers in, or says why not.

    Raises:
        SetupError: The settings would not protect the API as they say.
    """

    def __init__(self, settings: AccessSettings) -> None:
        if problem := settings.problem():
            raise SetupError(problem)
        self._static = StaticTokens(settings.tokens_file) if settings.tokens_file else None
        self._oidc = OidcTokens(settings) if settings.oidc_issuer else None
        self._is_closed = settings.has_access_control
        self._rate = RateLimit(settings.calls_per_second, settings.calls_at_once)
        self._open = OpenCalls(settings.max_open_calls_per_caller)

    @asynccontextmanager
    async def admitted(self, method: str, metadata: Metadata, peer: str) -> AsyncIterator[Caller]:
        """Who makes a call, if they may make it now; the call lasts as long as the block.

        Args:
            method: `/package.Service/Method`.
            metadata: What the call carries.
            peer: Where it comes from, as gRPC has it: `ipv4:127.0.0.1:4711`.

        Raises:
            ClearstackError: NOT_SIGNED_IN, ROLE_TOO_LOW or TOO_MANY_CALLS.
        """
        host = peer.rpartition(":")[0]
        try:
            caller = await self.identify(metadata)
        except Exception:
            self._rate.take(f"refused at {host}")
            raise
        if not caller.name:  # nobody is asked who they are, so nobody has a share: the limits of all hold
            yield caller
            return
        self._rate.take(caller.name)
        caller.require(needed_role(method))
        with self._open.one_more(caller.name):
            yield caller

    async def identify(self, metadata: Metadata) -> Caller:
        """Whose token the call carries.

        Raises:
            ClearstackError: NOT_SIGNED_IN.
        """
        if not self._is_closed:
            return Caller()
        token = _token(metadata)
        if self._static is not None and (caller := self._static.caller(token)):
            return caller
        if self._oidc is not None:
            return await self._oidc.caller(token)
        raise not_signed_in("The token is not one that this installation accepts")


def _token(metadata: Metadata) -> str:
    given = [str(value) for key, value in metadata if key == "authorization"]
    if not given:
        raise not_signed_in("This installation wants a token, and the call has none")
    if len(given) > 1 or not given[0].lower().startswith(_SCHEME) or len(given[0]) > _LONGEST_TOKEN:
        raise not_signed_in("What the call has as authorization is no token")
    return given[0][len(_SCHEME) :].strip()
