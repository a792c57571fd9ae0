"""The derivative rules: records only, one place an operation, grouped as NumPy's manual groups them."""

from autograd.rules import elementwise, index, linalg, plain, reduce, shape

__all__ = ["elementwise", "index", "linalg", "plain", "reduce", "shape"]
