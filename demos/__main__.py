"""`python -m demos`: run the main demo; see `--help` for the others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from demos import relu_regression

DEMOS: dict[str, Callable[[], None]] = {
    "000": relu_regression.main,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demos", description=__doc__)
    parser.add_argument("demo", nargs="?", default="000", help="which demo to run (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="list the demos and stop")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        for name, run in DEMOS.items():
            print(f"{name}  {(sys.modules[run.__module__].__doc__ or '').splitlines()[0]}")
        return 0
    if chosen.demo not in DEMOS:
        print(f"there is no demo {chosen.demo!r}; there are {', '.join(DEMOS)}", file=sys.stderr)
        return 2
    DEMOS[chosen.demo]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
