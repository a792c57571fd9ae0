"""Judging derivatives: against finite differences, and hand-derived ones against the recorded graph."""

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
