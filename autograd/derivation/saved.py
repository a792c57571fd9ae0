"""Derivations as files: modules that run by themselves."""

from __future__ import annotations

import keyword
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autograd.notation.literals import Text
from autograd.notation.source import Helpers, Writer

_ARRAYS = 400  # numbers that a module holds in its text; more go into a file beside it


def save(target: Path, source: str, arguments: Mapping[str, Any]) -> None:
    """Write `source` with a call of `backprop` on these arguments: both files, or none."""
    if target.suffix != ".py":
        raise ValueError(f"{target.name}: a derivation is saved as a Python module, with the suffix .py")
    if not target.stem.isidentifier() or keyword.iskeyword(target.stem):
        raise ValueError(f"{target.name}: no module can have this name, since it is no identifier")
    beside = sum(int(array.size) for array in arguments.values()) > _ARRAYS
    text = _module(source, arguments, target.stem if beside else None)
    files: dict[Path, Callable[[Any], Any]] = {target: lambda file: file.write(text.encode())}
    if beside:
        arrays: Any = dict(arguments)
        files[target.with_suffix(".npz")] = lambda file: np.savez(file, **arrays)
    temporaries: dict[Path, Path] = {}
    try:
        for path, write in files.items():
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
            temporaries[path] = Path(name)
            with os.fdopen(handle, "wb") as file:
                write(file)
            temporaries[path].chmod(0o666 & ~_umask())
        for path, temporary in temporaries.items():
            temporary.replace(path)
    except OSError as error:
        message = (
            f"{target} cannot be written ({error.strerror}); what was there is unchanged. Give a path in a folder that "
            "exists and that you may write to"
        )
        raise type(error)(error.errno, message) from None
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)


def _module(source: str, arguments: Mapping[str, Any], stem: str | None) -> str:
    """`backprop`, and a call of it with these arguments: in the text, or from the file called `stem`."""
    lines = [source, "", 'if __name__ == "__main__":']
    if stem is not None:
        lines[0] = source.replace("import numpy as np\n", "from pathlib import Path\n\nimport numpy as np\n", 1)
        lines.append(f'    arguments = dict(np.load(Path(__file__).with_name("{stem}.npz")))')
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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
