"""What can happen in the gateway. Pure; secrets come in as hashes.

`accounts`: accounts, sessions, API keys. `credentials`: what people sign in with. `guests`: links to one ticket, for those who cannot
sign in. `throttle`: when guessing is stopped.
"""

from services.gateway.domain.accounts import (
    SESSION_LIFETIME,
    Account,
    Key,
    Session,
    configure_account,
    configure_entry,
    evolve_account,
    evolve_key,
    evolve_session,
    issue_key,
    revoke_key,
    revoke_session,
    sign_out_everywhere,
    start_session,
)

__all__ = [
    "SESSION_LIFETIME",
    "Account",
    "Key",
    "Session",
    "configure_account",
    "configure_entry",
    "evolve_account",
    "evolve_key",
    "evolve_session",
    "issue_key",
    "revoke_key",
    "revoke_session",
    "sign_out_everywhere",
    "start_session",
]
