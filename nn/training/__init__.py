"""From a model and data to a trained model: `fit`, and what it needs."""

from nn.training.history import History
from nn.training.loop import fit
from nn.training.run import Run

__all__ = ["History", "Run", "fit"]
