"""How values are called and expressions are written, for pictures, derivations and reports alike.

A value's name is in `naming`. A call is written as NumPy source by `source`, and as mathematics by `formulas`: a tree
(`tree`), as the records' own rules are (`rule`). `latex`, `unicode` and `mathml` write trees.

It may import `program` and what is under it.
"""
