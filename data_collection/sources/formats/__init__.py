"""Foreign recordings into datasets. An open folder: each module holds one format, called ``FORMAT``.

``FORMATS`` maps names to formats; `recordings.py` recognises a file by them and reads it.
"""

from __future__ import annotations

from ...registry import Registry

FORMATS = Registry("format", __name__, holds="FORMAT")
