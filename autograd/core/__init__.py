"""The engine: what a computation is, what an operation is, and reverse accumulation. It may import `basis` and `text`.

Read it in this order: `node` (one value of a computation), `op` (the record of an operation, and the table of
records), `tensor` (NumPy's calls become nodes), `backward` (the chain rule, from the output back), `errors`.
"""
