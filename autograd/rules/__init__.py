"""The derivative table of NumPy: a record for each operation, grouped as NumPy's manual groups them.

`definition` says how a record is written, `samples` holds what many records share. `composed/` holds the functions
that are made of recorded ones: a composition imports records, but no record a composition. Importing the package
fills the table. It may import `core` and what is under it.
"""

from autograd.rules import (  # noqa: F401
    cumulative,
    decompositions,
    diagonal,
    einsum,
    elementwise,
    exponential,
    index,
    join,
    kinks,
    linalg,
    norm,
    order,
    padding,
    plain,
    products,
    reduce,
    repetition,
    sampled,
    shape,
    trigonometric,
    variance,
    vectors,
    write,
)

# isort: split
from autograd.rules import composed  # noqa: F401  (after the records that it is made of)
