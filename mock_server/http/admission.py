"""Who may use the control API: nobody's web page, and beyond loopback only who has the token."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from mock_server.http.breakage import can_break
from mock_server.settings import Settings

PREFIX = "/__mock__/"


class ControlError(Exception):
    """Raised when a control request is refused: HTTP status and words. Nothing changed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def admit(request: Request, settings: Settings) -> None:
    """Lets a control request pass.

    Raises:
        ControlError: a page of another site asks (403), the server listens beyond loopback and has no token (403), or
            the token is missing or wrong (401).
    """
    if _is_foreign_page(request, settings):
        raise ControlError(403, "the control API is not for pages of other sites")
    token = settings.control_token
    host = request.headers.get("host", "")
    # A page whose name was rebound to this machine reads without saying whose it is; in-process there is no browser.
    if not token and can_break(request.scope) and not _is_own_name(host, settings):
        raise ControlError(
            403, f"{host[:100]!r} is not this server's name; tell it with --public-url or --host"
        )
    if not token and not settings.is_local:
        raise ControlError(
            403, "beyond loopback the control API needs --control-token when the server starts"
        )
    given = request.headers.get("x-mock-token", "")
    if token and not hmac.compare_digest(given.encode(), token.encode("utf-8", "replace")):
        raise ControlError(401, "X-Mock-Token is missing or wrong")


def _is_foreign_page(request: Request, settings: Settings) -> bool:
    """Whether a browser sends this for a page that is not this server's own.

    A page of another site says so in Origin or Sec-Fetch-Site. One whose name was rebound to this machine does not, but
    then the Host is its name: an address, localhost, or what the server was told to be called, is not.
    """
    headers = request.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None and site is None:
        return False  # no browser
    host = headers.get("host", "")
    if origin is not None and origin.partition("://")[2] != host:
        return True
    if site not in (None, "same-origin", "none"):
        return True
    return not _is_own_name(host, settings)


def _is_own_name(host: str, settings: Settings) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", settings.host) or name.endswith(".localhost"):
        return True
    if settings.public_url and name == urlsplit(settings.public_url).hostname:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
