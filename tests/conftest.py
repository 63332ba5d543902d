"""Hooks for all tests of our own code."""

from __future__ import annotations

from typing import Any

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Gives schemathesis' items ids of their own: pytest 9.2 drops the operation from them."""
    label = getattr(item, "operation_label", None)
    identity: Any = getattr(item, "_id", None)
    if label is not None and hasattr(identity, "with_params") and label not in item.nodeid:
        item._id = identity.with_params(item.name.partition("[")[2].removesuffix("]"))
