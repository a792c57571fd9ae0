"""Judging derivatives: functions against finite differences, and hand-derived backprop against the recorded graph.

    gradcheck    finite differences
    comparison   compare_grads and assert_grads_match: what is given, and how far it may be off
    replay       the reverse pass in float64, with mistakes put into it
    catalogue    the mistakes that people make
    search       which of them explains the numbers
    words        names for values and gradients, and the lines that are right
    backprop     check_backprop and assert_backprop: the author's own function, judged line by line
    submission   the function, the parameters in what holds them, and all put back afterwards
    recording    its run, on arrays that write down every call with its place in the source
    source       statements, and expressions under a caret
    outcome      the loss and the gradients that it gave
    truth        what the values of the run should be
    dataflow     which line departs from that
    report       the outcome, in a terminal, as HTML and as a picture

It may import everything from `render` down. `README.md` is the page for who uses it.
"""

from autograd.testing.backprop import assert_backprop, check_backprop
from autograd.testing.comparison import assert_grads_match, compare_grads
from autograd.testing.gradcheck import GradcheckError, gradcheck
from autograd.testing.report import CAUSES, Finding, Report, WrongLine

__all__ = [
    "CAUSES",
    "Finding",
    "GradcheckError",
    "Report",
    "WrongLine",
    "assert_backprop",
    "assert_grads_match",
    "check_backprop",
    "compare_grads",
    "gradcheck",
]
