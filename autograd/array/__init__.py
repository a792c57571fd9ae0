"""What an array can do, on the engine: `Tensor`, its methods, writing in place, ufuncs' methods, plain numbers.

It may import `rules` and what is under it.
"""
