"""Beyond this machine the API is served with TLS and access control, or not at all."""

import ipaddress

NO_TLS = "no-tls"
OPEN = "everyone-may-do-everything"


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach a server that listens on `address` ("host:port" or "unix:…")."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name: it may be anything


def why_refused(address: str, *, has_tls: bool, has_access: bool, word: str) -> str:
    """What stands against serving the API on `address`; empty = nothing.

    Args:
        address: Where it would listen.
        has_tls: A certificate is set.
        has_access: Tokens or an issuer of tokens are set.
        word: What CLEARSTACK_INSECURE says.
    """
    if is_loopback(address) or word == OPEN:
        return ""
    missing = []
    if not has_tls and word != NO_TLS:
        missing.append(
            "TLS: set CLEARSTACK_TLS_CERT and CLEARSTACK_TLS_KEY (`clearstack up --tls-cert --tls-key`)"
        )
    if not has_access:
        missing.append(
            "access control: set CLEARSTACK_TOKENS_FILE (`clearstack tokens create`, `clearstack up --tokens`) "
            "or CLEARSTACK_OIDC_ISSUER"
        )
    if not missing:
        return ""
    return (
        f"Other machines can reach {address}, and there is no {', and no '.join(missing)}. "
        f"Behind a proxy that does TLS, CLEARSTACK_INSECURE={NO_TLS} does without it here; where everybody who can "
        f"reach the port may do everything, say so with CLEARSTACK_INSECURE={OPEN}. docs/security.md has the details."
    )
