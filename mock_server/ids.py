"""Identifiers: hashes of a seed and an ordinal, so that the same world gives the same ids again."""

from __future__ import annotations

from hashlib import blake2b

_DIGITS = 18
_LOWEST = 10 ** (_DIGITS - 1)
_SPAN = 9 * _LOWEST
#: How many begun hashes are remembered.
_REMEMBERED = 4096


class SeededIds:
    """Makes ids from ``hash(seed, account, kind, ordinal)``.

    Args:
        seed: any text; equal seeds give equal ids.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._key = blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        self._begun: dict[tuple[str, str, int], blake2b] = {}

    def number(self, account_id: str, kind: str, ordinal: int) -> str:
        """18 decimal digits, the first not 0, as text (observed: live calls 2026-09)."""
        digest = self._digest(account_id, kind, ordinal, 8)
        return str(_LOWEST + int.from_bytes(digest, "big") % _SPAN)

    def pair(self, account_id: str, kind: str, ordinal: int) -> tuple[str, str]:
        """Two numbers from one hash: of a task, and of what it makes."""
        digest = self._digest(account_id, kind, ordinal, 16)
        first, second = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")
        return str(_LOWEST + first % _SPAN), str(_LOWEST + second % _SPAN)

    def fractions(self, account_id: str, kind: str, ordinal: int) -> tuple[float, float]:
        """Two numbers of [0, 1) from one hash."""
        digest = self._digest(account_id, kind, ordinal, 16)
        first, second = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")
        return first / 2**64, second / 2**64

    def chance(self, account_id: str, rule: str, ordinal: int) -> float:
        """A number of [0, 1): whether a match of a rule is struck."""
        return self.fractions(account_id, f"chance {rule}", ordinal)[0]

    def request_id(self, account_id: str, ordinal: int) -> str:
        """A request id in the form of a UUID of version 4 (observed: live calls 2026-03)."""
        text = self._digest(account_id, "request", ordinal, 16).hex()
        # The two fixed nibbles of RFC 9562 section 5.4: the version, and the variant.
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def _digest(self, account_id: str, kind: str, ordinal: int, size: int) -> bytes:
        begun = self._begun.get((account_id, kind, size))
        if begun is None:
            begun = self._begin(account_id, kind, size)
        hashed = begun.copy()
        hashed.update(b"%d" % ordinal)
        return hashed.digest()

    def _begin(self, account_id: str, kind: str, size: int) -> blake2b:
        # All but the ordinal is the same for every id of a kind, and is hashed once.
        text = f"{account_id}\0{kind}\0"
        # Client-chosen text can hold lone surrogates; an id must not fail on them.
        begun = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size, key=self._key)
        if len(self._begun) >= _REMEMBERED:
            self._begun.clear()
        self._begun[account_id, kind, size] = begun
        return begun
