"""Planted mistakes: hand derivations with one wrong line, and how often the comparison finds it."""
