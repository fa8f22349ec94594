"""Foreign recordings into datasets. An open folder: each module holds one format, called ``FORMAT``.

``FORMATS`` maps names to formats; `recordings.py` recognises a file by them and reads it.
"""

from __future__ import annotations

import importlib
import pkgutil

from ..recording import Format


def _load() -> dict[str, Format]:
    formats = {}
    for module in pkgutil.iter_modules(__path__):
        found = getattr(importlib.import_module(f"{__name__}.{module.name}"), "FORMAT", None)
        name = module.name.replace("_", "-")
        if not isinstance(found, Format) or found.name != name:
            raise TypeError(f"{__name__}.{module.name} must define FORMAT, a Format named '{name}'")
        formats[name] = found
    return formats


FORMATS: dict[str, Format] = _load()
