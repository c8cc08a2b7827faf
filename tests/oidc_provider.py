"""A real OpenID provider on loopback, for tests: `python tests/oidc_provider.py PORT`.

It is `oidc-provider-mock`, which is made of Authlib's server parts; here it insists on PKCE, too. `PUT /users/{sub}` says what it
claims of somebody: claims named like a token's own (`nonce`, `iss`, `aud`) make it lie.
"""

import os
import sys
import warnings

warnings.simplefilter("ignore")  # of the provider's own libraries, in a process of its own
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import oidc_provider_mock._app as provider  # noqa: E402 -- it warns when it is imported
import uvicorn  # noqa: E402 -- after the line that quiets it
from authlib.oauth2.rfc7636 import CodeChallenge  # noqa: E402 -- same

_challenges: dict[str, tuple[str, str]] = {}


class Grant(provider.AuthorizationCodeGrant):
    """Remembers the challenge of each code."""

    def save_authorization_code(self, code, request):
        super().save_authorization_code(code, request)
        _challenges[code] = (request.payload.data["code_challenge"], request.payload.data["code_challenge_method"])


class Challenge(CodeChallenge):
    """PKCE, with what was remembered."""

    def get_authorization_code_challenge(self, authorization_code):
        return _challenges[authorization_code.code][0]

    def get_authorization_code_challenge_method(self, authorization_code):
        return _challenges[authorization_code.code][1]


class OpenIDCode(provider.OpenIDCode):
    """With PKCE."""

    def __call__(self, grant):
        super().__call__(grant)
        Challenge(required=True)(grant)


if __name__ == "__main__":
    provider.AuthorizationCodeGrant, provider.OpenIDCode = Grant, OpenIDCode
    uvicorn.run(
        provider.app(require_nonce=True), interface="wsgi", host="127.0.0.1", port=int(sys.argv[1]), log_level="warning"
    )
