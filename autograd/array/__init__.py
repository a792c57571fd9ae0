"""What an array can do, on the engine: `Tensor`, its methods, writing in place, ufuncs' methods, plain numbers.

It may import the core and the rules.
"""
