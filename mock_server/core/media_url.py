"""Where audio is: urls that say themselves whose they are and when they expire.

Observed: the url of a result is signed and expires 30 days after the task's last change (live calls 2026-09); what a
dead one answers is not documented (assumed: 403).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

#: How long a result's url lives, in milliseconds. Documented: 30 days.
URL_LIFE_MS = 30 * 24 * 3600 * 1000


@lru_cache(maxsize=4096)
def tag(account_id: str) -> str:
    """What stands in a url for the account, whose clock it expires by. It does not tell the account's name."""
    return sha256(account_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def media_url(origin: str, account_id: str, name: str, expires_at: int) -> str:
    """The url of a file that expires at an instant (ms)."""
    return f"{origin}/media/{tag(account_id)}/{name}?Expires={expires_at // 1000}"
