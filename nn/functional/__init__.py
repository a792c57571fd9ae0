"""Functions of networks, each one record: on arrays they compute, on Tensors they record.

Rules are read as `autograd.operation` describes: `g` is the gradient that arrives, `y` the value.

>>> import numpy as np
>>> from nn import functional as F
>>> logits = np.array([[2.0, 0.0], [0.0, 2.0]])
>>> bool(np.isclose(F.cross_entropy(logits, [0, 1]), -np.log(F.softmax(logits)[0, 0])))
True
"""

from nn.functional.activations import dropout, log_softmax, relu, sigmoid, softmax, tanh
from nn.functional.attention import attention_weights, scaled_dot_product_attention
from nn.functional.binary import binary_cross_entropy, binary_cross_entropy_with_logits
from nn.functional.classes import cross_entropy, kl_div, nll_loss
from nn.functional.convolution import conv2d, max_pool2d
from nn.functional.distances import hinge_loss, huber_loss, l1_loss, mse_loss
from nn.functional.linear import linear, mismatch
from nn.functional.normalisation import batch_norm, layer_norm, standardised
from nn.functional.penalties import l1_penalty, l2_penalty
from nn.functional.reduction import Reduction
from nn.functional.smooth import elu, gelu, leaky_relu, normal_cdf, silu, softplus

__all__ = [
    "Reduction",
    "attention_weights",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "cross_entropy",
    "dropout",
    "elu",
    "gelu",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "l1_penalty",
    "l2_penalty",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mismatch",
    "mse_loss",
    "nll_loss",
    "normal_cdf",
    "relu",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "standardised",
    "tanh",
]
