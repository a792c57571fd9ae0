"""`python -m demos`: run the main demo; see `--help` for the others."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import demos
from demos import (
    cluster,
    digits,
    gallery,
    layer_classes,
    plateau,
    relu_regression,
    sigmoid_sine,
    single_sample,
    tanh_parabolas,
)

DEMOS: dict[str, tuple[ModuleType, ...]] = {  # the first names it
    "000": (relu_regression,),
    "001": (layer_classes,),
    "002": (sigmoid_sine,),
    "003": (tanh_parabolas, plateau),
    "004": (single_sample,),
    "digits": (digits,),
    "cluster": (cluster,),
    "gallery": (gallery,),
}


def listing() -> str:
    """The demos, a line each."""
    return "\n".join(f"{name}  {(parts[0].__doc__ or '').splitlines()[0]}" for name, parts in DEMOS.items())


def obstacle(demo: str) -> str:
    """Why a demo could not finish, told before it starts; empty where nothing is in the way."""
    if demo not in DEMOS:
        return f"there is no demo {demo!r}; there are\n{listing()}"
    if demo == "cluster":
        missing = [name for name in ("distributed", "tqdm") if find_spec(name) is None]
        return f"{missing[0]} is not installed: python -m pip install -e '.[demos,cluster]'" if missing else ""
    if demo != "gallery" and find_spec("matplotlib") is None:
        return "the demos plot with matplotlib, which is not installed: python -m pip install -e '.[demos]'"
    try:
        folder = demos.output_folder()
    except OSError as error:
        return f"{demos.OUT} is not a folder for pictures ({error.strerror}); give another by --out"
    return "" if os.access(folder, os.W_OK) else f"{folder} cannot be written to; give another folder by --out"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demos", description=__doc__)
    parser.add_argument("demo", nargs="?", default="000", help="which demo to run (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="list the demos and stop")
    parser.add_argument("--out", type=Path, default=demos.OUT, help="where pictures go (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print(listing())
        return 0
    demos.OUT = chosen.out
    if problem := obstacle(chosen.demo):
        print(problem, file=sys.stderr)
        return 2
    for part in DEMOS[chosen.demo]:
        part.main()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
