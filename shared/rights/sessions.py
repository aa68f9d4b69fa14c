"""Sessions: a signed token in a cookie (JWT, HS256, RFC 7519), and the token that forms bring along (CSRF).

The token says who and until when; what they may do follows from the organisation at each request.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from shared.clock import Clock
from shared.keys import Keys

_CLAIMS = ["sub", "sid", "gen", "iat", "exp"]


@dataclass(frozen=True)
class Session:
    """One sign-in. Its id is new at each sign-in and known to nobody but the cookie."""

    id: str
    person: str
    generation: int
    """The account's at sign-in: a new password or a closing begins the next, and ends this session."""
    expires: datetime


class Sessions:
    """Issues and reads session tokens."""

    def __init__(self, keys: Keys, clock: Clock, hours: int) -> None:
        self._key = keys.purpose("session")
        self._csrf = keys.purpose("csrf")
        self._clock = clock
        self.lasts = timedelta(hours=hours)

    def issue(self, person: str, generation: int) -> tuple[Session, str]:
        """A new session and its token."""
        now = self._clock.now().replace(microsecond=0)
        session = Session(secrets.token_urlsafe(16), person, generation, now + self.lasts)
        claims = {
            "sub": person,
            "sid": session.id,
            "gen": generation,
            "iat": int(now.timestamp()),
            "exp": int(session.expires.timestamp()),
        }
        return session, jwt.encode(claims, self._key, algorithm="HS256")

    def read(self, token: str) -> Session | None:
        """The session that a token is for; None where it is forged, expired or not a token of ours."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
            )
            expires = datetime.fromtimestamp(claims["exp"], UTC)
            session = Session(str(claims["sid"]), str(claims["sub"]), int(claims["gen"]), expires)
        except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError):
            return None
        # The installation's clock decides, which may be simulated; PyJWT only knows the machine's.
        return session if self._clock.now() < expires else None

    def csrf(self, session_id: str) -> str:
        """What forms of a session carry: only pages of ours know it."""
        return hmac.digest(self._csrf, session_id.encode(), "sha256")[:20].hex()

    def csrf_holds(self, session_id: str, token: str) -> bool:
        """Whether a form's token belongs to the session."""
        return hmac.compare_digest(self.csrf(session_id).encode(), token.encode(errors="replace"))
