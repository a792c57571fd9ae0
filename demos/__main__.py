"""`python -m demos`: run the main demo; see `--help` for the others."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import ModuleType

import demos
from demos import gallery, layer_classes, plateau, relu_regression, sigmoid_sine, single_sample, tanh_parabolas

DEMOS: dict[str, tuple[ModuleType, ...]] = {  # the first names it
    "000": (relu_regression,),
    "001": (layer_classes,),
    "002": (sigmoid_sine,),
    "003": (tanh_parabolas, plateau),
    "004": (single_sample,),
    "gallery": (gallery,),
}


def listing() -> str:
    """The demos, a line each."""
    return "\n".join(f"{name}  {(parts[0].__doc__ or '').splitlines()[0]}" for name, parts in DEMOS.items())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demos", description=__doc__)
    parser.add_argument("demo", nargs="?", default="000", help="which demo to run (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="list the demos and stop")
    parser.add_argument("--out", type=Path, default=demos.OUT, help="where pictures go (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print(listing())
        return 0
    if chosen.demo not in DEMOS:
        print(f"there is no demo {chosen.demo!r}; there are\n{listing()}", file=sys.stderr)
        return 2
    demos.OUT = chosen.out
    for part in DEMOS[chosen.demo]:
        part.main()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
