"""Judging derivatives: against finite differences, and hand-derived ones against the recorded graph."""

from autograd.testing.comparison import Finding, Report, assert_grads_match, compare_grads
from autograd.testing.gradcheck import GradcheckError, gradcheck

__all__ = [
    "Finding",
    "GradcheckError",
    "Report",
    "assert_grads_match",
    "compare_grads",
    "gradcheck",
]
