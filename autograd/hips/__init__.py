"""The public interface of HIPS autograd, whose import name is ours too, on this engine.

`operators` has its transforms and `primitives` its way of adding operations. `names` has the modules by which its users
import them: that folder is on the path of the package `autograd`, so that `autograd.extend` is `names/extend.py`.
None of it is loaded before it is asked for. It may import everything from `testing` down.
"""
