"""Computation as a straight-line program: traced, simplified, with its reverse pass.

It may import the engine.
"""
