"""Pictures of trainings and networks, drawn with matplotlib: each takes Axes or makes new ones, and returns them."""

from nn.plots.network import decision_boundary, hidden_space, histograms, loss_landscape
from nn.plots.training import GradientFlow, confusion, gradient_flow, learning_curves

__all__ = [
    "GradientFlow",
    "confusion",
    "decision_boundary",
    "gradient_flow",
    "hidden_space",
    "histograms",
    "learning_curves",
    "loss_landscape",
]
