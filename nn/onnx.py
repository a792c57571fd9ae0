"""Models as ONNX files, which other runtimes compute: what the layers of `nn` compute in `eval()`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import no_grad, replacing
from nn import layers
from nn import state as states
from nn.module import Module
from nn.watching import evaluating

_OPSET = 17


def export(model: Module, path: states.Path, input_shape: tuple[int, ...] | list[tuple[int, ...]]) -> None:
    """Write a model as an ONNX file with an input "x" and an output "y"; the batch may be of any size.

    Of several inputs or outputs the names are "x0", "x1", "y0", "y1" and on, in the order in which the model takes and
    gives them; of sequences the length is free too.

    Args:
        model: a tree of `Sequential`, `MLP`, `Residual`, `Linear`, `Embedding`, `Conv2d`, `MaxPool2d`, `Flatten`,
            `RNN`, `LSTM`, `MultiheadAttention`, activations, normalisations and dropout, which is left out. Of a class
            of your own a method `onnx_form(graph, *inputs)` gives the names of what its `forward` computes: by
            `graph.of(self.layer, x)`, and by `graph.node("Add", a, graph.constant(1.0))` of ONNX's operators.
        path: the file.
        input_shape: of an input, with the batch; a list of such for a model of several inputs.

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
        raise ImportError("nn.onnx needs the package onnx: pip install onnx") from error
    graph = Graph(onnx, next((p.dtype for p in model.parameters()), np.dtype(np.float64)))
    given = input_shape if isinstance(input_shape, list) else [input_shape]
    inputs = _numbered("x", len(given))
    last = _flat(graph.of(model, *inputs))
    outputs = _numbered("y", len(last))
    first = next((part for part in model.modules() if not list(part.children())), model)
    dtype = np.dtype(np.int64) if isinstance(first, layers.Embedding) else graph.dtype
    zeros = [np.zeros(shape, dtype) for shape in given]
    with no_grad(), evaluating(model):
        computed = _flat(model(*zeros))
    of_sequences = any(isinstance(part, _SEQUENCES) for part in model.modules())

    def described(name: str, array: Any, kind: np.dtype[Any]) -> Any:
        shape: list[Any] = ["n", *np.shape(array)[1:]]
        if of_sequences:  # the length is free too, and of what is given to several inputs it may differ
            shape = [None, None, *shape[2:]] if name in inputs else [None] * len(shape)
        return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(kind), shape)

    made = onnx.helper.make_graph(
        [*graph.nodes, *(onnx.helper.make_node("Identity", [a], [y]) for a, y in zip(last, outputs, strict=True))],
        type(model).__name__,
        [described(name, array, dtype) for name, array in zip(inputs, zeros, strict=True)],
        [described(name, array, graph.dtype) for name, array in zip(outputs, computed, strict=True)],
        graph.constants,
    )
    written = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", _OPSET)], producer_name="chalkgrad", ir_version=9
    )
    onnx.checker.check_model(written, full_check=True)
    with replacing(path) as file:
        file.write(written.SerializeToString())


def _numbered(letter: str, count: int) -> list[str]:
    return [letter] if count == 1 else [f"{letter}{k}" for k in range(count)]


def _flat(value: Any) -> list[Any]:
    return [part for each in value for part in _flat(each)] if isinstance(value, tuple) else [value]


class Graph:
    """Nodes and constants, as modules add them; values go by their names.

    >>> import nn
    >>> class Scaled(nn.Module):
    ...     def forward(self, x):
    ...         return 2.0 * x
    ...
    ...     def onnx_form(self, graph, x):
    ...         return graph.node("Mul", x, graph.constant(2.0))
    """

    def __init__(self, package: Any, dtype: np.dtype[Any]) -> None:
        self.package, self.dtype = package, dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def of(self, module: Module, *inputs: str) -> Any:
        """Add what a module computes of values: the name of its output, or a tuple of names."""
        own = getattr(module, "onnx_form", None)
        if own is not None:
            return own(self, *inputs)
        form = _FORMS.get(type(module))
        if form is None:
            known = ", ".join([kind.__name__ for kind in _FORMS])
            raise TypeError(
                f"{module._title()} has no form in ONNX here; there is one of {known}, and of classes with onnx_form"
            )
        return form(self, module, *inputs)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator of ONNX's; the name of its output."""
        return self.several(kind, 1, *inputs, **attributes)[0]

    def several(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add an operator with several outputs; their names."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        outputs = _numbered(f"{name}_" if count > 1 else name, count)
        self.nodes.append(self.package.helper.make_node(kind, list(inputs), outputs, name=name, **attributes))
        return outputs

    def constant(self, value: Any, dtype: Any = None) -> str:
        """Add an array, by default in the dtype of the model; its name."""
        name = f"c{len(self.constants)}"
        array = np.array(value.data if hasattr(value, "requires_grad") else value, dtype or self.dtype, order="C")
        self.constants.append(self.package.numpy_helper.from_array(array, name))
        return name


def _linear(graph: Graph, module: Any, x: str) -> str:
    y = graph.node("MatMul", x, graph.constant(module.weight))
    return y if module.bias is None else graph.node("Add", y, graph.constant(module.bias))


def _sequential(graph: Graph, module: Any, x: str) -> str:
    for part in module:
        x = graph.of(part, x)
    return x


def _mlp(graph: Graph, module: Any, x: str) -> str:
    for k, layer in enumerate(module.layers):
        x = graph.of(layer, x)
        if k < len(module.layers) - 1:
            x = graph.of(module.norms[k], x) if module.norms else x
            x = graph.of(module.activation, x)
    return x if module.output_activation is None else graph.of(module.output_activation, x)


def _residual(graph: Graph, module: Any, x: str) -> str:
    beside = x if module.shortcut is None else graph.of(module.shortcut, x)
    return graph.node("Add", graph.of(module.module, x), beside)


def _gelu(graph: Graph, module: Any, x: str) -> str:
    half = graph.node("Mul", x, graph.constant(0.5))
    if module.approximate == "tanh":
        cube = graph.node("Mul", graph.node("Mul", x, x), x)
        inner = graph.node("Add", x, graph.node("Mul", cube, graph.constant(0.044715)))
        bent = graph.node("Tanh", graph.node("Mul", inner, graph.constant(math.sqrt(2 / math.pi))))
    else:
        bent = graph.node("Erf", graph.node("Mul", x, graph.constant(math.sqrt(0.5))))
    return graph.node("Mul", half, graph.node("Add", bent, graph.constant(1.0)))


def _softplus(graph: Graph, module: Any, x: str) -> str:
    scaled = graph.node("Mul", x, graph.constant(module.beta))
    return graph.node("Div", graph.node("Softplus", scaled), graph.constant(module.beta))


def _layer_norm(graph: Graph, module: Any, x: str) -> str:
    weight = np.ones(module.normalized_shape) if module.weight is None else module.weight
    bias = [] if module.bias is None else [graph.constant(module.bias)]
    axis = -len(module.normalized_shape)
    return graph.node("LayerNormalization", x, graph.constant(weight), *bias, axis=axis, epsilon=module.eps)


def _batch_norm(graph: Graph, module: Any, x: str) -> str:
    if not module.track_running_stats:
        raise TypeError(f"{module._title()} has no running statistics, which ONNX takes")
    weight = np.ones(module.num_features) if module.weight is None else module.weight
    bias = np.zeros(module.num_features) if module.bias is None else module.bias
    inputs = [graph.constant(value) for value in (weight, bias, module.running_mean, module.running_var)]
    return graph.node("BatchNormalization", x, *inputs, epsilon=module.eps)


def _conv(graph: Graph, module: Any, x: str) -> str:
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


def _max_pool(graph: Graph, module: Any, x: str) -> str:
    sizes = {"kernel_shape": list(module.kernel_size), "strides": list(module.stride)}
    return graph.node("MaxPool", x, **sizes, pads=[*module.padding, *module.padding])


def _flatten(graph: Graph, module: Any, x: str) -> str:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise TypeError(f"{module._title()}: ONNX flattens all axes but the first: Flatten()")
    return graph.node("Flatten", x, axis=1)


def _embedding(graph: Graph, module: Any, x: str) -> str:
    return graph.node("Gather", graph.constant(module.weight), x, axis=0)


def _recurrent(graph: Graph, module: Any, x: str) -> Any:
    """Layer by layer; ONNX has the gates in another order, weights the other way round, and a direction as an axis."""
    is_lstm = isinstance(module, layers.LSTM)
    kind, settings = ("LSTM", {}) if is_lstm else ("RNN", {"activations": [module.nonlinearity.capitalize()]})
    order = (0, 3, 1, 2) if is_lstm else (0,)  # i, o, f, c of our i, f, g, o
    size = module.hidden_size
    columns = np.concatenate([np.arange(size) + k * size for k in order])
    axis, ends = graph.constant([1], np.int64), []
    x = graph.node("Transpose", x, perm=[1, 0, 2]) if module.batch_first else x
    for cell in module.cells:
        weights = [graph.constant(weight.data.T[None, columns]) for weight in (cell.weight_ih, cell.weight_hh)]
        if cell.bias_ih is not None:
            both = [bias.data[columns] for bias in (cell.bias_ih, cell.bias_hh)]
            weights.append(graph.constant(np.concatenate(both)[None]))
        y, *last = graph.several(kind, 3 if is_lstm else 2, x, *weights, hidden_size=size, **settings)
        x = graph.node("Squeeze", y, axis)
        ends.append(last)
    states = [graph.node("Concat", *each, axis=0) for each in zip(*ends, strict=True)]
    outputs = graph.node("Transpose", x, perm=[1, 0, 2]) if module.batch_first else x
    return outputs, *states


def _attention(graph: Graph, module: Any, query: str, key: str, value: str) -> Any:
    heads, size = module.num_heads, module.embed_dim // module.num_heads
    split = graph.constant([0, 0, heads, size], np.int64)
    forth, back = ([0, 2, 1, 3], [0, 2, 1, 3]) if module.batch_first else ([1, 2, 0, 3], [2, 0, 1, 3])
    q, k, v = (
        graph.node("Transpose", graph.node("Reshape", graph.of(layer, x), split), perm=forth)
        for layer, x in ((module.q_proj, query), (module.k_proj, key), (module.v_proj, value))
    )
    scores = graph.node("MatMul", q, graph.node("Transpose", k, perm=[0, 1, 3, 2]))
    weights = graph.node("Softmax", graph.node("Mul", scores, graph.constant(1 / math.sqrt(size))), axis=-1)
    y = graph.node("Transpose", graph.node("MatMul", weights, v), perm=back)
    y = graph.node("Reshape", y, graph.constant([0, 0, module.embed_dim], np.int64))
    return graph.of(module.out_proj, y), graph.node("ReduceMean", weights, axes=[1], keepdims=0)


def _plain(kind: str, **settings: str) -> Callable[[Graph, Any, str], str]:
    """A node of that kind; settings by their name in ONNX, from the module's attributes."""

    def form(graph: Graph, module: Any, x: str) -> str:
        return graph.node(kind, x, **{name: getattr(module, own) for name, own in settings.items()})

    return form


_SEQUENCES = (layers.RNN, layers.LSTM, layers.MultiheadAttention)
_FORMS: dict[type[Module], Callable[..., Any]] = {
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
    layers.RNN: _recurrent,
    layers.LSTM: _recurrent,
    layers.MultiheadAttention: _attention,
}
