"""Log-in of machines: `Authorization: Token …`, checked against digests, refused once it has ended."""

from typing import Any

from django.contrib.auth.models import User
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from readiness import clock, tokens
from readiness.models import MachineToken


class MachineTokenAuthentication(TokenAuthentication):
    """Knox's, but an ended token is kept: the row says who could write, and until when."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, MachineToken]:
        """The machine's log-in and its token. Raises ``AuthenticationFailed``."""
        try:
            token.decode("ascii")
        except UnicodeDecodeError:
            raise AuthenticationFailed("Invalid token.") from None
        found: tuple[User, MachineToken] = super().authenticate_credentials(token)
        return found

    def validate_user(self, auth_token: MachineToken) -> tuple[Any, MachineToken]:
        """Refuse a token that has ended, in words; note the use of one that has not."""
        if auth_token.expiry is not None and auth_token.expiry <= clock.real_now():
            ended = "was revoked" if auth_token.revoked else "expired"
            raise AuthenticationFailed(
                f"The token {auth_token.name} {ended} on {auth_token.expiry:%Y-%m-%d}."
            )
        found: tuple[Any, MachineToken] = super().validate_user(auth_token)
        tokens.note_use(auth_token)
        return found

    def _cleanup_token(self, auth_token: MachineToken) -> bool:
        """Knox deletes ended tokens here, and answers that it did."""
        return False
