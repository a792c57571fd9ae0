"""Models as ONNX files, which other runtimes compute: feed-forward networks and networks of images, in `eval()`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import replacing
from nn import layers
from nn import state as states
from nn.module import Module
from nn.prediction import predict

_OPSET = 17


def export(model: Module, path: states.Path, input_shape: tuple[int, ...]) -> None:
    """Write a model as an ONNX file with one input "x" and one output "y"; the first axis, the batch, is free.

    Args:
        model: a tree of `Sequential`, `MLP`, `Residual`, `Linear`, `Embedding`, `Conv2d`, `MaxPool2d`, `Flatten`,
            activations, normalisations and dropout, which is left out.
        path: the file.
        input_shape: of an input, with the batch.

    Raises:
        ImportError: the package onnx is not installed.
        TypeError: a module that has no form in ONNX here; with its path.

    >>> import os, tempfile
    >>> import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export(nn.MLP([3, 4, 2], rng=0), f"{folder}/model.onnx", (1, 3))
    ...     os.listdir(folder)
    ['model.onnx']
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError("nn.onnx writes by the package onnx: pip install onnx") from error
    graph = _Graph(onnx, next((p.dtype for p in model.parameters()), np.dtype(np.float64)))
    last = graph.of(model, "x")
    first = next((part for part in model.modules() if not list(part.children())), model)
    kind = onnx.TensorProto.INT64 if isinstance(first, layers.Embedding) else graph.kind
    zeros = np.zeros(input_shape, int if isinstance(first, layers.Embedding) else graph.dtype)
    shapes: list[list[Any]] = [["n", *given[1:]] for given in (zeros.shape, predict(model, zeros).shape)]
    made = onnx.helper.make_graph(
        [*graph.nodes, onnx.helper.make_node("Identity", [last], ["y"])],
        type(model).__name__,
        [onnx.helper.make_tensor_value_info("x", kind, shapes[0])],
        [onnx.helper.make_tensor_value_info("y", graph.kind, shapes[1])],
        graph.constants,
    )
    written = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", _OPSET)], producer_name="chalkgrad", ir_version=9
    )
    onnx.checker.check_model(written, full_check=True)
    with replacing(path) as file:
        file.write(written.SerializeToString())


class _Graph:
    """Nodes and constants, as modules add them."""

    def __init__(self, package: Any, dtype: np.dtype[Any]) -> None:
        self.package, self.dtype = package, dtype
        self.kind = package.helper.np_dtype_to_tensor_dtype(dtype)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def of(self, module: Module, x: str) -> str:
        """Add what a module computes of `x`; the name of its output."""
        form = _FORMS.get(type(module))
        if form is None:
            raise TypeError(f"{module._title()} has no form in ONNX here; there is one of {', '.join(_names())}")
        return form(self, module, x)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self.package.helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        name = f"c{len(self.constants)}"
        array = np.array(value.data if hasattr(value, "requires_grad") else value, dtype or self.dtype, order="C")
        self.constants.append(self.package.numpy_helper.from_array(array, name))
        return name


def _linear(graph: _Graph, module: Any, x: str) -> str:
    y = graph.node("MatMul", x, graph.constant(module.weight))
    return y if module.bias is None else graph.node("Add", y, graph.constant(module.bias))


def _sequential(graph: _Graph, module: Any, x: str) -> str:
    for part in module:
        x = graph.of(part, x)
    return x


def _mlp(graph: _Graph, module: Any, x: str) -> str:
    for k, layer in enumerate(module.layers):
        x = graph.of(layer, x)
        if k < len(module.layers) - 1:
            x = graph.of(module.norms[k], x) if module.norms else x
            x = graph.of(module.activation, x)
    return x if module.output_activation is None else graph.of(module.output_activation, x)


def _residual(graph: _Graph, module: Any, x: str) -> str:
    beside = x if module.shortcut is None else graph.of(module.shortcut, x)
    return graph.node("Add", graph.of(module.module, x), beside)


def _gelu(graph: _Graph, module: Any, x: str) -> str:
    half = graph.node("Mul", x, graph.constant(0.5))
    if module.approximate == "tanh":
        cube = graph.node("Mul", graph.node("Mul", x, x), x)
        inner = graph.node("Add", x, graph.node("Mul", cube, graph.constant(0.044715)))
        bent = graph.node("Tanh", graph.node("Mul", inner, graph.constant(math.sqrt(2 / math.pi))))
    else:
        bent = graph.node("Erf", graph.node("Mul", x, graph.constant(math.sqrt(0.5))))
    return graph.node("Mul", half, graph.node("Add", bent, graph.constant(1.0)))


def _softplus(graph: _Graph, module: Any, x: str) -> str:
    scaled = graph.node("Mul", x, graph.constant(module.beta))
    return graph.node("Div", graph.node("Softplus", scaled), graph.constant(module.beta))


def _layer_norm(graph: _Graph, module: Any, x: str) -> str:
    weight = np.ones(module.normalized_shape) if module.weight is None else module.weight
    bias = [] if module.bias is None else [graph.constant(module.bias)]
    axis = -len(module.normalized_shape)
    return graph.node("LayerNormalization", x, graph.constant(weight), *bias, axis=axis, epsilon=module.eps)


def _batch_norm(graph: _Graph, module: Any, x: str) -> str:
    if not module.track_running_stats:
        raise TypeError(f"{module._title()} has no running statistics, which ONNX takes")
    weight = np.ones(module.num_features) if module.weight is None else module.weight
    bias = np.zeros(module.num_features) if module.bias is None else module.bias
    inputs = [graph.constant(value) for value in (weight, bias, module.running_mean, module.running_var)]
    return graph.node("BatchNormalization", x, *inputs, epsilon=module.eps)


def _conv(graph: _Graph, module: Any, x: str) -> str:
    if module.padding in ("same", "valid"):
        spans = [(size - 1) * far for size, far in zip(module.kernel_size, module.dilation, strict=True)]
        before = [span // 2 if module.padding == "same" else 0 for span in spans]
        after = [span - span // 2 if module.padding == "same" else 0 for span in spans]
    else:
        before = after = list(module.padding)
    bias = [] if module.bias is None else [graph.constant(module.bias)]
    return graph.node(
        "Conv",
        x,
        graph.constant(module.weight),
        *bias,
        kernel_shape=list(module.kernel_size),
        strides=list(module.stride),
        dilations=list(module.dilation),
        pads=[*before, *after],
    )


def _max_pool(graph: _Graph, module: Any, x: str) -> str:
    sizes = {"kernel_shape": list(module.kernel_size), "strides": list(module.stride)}
    return graph.node("MaxPool", x, **sizes, pads=[*module.padding, *module.padding])


def _flatten(graph: _Graph, module: Any, x: str) -> str:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise TypeError(f"{module._title()}: ONNX flattens all axes but the first: Flatten()")
    return graph.node("Flatten", x, axis=1)


def _embedding(graph: _Graph, module: Any, x: str) -> str:
    return graph.node("Gather", graph.constant(module.weight), x, axis=0)


def _plain(kind: str, **settings: str) -> Callable[[_Graph, Any, str], str]:
    """A node of that kind; settings by their name in ONNX, from the module's attributes."""

    def form(graph: _Graph, module: Any, x: str) -> str:
        return graph.node(kind, x, **{name: getattr(module, own) for name, own in settings.items()})

    return form


_FORMS: dict[type[Module], Callable[[_Graph, Any, str], str]] = {
    layers.Linear: _linear,
    layers.Sequential: _sequential,
    layers.MLP: _mlp,
    layers.Residual: _residual,
    layers.Identity: lambda graph, module, x: x,
    layers.Dropout: lambda graph, module, x: x,
    layers.ReLU: _plain("Relu"),
    layers.LeakyReLU: _plain("LeakyRelu", alpha="negative_slope"),
    layers.ELU: _plain("Elu", alpha="alpha"),
    layers.GELU: _gelu,
    layers.SiLU: lambda graph, module, x: graph.node("Mul", x, graph.node("Sigmoid", x)),
    layers.Softplus: _softplus,
    layers.Sigmoid: _plain("Sigmoid"),
    layers.Tanh: _plain("Tanh"),
    layers.Softmax: _plain("Softmax", axis="axis"),
    layers.LogSoftmax: _plain("LogSoftmax", axis="axis"),
    layers.LayerNorm: _layer_norm,
    layers.BatchNorm1d: _batch_norm,
    layers.BatchNorm2d: _batch_norm,
    layers.Conv2d: _conv,
    layers.MaxPool2d: _max_pool,
    layers.Flatten: _flatten,
    layers.Embedding: _embedding,
}


def _names() -> list[str]:
    return [kind.__name__ for kind in _FORMS]
