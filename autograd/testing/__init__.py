"""Judging derivatives: functions against finite differences, and hand-derived backprop against the recorded graph.

    gradcheck    finite differences
    comparison   compare_grads and assert_grads_match: what is given, and how far it may be off
    replay       the reverse pass in float64, with mistakes put into it
    catalogue    the mistakes that people make
    search       which of them explains the numbers
    words        names for values and gradients, and the lines that are right
    report       the outcome, in a terminal, as HTML and as a picture

It may import everything in `autograd`; nothing there imports it. `README.md` is the page for who uses it.
"""

from autograd.testing.comparison import assert_grads_match, compare_grads
from autograd.testing.gradcheck import GradcheckError, gradcheck
from autograd.testing.report import CAUSES, Finding, Report

__all__ = [
    "CAUSES",
    "Finding",
    "GradcheckError",
    "Report",
    "assert_grads_match",
    "compare_grads",
    "gradcheck",
]
