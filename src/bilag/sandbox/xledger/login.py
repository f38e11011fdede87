"""Who may use the Xledger sandbox: the API token, or an OAuth2 token where a test wants one.

Tokens live as long as the option says and are forgotten when the sandbox ends.
"""

import hmac
from collections.abc import Mapping

from bilag.sandbox.rest.login import Logins as OAuthLogins
from bilag.sandbox.rest.options import Options as OAuthOptions
from bilag.sandbox.xledger.options import Options

# xledger.md §2 [C3]: the text, word for word.
BAD_FORMAT = 'Bad format for API Token. Expected header: "Authorization: token <your-token>"'
# xledger.md §2: how an expired or wrong token is refused is UNKNOWN; these texts are ours.
WRONG_TOKEN = "API Token is not valid or has expired"  # noqa: S105
READ_ONLY = "The API Token has no write access"


class Logins:
    """Checks each request's login; `oauth` hands out the tokens of the client credentials login.

    xledger.md §2: no OAuth2 is documented by Xledger; the source documents of this project ask
    for it, so the sandbox takes it beside the token.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._oauth_options = OAuthOptions(auth="oauth2")
        self.oauth = OAuthLogins(self._oauth_options)

    def refusal(self, headers: Mapping[str, str]) -> str:
        """Return why a login is refused, empty when it is right."""
        accepted = self._options.auth.split(",")
        scheme, _, secret = headers.get("Authorization", "").partition(" ")
        if "oauth2" in accepted and scheme == "Bearer":
            return "" if self.oauth.accepts(headers, b"") else WRONG_TOKEN
        if "token" not in accepted or scheme != "token" or not secret:
            return BAD_FORMAT
        right = hmac.compare_digest(secret.encode(), self._options.token.encode())
        return "" if right else WRONG_TOKEN

    def issue(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, object]]:
        """Answer a token request (RFC 6749, 4.4): status and JSON."""
        for name in ("client_id", "client_secret", "token_seconds"):
            setattr(self._oauth_options, name, getattr(self._options, name))
        return self.oauth.issue(headers, body)
