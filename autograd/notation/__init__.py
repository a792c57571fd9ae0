"""How values are called and expressions are written, for pictures, derivations and reports alike.

It may import the program and the engine.
"""
