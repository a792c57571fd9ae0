"""A derivation written down: the program of a loss and its gradients, as NumPy source and as LaTeX.

It may import what stands under it: the program, notation, and the engine.
"""

from __future__ import annotations

from autograd.derivation.derivation import Derivation, derive

__all__ = ["Derivation", "derive"]
