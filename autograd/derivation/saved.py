"""Derivations as files: modules that run by themselves."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograd.derivation.expression import Helpers, Text, Writer

_ARRAYS = 400  # numbers that a saved module holds in its text; more go into a file beside it


def stored(arguments: Mapping[str, Any]) -> bool:
    """Whether the arrays go into a file of their own."""
    return sum(int(array.size) for array in arguments.values()) > _ARRAYS


def module_text(source: str, arguments: Mapping[str, Any], target: Path) -> str:
    """`backprop`, and a call of it with these arguments."""
    lines = [source, "", 'if __name__ == "__main__":']
    if stored(arguments):
        lines[0] = lines[0].replace("import numpy as np\n", "from pathlib import Path\n\nimport numpy as np\n", 1)
        lines.append(f'    arguments = dict(np.load(Path(__file__).with_name("{target.stem}.npz")))')
    else:
        write = Writer(lambda var: Text(str(var.name)), Helpers())
        lines.append("    arguments = {")
        lines += [f'        "{name}": {write.value(array).text},' for name, array in arguments.items()]
        lines.append("    }")
    lines += [
        "    loss, gradients = backprop(**arguments)",
        '    print("loss", loss)',
        "    for name, gradient in gradients.items():",
        '        print(f"d{name}", gradient, sep="\\n")',
    ]
    return "\n".join(lines) + "\n"


def replace(target: Path, write: Any) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=target.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
