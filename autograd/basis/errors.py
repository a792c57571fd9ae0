"""Errors with other messages."""

from __future__ import annotations


def retyped(error: Exception, message: str) -> Exception:
    """An error of the same type with another message; of the nearest plain type where it takes other arguments."""
    for kind in (type(error), IndexError, ValueError, TypeError):
        if isinstance(error, kind):
            try:
                return kind(message)
            except TypeError:
                continue
    error.add_note(message)
    return error
