"""A training step recorded once, planned, and replayed as straight-line NumPy. README.md here has the contract.

It may import `program` and what is under it.
"""

from __future__ import annotations

from autograd.compiler.compiled import Compiled, Stats, compile

__all__ = ["Compiled", "Stats", "compile"]
