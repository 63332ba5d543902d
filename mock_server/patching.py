"""JSON Patch (RFC 6902) on answers and callbacks that a fault edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

#: The largest result, in bytes: a few copies of the whole into itself would fill the memory.
MOST_BYTES = 4_000_000


def patched(value: Any, operations: Sequence[Mapping[str, Any]]) -> bytes | None:
    """The patched value as JSON, or ``None`` when the patch does not fit it or makes too much of it."""
    import jsonpatch  # only edits need it
    import jsonpointer

    body: bytes | None = None
    try:
        for operation in operations:
            value = jsonpatch.apply_patch(value, [operation], in_place=True)
            body = orjson.dumps(value)
            if len(body) > MOST_BYTES:
                return None
    except (
        jsonpatch.JsonPatchException,
        jsonpointer.JsonPointerException,
        ValueError,
        TypeError,
        RecursionError,
    ):
        return None
    return body
