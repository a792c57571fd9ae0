"""Layers: a file for each kind."""

from nn.layers.activations import (
    ELU,
    GELU,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from nn.layers.containers import MLP, Residual, Sequential
from nn.layers.embedding import Embedding
from nn.layers.linear import Linear
from nn.layers.normalisation import BatchNorm1d, BatchNorm2d, LayerNorm
from nn.layers.simple import Dropout, Flatten, Identity

__all__ = [
    "ELU",
    "GELU",
    "MLP",
    "BatchNorm1d",
    "BatchNorm2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]
