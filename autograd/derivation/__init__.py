"""A derivation written down: the program of a loss and its gradients, as NumPy source and as LaTeX.

It may import `notation` and what is under it.
"""

from __future__ import annotations

from autograd.derivation.derivation import Derivation, derive

__all__ = ["Derivation", "derive"]
