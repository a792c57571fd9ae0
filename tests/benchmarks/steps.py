"""One training step (forward, loss, backward, update) of the same network, by everyone installed."""

from __future__ import annotations

import argparse
import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd
import nn
from autograd.compiler.names import code_of
from tests.benchmarks.timing import side_by_side, table

LR = 1e-3


@dataclass(frozen=True)
class Network:
    name: str
    sizes: tuple[int, ...]
    samples: int
    dtype: type

    def data(self) -> tuple[Any, Any]:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.samples, self.sizes[0])).astype(self.dtype)
        return x, rng.standard_normal((self.samples, self.sizes[-1])).astype(self.dtype)

    def parameters(self) -> dict[str, Any]:
        rng = np.random.default_rng(1)
        p: dict[str, Any] = {}
        for k, (n, m) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            p[f"W{k}"] = (rng.standard_normal((n, m)) * np.sqrt(2 / n)).astype(self.dtype)
            p[f"b{k}"] = np.zeros(m, self.dtype)
        return p


NETWORKS = {
    network.name: network
    for network in (
        Network("seed", (3, 16, 8, 1), 100, np.float64),
        Network("digits", (64, 128, 64, 10), 128, np.float32),
        Network("mnist", (784, 256, 128, 10), 128, np.float32),
    )
}


def by_hand(network: Network) -> Callable[[], Any]:
    """NumPy as a careful person writes it: a dictionary of arrays, nothing computed that nobody asks for."""
    (x, y), p, layers = network.data(), network.parameters(), len(network.sizes) - 1

    def step() -> Any:
        A, Z = [x], [x]
        for k in range(1, layers + 1):
            z = A[-1] @ p[f"W{k}"] + p[f"b{k}"]
            Z.append(z)
            A.append(np.maximum(0, z) if k < layers else z)
        d = A[-1] - y
        loss = np.mean(d**2)
        dA = 2 * d / d.size
        g = {}
        for k in range(layers, 0, -1):
            dZ = dA * (Z[k] > 0) if k < layers else dA
            g[f"W{k}"] = A[k - 1].T @ dZ
            g[f"b{k}"] = np.sum(dZ, axis=0)
            if k > 1:
                dA = dZ @ p[f"W{k}"].T
        for name in p:
            p[name] -= LR * g[name]
        return loss

    return step


def by_products_alone(network: Network) -> Callable[[], Any]:
    """The matrix products of that step, and nothing else."""
    (x, _), p, layers = network.data(), network.parameters(), len(network.sizes) - 1
    A = [np.ones((network.samples, n), network.dtype) for n in network.sizes]
    A[0] = x

    def step() -> None:
        for k in range(1, layers + 1):
            A[k - 1] @ p[f"W{k}"]
        for k in range(layers, 0, -1):
            A[k - 1].T @ A[k]
            if k > 1:
                A[k] @ p[f"W{k}"].T

    return step


def training_step(network: Network) -> tuple[Callable[[Any, Any], Any], Any]:
    """The step as users write it, and its state."""
    model = nn.MLP(list(network.sizes), activation=nn.ReLU, rng=0, dtype=network.dtype)
    for parameter, value in zip(model.parameters(), network.parameters().values(), strict=True):
        parameter.data = value
    optimizer = nn.optim.SGD(model.parameters(), lr=LR)

    def step(x: Any, y: Any) -> Any:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step, (model, optimizer)


def by_chalkgrad(network: Network) -> Callable[[], Any]:
    x, y = network.data()
    step, _ = training_step(network)
    return lambda: step(x, y)


def by_chalkgrad_compiled(network: Network) -> Callable[[], Any]:
    x, y = network.data()
    step, state = training_step(network)
    step = autograd.compile(step, state=state)
    return lambda: step(x, y)


def by_torch(network: Network) -> Callable[[], Any]:
    import torch

    x, y = (torch.from_numpy(a) for a in network.data())
    p = network.parameters()
    layers: list[Any] = []
    for k in range(1, len(network.sizes)):
        linear = torch.nn.Linear(*p[f"W{k}"].shape, dtype=x.dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(p[f"W{k}"].T))
            linear.bias.zero_()
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)

    def step() -> Any:
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def by_jax(network: Network) -> Callable[[], Any]:
    import jax

    if network.dtype is np.float64:
        jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    x, y = (jnp.asarray(a) for a in network.data())
    state = {name: jnp.asarray(value) for name, value in network.parameters().items()}
    layers = len(network.sizes) - 1

    def loss_of(p: Any, x: Any, y: Any) -> Any:
        a = x
        for k in range(1, layers + 1):
            a = a @ p[f"W{k}"] + p[f"b{k}"]
            if k < layers:
                a = jnp.maximum(0, a)
        return jnp.mean((a - y) ** 2)

    @jax.jit
    def update(p: Any, x: Any, y: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(p, x, y)
        return loss, {name: p[name] - LR * g[name] for name in p}

    def step() -> Any:
        nonlocal state
        loss, state = update(state, x, y)
        return loss.block_until_ready()

    return step


def by_sklearn(network: Network) -> Callable[[], Any]:
    from sklearn.neural_network import MLPRegressor

    x, y = network.data()
    model = MLPRegressor(
        hidden_layer_sizes=network.sizes[1:-1], solver="sgd", learning_rate_init=LR, momentum=0.0, alpha=0.0,
        batch_size=network.samples, shuffle=False, random_state=0,
    )  # fmt: skip
    target = y if y.shape[1] > 1 else y.ravel()
    return lambda: model.partial_fit(x, target)


CONTESTANTS: dict[str, Callable[[Network], Callable[[], Any]]] = {
    "hand-written NumPy": by_hand,
    "chalkgrad, eager": by_chalkgrad,
    "chalkgrad, compiled": by_chalkgrad_compiled,
    "its matrix products alone": by_products_alone,
    "PyTorch, eager": by_torch,
    "JAX, compiled": by_jax,
    "scikit-learn": by_sklearn,
}


def memory(make: Callable[[Network], Callable[[], Any]], network: Network) -> int:
    """The most bytes that a step takes in its steady state, beyond the data and the parameters."""
    gc.collect()
    tracemalloc.start()
    step = make(network)
    for _ in range(6):
        step()
    tracemalloc.reset_peak()
    for _ in range(3):
        step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - sum(array.nbytes for array in (*network.data(), *network.parameters().values()))


def recording(network: Network, rounds: int = 7) -> tuple[float, float]:
    """The times of the first and second calls of a compiled step, which records it and has Python compile its code.

    In eager steps: the medians of some, each without known code.
    """
    eager, ratios = by_chalkgrad(network), []
    for _ in range(rounds):
        compiled = by_chalkgrad_compiled(network)
        code_of.cache_clear()
        times = [time.perf_counter()]
        for step in (compiled, compiled, eager, *[eager] * 10):
            step()
            times.append(time.perf_counter())
        one = (times[-1] - times[3]) / 10
        ratios.append(((times[1] - times[0]) / one, (times[2] - times[1]) / one))
    first, second = map(statistics.median, zip(*ratios, strict=True))
    return first, second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=0)
    chosen = parser.parse_args()
    for name in chosen.networks:
        network, steps = NETWORKS[name], {}
        for who, make in CONTESTANTS.items():
            try:
                steps[who] = make(network)
            except ImportError as missing:
                print(f"  ({who} is not installed: {missing.name})")
        if chosen.threads and "PyTorch, eager" in steps:
            import torch

            torch.set_num_threads(chosen.threads)
        sizes = "-".join(map(str, network.sizes))
        print(f"{name}: peak memory of a step beyond its data and parameters, in bytes; first call in eager steps")
        for who in ("hand-written NumPy", "chalkgrad, eager", "chalkgrad, compiled"):
            print(f"  {who:<28} {memory(CONTESTANTS[who], network):12,}")
        first, second = recording(network)
        print(f"  recording takes {first:.1f} eager steps, compiling its code at the second call {second:.1f}")
        title = f"{name}: {network.samples} samples, {sizes}, {np.dtype(network.dtype)}; over hand-written NumPy"
        print(table(title, side_by_side(steps, rounds=chosen.rounds)), flush=True)


if __name__ == "__main__":
    main()
