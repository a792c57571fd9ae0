"""Themes: the same picture in other colours, put in place of those of the palette when it is finished."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

Theme = Literal["light", "dark", "print"]
_COLOUR: Final = re.compile("#[0-9A-Fa-f]{6}")

# From each colour of `palette` to its counterpart; text keeps a contrast of at least 4.5:1 with its ground.
_DARK: Final = {
    "#FFFFFF": "#161B22", "#1F2933": "#E6EDF3", "#52606D": "#A9B4C0", "#005A8C": "#79C0FF", "#A84300": "#FFB077",
    "#FDF1E8": "#33241A", "#9B1C1C": "#F2A3A3", "#FBE3E3": "#4A1F1F", "#7B8794": "#8B98A5", "#D55E00": "#FF8A3D",
    "#9CC9EA": "#1F4E79", "#F9B384": "#7A3E12", "#F6F8FA": "#1C232C", "#CBD2D9": "#3D4854", "#1B5E3F": "#8FD9B0",
    "#E3F4EA": "#1D3B2B", "#6B4A00": "#F0C75E", "#FFE8A3": "#4A3C10", "#DCEBF8": "#1B3550", "#2B6CB0": "#5B9BD5",
    "#FFF0C2": "#453A14", "#B7791F": "#D9A441", "#8A5A12": "#E0B45C", "#E9EDF1": "#2A323C", "#F3D6E6": "#47243A",
    "#A23B72": "#D97AAE", "#EEF1F4": "#242B33",
}  # fmt: skip
_TEXTS: Final = "#1F2933", "#52606D", "#005A8C", "#A84300", "#8A5A12", "#2B6CB0", "#1B5E3F", "#6B4A00"
_GROUNDS: Final = "#DCEBF8", "#FFF0C2", "#E9EDF1", "#F3D6E6", "#EEF1F4", "#F6F8FA", "#E3F4EA", "#FFE8A3"
_PRINT: Final = {
    **dict.fromkeys(_TEXTS, "#000000"),
    **dict.fromkeys(_GROUNDS, "#FFFFFF"),
    **dict.fromkeys(("#B7791F", "#A23B72", "#7B8794", "#CBD2D9", "#D55E00"), "#555555"),
    "#FDF1E8": "#F0F0F0", "#9B1C1C": "#000000", "#FBE3E3": "#E0E0E0", "#9CC9EA": "#D0D0D0", "#F9B384": "#B0B0B0",
}  # fmt: skip
THEMES: Final[Mapping[str, Mapping[str, str]]] = {"light": {}, "dark": _DARK, "print": _PRINT}


def themed(text: str, theme: str) -> str:
    """A picture as DOT or SVG, in the colours of a theme.

    >>> themed('fill="#FFFFFF"', "dark")
    'fill="#161B22"'
    """
    colours = THEMES[theme]
    if not colours:
        return text
    return _COLOUR.sub(lambda found: colours.get(found[0].upper(), found[0]), text)
