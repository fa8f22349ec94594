"""Pictures in JPEG or PNG, read without trusting their size: it is looked up before anything is decoded."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from plan2vec_envs.errors import CorruptFileError, FileTooLargeError, SourceError

MAX_PIXELS = 40_000_000
VIEW_SIZE = 64
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"


def decode_view(data: bytes, where: str) -> np.ndarray:
    """A whole panorama as the paper's networks see it: grey, squashed to a square by cubic interpolation.

    Returns:
        (1, 64, 64) uint8; arguments and errors are those of `decode_grey`.
    """
    return cv2.resize(decode_grey(data, where), (VIEW_SIZE, VIEW_SIZE), interpolation=cv2.INTER_CUBIC)[None]


def decode_square(data: bytes, where: str) -> np.ndarray:
    """The middle square of a picture in grey; its shorter side becomes 64 pixels, each the mean of what it covers.

    Returns:
        (1, 64, 64) uint8; arguments and errors are those of `decode_grey`.
    """
    return middle_square(decode_grey(data, where), VIEW_SIZE)[None]


def decode_picture(data: bytes, where: str) -> np.ndarray:
    """A picture as it is: grey or in colours; a channel of transparency is left out.

    Returns:
        (H, W) or (H, W, 3) uint8, red first; arguments and errors are those of `decode_grey`, and a SourceError
        for 16 bits a channel, such as of depths, which bytes do not hold.
    """
    if data.startswith(_PNG) and data[24:25] == b"\x10":
        raise SourceError(f"{where}: a PNG of 16 bits a channel; need 8. Scale it, or make vectors of it")
    picture = _decoded(data, where, cv2.IMREAD_ANYCOLOR)
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def middle_square(picture: np.ndarray, size: int) -> np.ndarray:
    """The middle square of (H, W, ...) uint8, each pixel the mean of what it covers: (size, size, ...)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    # Cut before it is resized: a picture of 1 x 1,000,000 pixels would become one of 64 x 64,000,000.
    square = picture[top : top + side, left : left + side]
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)


def decode_grey(data: bytes, where: str) -> np.ndarray:
    """A picture in grey.

    Args:
        data: JPEG or PNG; zeros behind it do not matter.
        where: what to call it in messages.

    Returns:
        (H, W) uint8.

    Raises:
        SourceError: if it is neither JPEG nor PNG.
        FileTooLargeError: if it has more than 40 megapixels; nothing was decoded.
        CorruptFileError: if it is cut off or damaged.
    """
    return cv2.cvtColor(_decoded(data, where, cv2.IMREAD_COLOR), cv2.COLOR_BGR2GRAY)


def _decoded(data: bytes, where: str, mode: int) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8, blue first, as OpenCV reads it in some mode."""
    width, height, body = _size(data, where)
    if width * height > MAX_PIXELS:
        raise FileTooLargeError(
            f"{where}: a picture of {width} x {height} pixels, more than {MAX_PIXELS // 10**6} megapixels; nothing "
            "was decoded. Is it the right file?"
        )
    # Decoders fill up what is missing with grey and say so on stderr only.
    if data.find(b"IEND" if data.startswith(_PNG) else b"\xff\xd9", body) < 0:
        raise _damaged(where, f"its end is missing after {len(data)} bytes")
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), mode | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _damaged(where, str(error)) from error
    if picture is None or picture.shape[:2] != (height, width):
        raise _damaged(where, "it cannot be decoded")
    return picture


def _size(data: bytes, where: str) -> tuple[int, int, int]:
    """(width, height, offset of what follows), from the header alone; thumbnails in it are stepped over."""
    if not data.startswith((_PNG, _JPEG)):
        raise SourceError(f"{where}: neither JPEG nor PNG; {len(data)} bytes that begin with {data[:8]!r}")
    file = io.BytesIO(data)
    try:
        picture = (PngImageFile if data.startswith(_PNG) else JpegImageFile)(file)
    except Exception as error:  # whatever a stranger's header makes its reader raise
        raise _damaged(where, f"its header is cut off ({error})") from error
    return *picture.size, file.tell()


def _damaged(where: str, why: str) -> CorruptFileError:
    return CorruptFileError(f"{where}: the picture is truncated or damaged: {why}. Fetch the source again")
