"""Computation as a straight-line program: traced, simplified, with its reverse pass.

It may import `rules` and what is under it.
"""
