"""Where the documents and fixtures are: inside an installed wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
#: A wheel carries the two folders here: a top-level ``fixtures`` would collide with other packages.
_INSTALLED = _PACKAGE / "_data"
_CHECKOUT = _PACKAGE.parent


class ResourceMissing(FileNotFoundError):
    """Raised when a bundled folder is in neither place; the message says where it was looked for."""


def folder(name: str) -> Path:
    """The bundled folder ``openapi`` or ``fixtures``.

    Raises:
        ResourceMissing: the installation is incomplete.
    """
    for base in (_INSTALLED, _CHECKOUT):
        if (base / name).is_dir():
            return base / name
    raise ResourceMissing(
        f"no folder {name!r} in {_INSTALLED} or {_CHECKOUT}; install kling-mock again"
    )
