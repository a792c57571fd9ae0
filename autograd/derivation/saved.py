"""Derivations as files: modules that run by themselves."""

from __future__ import annotations

import io
import keyword
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from autograd.files import replacing
from autograd.notation.literals import Text
from autograd.notation.source import Helpers, Writer

_ARRAYS = 400  # numbers that a module holds in its text; more go into a file beside it


def save(target: Path, source: str, arguments: Mapping[str, Any]) -> None:
    """Write `source` with a call of `backprop` on these arguments.

    Where many numbers stand in a file beside the module, it knows that file by its digest: another one, as an
    interrupted save leaves or a copy of only one of the two, is an error and gives no numbers.
    """
    if target.suffix != ".py":
        raise ValueError(f"{target.name}: a derivation is saved as a Python module, .py, or as a LaTeX document, .tex")
    if not target.stem.isidentifier() or keyword.iskeyword(target.stem):
        raise ValueError(f"{target.name}: a module cannot have this name, which is not an identifier")
    beside = sum(int(array.size) for array in arguments.values()) > _ARRAYS
    if not beside:
        text = _module(source, arguments)
        with replacing(target) as file:
            file.write(text.encode())
        return
    archive, arrays = io.BytesIO(), dict[str, Any](arguments)
    np.savez(archive, **arrays)
    content = archive.getvalue()
    text = _module(source, arguments, target.stem, sha256(content).hexdigest())
    with replacing(target.with_suffix(".npz")) as numbers, replacing(target) as file:
        numbers.write(content)
        file.write(text.encode())


def _module(source: str, arguments: Mapping[str, Any], stem: str | None = None, digest: str = "") -> str:
    """`backprop`, and a call of it with these arguments: in the text, or from the file called `stem`."""
    lines = [source, "", 'if __name__ == "__main__":']
    if stem is not None:
        imports = "import io\nfrom hashlib import sha256\nfrom pathlib import Path\n\nimport numpy as np\n"
        lines[0] = source.replace("import numpy as np\n", imports, 1)
        lines += [
            f'    numbers = Path(__file__).with_name("{stem}.npz").read_bytes()',
            f'    if sha256(numbers).hexdigest() != "{digest}":',
            f'        raise SystemExit("{stem}.npz is not the file that was saved with this module: save both again")',
            "    arguments = dict(np.load(io.BytesIO(numbers)))",
        ]
    else:
        write = Writer(lambda var: Text(str(var.name)), Helpers())
        lines.append("    arguments = {")
        for name, array in arguments.items():
            text = write.value(array if array.ndim else array[()]).text
            text = text.replace("], [", "],\n" + " " * 12 + "[").replace("([[", "([\n" + " " * 12 + "[")  # a row a line
            lines.append(f'        "{name}": {text},')
        lines.append("    }")
    lines += [
        "    loss, gradients = backprop(**arguments)",
        '    print("loss", loss)',
        "    for name, gradient in gradients.items():",
        '        print(f"d{name}", gradient, sep="\\n")',
    ]
    return "\n".join(lines) + "\n"
