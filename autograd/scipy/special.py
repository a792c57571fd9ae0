"""`scipy.special` on Tensors: importing it fills the table.

Its ufuncs reach a Tensor by themselves, so `scipy.special.expit(t)` needs no import of ours.
"""

from __future__ import annotations

import scipy.special

from autograd.scipy import bessel, entropies, holomorphic, hypergeometric, orders, probabilities  # noqa: F401
from autograd.scipy import erf as _erf  # noqa: F401  (SciPy has functions of the same name)
from autograd.scipy import gamma as _gamma  # noqa: F401
from autograd.scipy import softmax as _softmax  # noqa: F401
from autograd.scipy.definition import attributes

__getattr__ = attributes(scipy.special)
