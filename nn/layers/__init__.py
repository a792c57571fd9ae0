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
from nn.layers.attention import MultiheadAttention
from nn.layers.containers import MLP, Residual, Sequential
from nn.layers.convolution import Conv2d, MaxPool2d
from nn.layers.embedding import Embedding
from nn.layers.linear import Linear
from nn.layers.normalisation import BatchNorm1d, BatchNorm2d, LayerNorm
from nn.layers.recurrent import LSTM, RNN, LSTMCell, RNNCell
from nn.layers.simple import Dropout, Flatten, Identity

__all__ = [
    "ELU",
    "GELU",
    "LSTM",
    "MLP",
    "RNN",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "Identity",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "MultiheadAttention",
    "RNNCell",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]
