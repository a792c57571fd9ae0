"""Backprop as a straight-line program: written out as source, and replayed as a compiled step."""

from __future__ import annotations

from autograd.derivation.compiled import Compiled, Stats, compile
from autograd.derivation.derivation import Derivation, derive, lines_for

__all__ = ["Compiled", "Derivation", "Stats", "compile", "derive", "lines_for"]
