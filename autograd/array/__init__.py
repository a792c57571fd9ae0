"""What an array can do, on the engine: methods, writing in place, methods of ufuncs.

It may import the core and the rules.
"""
