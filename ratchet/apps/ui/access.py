"""Who may act: sessions by a signed cookie, and the proof that a form was ours."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from ratchet.core.errors import UserError

_COOKIE = "ratchet_session"
_SECONDS = 8 * 3600  # a working day
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has shown the token. `csrf` is in each of their forms.

    `name` is what they call themselves, or, `proven`, whom the proxy before the page has signed in.
    """

    name: str
    csrf: str
    proven: bool = False

    @property
    def actor(self) -> str:
        """The name in the ledger, with who says so."""
        return f"{self.name} (ui, {'by proxy' if self.proven else 'self-declared'})"


class Access:
    """Signing in and out. Sessions are kept by the cookie alone, so every replica knows them; another token ends them all.

    Args:
        token: the shared secret; empty means that nobody can act.
        user_header: the header in which a proxy before the page says who asks, and which nobody else can set; empty: there is none.
    """

    def __init__(self, token: str, user_header: str = "") -> None:
        self._token, self._user_header = token, user_header
        self._key = hashlib.sha256(b"ratchet ui\0" + token.encode()).hexdigest()
        self._sessions = URLSafeTimedSerializer(self._key, salt="session", signer_kwargs={"digest_method": hashlib.sha256})

    @property
    def possible(self) -> bool:
        """Whether anybody can sign in."""
        return bool(self._token)

    @property
    def by_proxy(self) -> bool:
        """Whether a proxy says who asks, and nobody by himself."""
        return bool(self._user_header)

    def user(self, request: Request) -> str:
        """Whom the proxy has signed in; empty where it says nothing, or more than one thing."""
        said = request.headers.getlist(self._user_header) if self._user_header else []
        return " ".join(said[0].split()) if len(said) == 1 else ""

    def sign_in(self, request: Request, response: Response, name: str, token: str) -> None:
        """Set the cookie. Raises UserError when the name cannot stand in the ledger, or the token is not the one."""
        name = self.user(request) if self.by_proxy else " ".join(name.split())
        if self.by_proxy and not name:
            message = f"the proxy before this page does not say who you are: it has to set the header {self._user_header}, once"
            raise UserError(message)
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            message = f"say who you are, in 1 to {_LONGEST_NAME} characters: the ledger keeps it beside what you do"
            raise UserError(message)
        if not (self.possible and _equal(token, self._token)):
            message = "this is not the token"
            raise UserError(message)
        value = self._sessions.dumps({"name": name, "proven": self.by_proxy, "nonce": secrets.token_urlsafe(16)})
        secure = request.url.scheme == "https"
        response.set_cookie(_COOKIE, value, max_age=_SECONDS, httponly=True, samesite="strict", secure=secure)

    @staticmethod
    def sign_out(response: Response) -> None:
        """Take the cookie away."""
        response.delete_cookie(_COOKIE, httponly=True, samesite="strict")

    def session(self, request: Request) -> Session | None:
        """The one who asks; None without a cookie of ours, or with one that is too old, was changed or is another's."""
        value = request.cookies.get(_COOKIE, "")
        if not (self.possible and value):
            return None
        try:
            content = self._sessions.loads(value, max_age=_SECONDS)
        except BadSignature:
            return None
        name, proven = str(content["name"]), bool(content.get("proven"))
        if self.by_proxy and (not proven or name != self.user(request)):
            return None  # somebody else sits there now, or it came round the proxy
        csrf = hmac.new(self._key.encode(), f"csrf {content['nonce']}".encode(), hashlib.sha256).hexdigest()
        return Session(name, csrf, proven)


def is_form_of(session: Session, csrf: str) -> bool:
    """Whether the form with this proof was made for this session."""
    return _equal(csrf, session.csrf)


def is_same_origin(request: Request) -> bool:
    """Whether a browser sent the form from one of our pages, as far as it says; programs say nothing."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _equal(given: str, right: str) -> bool:
    """In constant time, whatever the lengths and characters."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (given, right)]
    return hmac.compare_digest(*digests)
