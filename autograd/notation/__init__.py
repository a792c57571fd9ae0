"""How values are called and expressions are written, for pictures, derivations and reports alike.

A value's name is in `naming`: its variable, by what that still holds (`names`) or by the source of the code that made
it (`written`). A call is written as NumPy source by `source`, and as mathematics by `formulas`: a tree (`tree`), as the
records' own rules are (`rule`). `latex`, `unicode` and `mathml` write trees.

It may import `program` and what is under it.
"""
