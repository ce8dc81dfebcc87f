"""Who may do what: roles, the file of tokens, and what may listen where. The gateway checks; the command line writes."""

from clearstack_common.access.exposure import why_refused
from clearstack_common.access.roles import Role
from clearstack_common.access.token_file import StaticToken, TokenFile, TokenFileError, digest, new_token

__all__ = ["Role", "StaticToken", "TokenFile", "TokenFileError", "digest", "new_token", "why_refused"]
