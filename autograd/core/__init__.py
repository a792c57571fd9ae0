"""The engine: nodes, the record of an operation, dispatch, reverse accumulation, the Tensor. It imports NumPy alone."""
