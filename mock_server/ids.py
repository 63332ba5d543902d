"""Identifiers: hashes of a seed and an ordinal, so that the same world gives the same ids again."""

from __future__ import annotations

from hashlib import blake2b

_DIGITS = 18
_LOWEST = 10 ** (_DIGITS - 1)
_SPAN = 9 * _LOWEST
_FRACTIONS = 2**48
#: How many ordinals share a hash.
_SHARES = 4
#: How many hashes are remembered, the latest of each account and kind.
_REMEMBERED = 4096


class SeededIds:
    """Makes ids from ``hash(seed, account, kind, ordinal)``.

    One hash of 64 bytes serves four ordinals in a row, so that the hot path hashes little.

    Args:
        seed: any text; equal seeds give equal ids.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._key = blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        self._latest: dict[tuple[str, str], tuple[int, bytes]] = {}

    def number(self, account_id: str, kind: str, ordinal: int) -> str:
        """18 decimal digits, the first not 0, as text (observed: live calls 2026-09)."""
        return self.pair(account_id, kind, ordinal)[0]

    def pair(self, account_id: str, kind: str, ordinal: int) -> tuple[str, str]:
        """Two numbers from one hash: of a task, and of what it makes."""
        share = self._share(account_id, kind, ordinal)
        first, second = int.from_bytes(share[:8], "big"), int.from_bytes(share[8:], "big")
        return str(_LOWEST + first % _SPAN), str(_LOWEST + second % _SPAN)

    def fractions(self, account_id: str, kind: str, ordinal: int) -> tuple[float, float]:
        """Two numbers of [0, 1) from one hash."""
        share = self._share(account_id, kind, ordinal)
        # 48 bits: more would be rounded, and 1.0 could come out.
        first, second = int.from_bytes(share[:6], "big"), int.from_bytes(share[8:14], "big")
        return first / _FRACTIONS, second / _FRACTIONS

    def chance(self, account_id: str, rule: str, ordinal: int) -> float:
        """A number of [0, 1): whether a match of a rule is struck."""
        return self.fractions(account_id, f"chance {rule}", ordinal)[0]

    def request_id(self, account_id: str, ordinal: int) -> str:
        """A request id in the form of a UUID of version 4 (observed: live calls 2026-03)."""
        text = self._share(account_id, "request", ordinal).hex()
        # The two fixed nibbles of RFC 9562 section 5.4: the version, and the variant.
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def _share(self, account_id: str, kind: str, ordinal: int) -> bytes:
        """16 bytes that belong to one ordinal."""
        block, place = divmod(ordinal, _SHARES)
        latest = self._latest.get((account_id, kind))
        if latest is None or latest[0] != block:
            latest = block, self._hash(account_id, kind, block)
            if len(self._latest) >= _REMEMBERED:
                self._latest.clear()
            self._latest[account_id, kind] = latest
        return latest[1][place * 16 : place * 16 + 16]

    def _hash(self, account_id: str, kind: str, block: int) -> bytes:
        # Client-chosen text can hold lone surrogates; an id must not fail on them.
        text = f"{account_id}\0{kind}\0{block}".encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=64, key=self._key).digest()
