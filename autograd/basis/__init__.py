"""What the engine stands on: names of functions, broadcasting, what rules read. It may import NumPy alone."""
