"""Frames for slides: the same picture at every moment of a computation."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, get_args

from autograd.array.tensor import Tensor
from autograd.files import replacing
from autograd.notation.names import users_scope
from autograd.render.animation import animated, check_seconds
from autograd.render.build import build_scene
from autograd.render.diagram import Diagram, Direction
from autograd.render.metrics import text_width
from autograd.render.options import (
    DIRECTIONS,
    Collapse,
    Detail,
    check_choice,
    drawable,
    overrides,
    style_named,
    unfolded,
)
from autograd.render.palette import TITLE
from autograd.render.pdf import BindingError, bind
from autograd.render.picture import Picture
from autograd.render.steps import Step, moment, steps

FrameFormat = Literal["svg", "png", "pdf"]
FORMATS: Final = get_args(FrameFormat)
STEM: Final = "frame"  # of the files in a folder


def frames(
    output: Tensor,
    path: str | os.PathLike[str],
    *,
    format: FrameFormat | None = None,
    style: str = "cards",
    direction: Direction = "LR",
    captions: bool = True,
    names: Mapping[Tensor | str, str] | None = None,
    collapse: Collapse = "auto",
    depth: int | None = None,
    detail: Detail | None = None,
    title: str | None = None,
    seconds: float = 1.5,
) -> list[Path]:
    r"""Write the computation behind `output` step by step: a picture for every moment, forward and backward.

    All frames have the same geometry, so that nothing moves when slides change: what is not computed
    yet has its place already. The first shows what is given, the last everything. The steps are
    those of the engine's own backward pass, and no `.grad` changes.

    Args:
        output: a Tensor that operations on other Tensors gave; backward steps need one element.
        path: "backprop.pdf" is one document with a page a step, "backprop.gif" one animation, which needs Pillow;
            "step.svg" or "step.png" are numbered files, step-01.svg and on; a path without a suffix is a folder, made
            if need be, for frame-01.svg and on. Numbered files that an earlier, longer run left are not removed.
        format: of the files in a folder, "svg" by default; "pdf" is a document a step.
        style: "cards" or "plain", or "circuit" where all values are numbers, as for `draw`; or a style of your own
            that shows single moments.
        direction: "LR", from left to right, or "TB", from top to bottom.
        captions: say above each frame what happens in it.
        names, collapse, depth, detail: as for `draw`.
        title: a line above all frames, before the caption.
        seconds: how long an animation shows a step; the last one twice as long.

    Returns:
        The files, in order.

    Raises:
        TypeError: `output` is no Tensor, or a name no string; `seconds` is no number.
        ValueError: `output` has no graph; unknown format, suffix, style or direction; a circuit with arrays; an
            unknown name in `names`; `seconds` is not from 0.05 to 60.
        RuntimeError: no installed renderer can draw the format, or Pillow is missing; says what to install.
        OSError: a file cannot be written.

    >>> import autograd, tempfile
    >>> w = autograd.Tensor(3.0, requires_grad=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.name for file in frames(w * w, folder)]
    ['frame-1.svg', 'frame-2.svg', 'frame-3.svg', 'frame-4.svg', 'frame-5.svg', 'frame-6.svg']
    """
    node = drawable(output, "frames")
    chosen = style_named(style, moments=True)
    check_choice("direction", direction, DIRECTIONS)
    target, suffix, bound = _target(Path(path), format)
    gif = suffix == "gif"
    if gif:
        check_seconds(seconds)
    options = unfolded(title, chosen, collapse, depth, detail)
    scene = build_scene(node, users_scope(), overrides(names), options)
    series = _series(scene.diagram, steps(scene), captions=captions)
    pictures = [Picture(diagram, chosen, direction) for diagram in series]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each waits for a program that draws
        drawn = list(pool.map(lambda picture: picture.content("png" if gif else suffix), pictures))
    if gif:
        content = {target: animated(drawn, seconds)}
    elif bound:
        try:
            content = {target: bind(drawn)}
        except BindingError as error:
            raise RuntimeError(
                f"the pages cannot be bound into one document, {error}; "
                f"frames({scene.diagram.output.name}, folder, format='pdf') writes a document each"
            ) from error
    else:
        digits = len(str(len(drawn)))
        numbered = (target.with_name(f"{target.stem}-{n:0{digits}}.{suffix}") for n in range(1, len(drawn) + 1))
        content = dict(zip(numbered, drawn, strict=True))
        target.parent.mkdir(parents=True, exist_ok=True)
    for file, data in content.items():
        with replacing(file) as opened:
            opened.write(data)
    return list(content)


def _series(diagram: Diagram, all_steps: Sequence[Step], *, captions: bool) -> Iterator[Diagram]:
    """The picture of each moment; with a caption above it, and the same space for that in all of them."""
    titles = [f"{diagram.title} · {step.sentence}" if diagram.title else step.sentence for step in all_steps]
    longest = max(titles, key=lambda title: text_width(title, TITLE, bold=True))
    for number, title in enumerate(titles):
        now = moment(diagram, all_steps, number)
        yield replace(now, title=title, longest_title=longest) if captions else now


def _target(path: Path, format: str | None) -> tuple[Path, str, bool]:
    """The name that files are numbered after, or that of the one document; the format; whether it is one document."""
    suffix = path.suffix.lower()[1:]
    if format is not None:
        check_choice("format", format, FORMATS)
    if not suffix or path.is_dir():
        return path / f"{STEM}.{format or 'svg'}", format or "svg", False
    if suffix not in (*FORMATS, "gif"):
        raise ValueError(
            f"cannot tell the format of {str(path)!r}: its name should end in .svg, .png, .pdf or .gif, "
            "or in nothing, for a folder"
        )
    if format not in (None, suffix):
        raise ValueError(f"format is {format!r}, and {str(path)!r} ends in .{suffix}")
    return path, suffix, suffix in ("pdf", "gif")
