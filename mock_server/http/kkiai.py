"""The kkiai dialect: the official API under /kling with a gateway's key."""

from __future__ import annotations

from mock_server.http import klingai
from mock_server.http.dialect import Dialect
from mock_server.http.envelope import kling_error

DIALECT = Dialect(
    "kkiai",
    "/kling/",
    klingai.Operations("kkiai").handlers(),
    kling_error,
    klingai.words,
    creates=klingai.CREATES,
)
