"""Bitmaps, one after the other, as an animated GIF. Pillow writes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np

_LONGEST = 2  # times what another step is shown, the last one is
_SHARPER = 2  # times the pixels that are shown, those that are drawn
_COLOURS = 256  # of a GIF


def check_seconds(seconds: float) -> None:
    """An error unless it is a time that a step can be shown, and Pillow is there to write it."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"seconds is a number, such as 1.5, not {seconds!r}")
    if not 0.05 <= seconds <= 60:
        raise ValueError(f"seconds is from 0.05 to 60, not {seconds!r}")
    if find_spec("PIL") is None:
        raise RuntimeError("an animated GIF needs Pillow: pip install 'chalkgrad[pictures]'")


def animated(bitmaps: Sequence[bytes], seconds: float) -> bytes:
    """The GIF of PNGs of one size; it begins again after the last of them."""
    from PIL import Image

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        shown = list(pool.map(_smaller, bitmaps))
    codes = [np.asarray(one).astype(np.int64) @ [1 << 16, 1 << 8, 1] for one in shown]
    colours, counts = np.unique(np.concatenate([one.ravel() for one in codes]), return_counts=True)
    colours = np.sort(colours[np.argsort(counts, kind="stable")[-_COLOURS:]])
    palette = Image.new("P", (1, 1))
    palette.putpalette([int(code) >> shift & 255 for code in colours for shift in (16, 8, 0)])
    frames = [_indexed(one, code, colours, palette) for one, code in zip(shown, codes, strict=True)]
    durations = [round(seconds * 1000)] * (len(frames) - 1) + [round(seconds * 1000 * _LONGEST)]
    written = BytesIO()
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return written.getvalue()


def _smaller(bitmap: bytes) -> Any:
    from PIL import Image

    return Image.open(BytesIO(bitmap)).convert("RGB").reduce(_SHARPER)


def _indexed(shown: Any, codes: Any, colours: Any, palette: Any) -> Any:
    """A picture in the colours of a palette: those in it exactly, others by Pillow's nearest."""
    from PIL import Image

    places = np.minimum(np.searchsorted(colours, codes), len(colours) - 1)
    nearest = np.asarray(shown.quantize(palette=palette, dither=Image.Dither.NONE))
    frame = Image.fromarray(np.where(colours[places] == codes, places, nearest).astype(np.uint8))
    frame.putpalette(palette.getpalette())
    return frame
