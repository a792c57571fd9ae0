"""A whole training of scikit-learn's digits: by `nn.fit`, by a loop written out, and by scikit-learn's own MLP."""

from __future__ import annotations

import argparse
import statistics
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import nn
from tests.benchmarks.timing import side_by_side, table

SIZES, BATCH, EPOCHS = [64, 128, 64, 10], 128, 30


def data() -> Any:
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    return nn.split((X / 16).astype(np.float32), labels, stratify=labels, rng=0)


def network(seed: int) -> tuple[nn.MLP, nn.optim.Adam]:
    """The same first weights as scikit-learn's, and its optimiser."""
    model = nn.MLP(SIZES, rng=seed, dtype=np.float32, weight_init=nn.init.xavier_uniform, bias_init=nn.init.zeros)
    return model, nn.optim.Adam(model.parameters())


def by_fit(compile: bool) -> Callable[[int], float]:
    X, X_test, labels, labels_test = data()

    def train(seed: int) -> float:
        model, optimizer = network(seed)
        nn.fit(
            model, (X, labels), loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=EPOCHS, batch_size=BATCH,
            rng=seed, compile=compile, progress=False,
        )  # fmt: skip
        return nn.metrics.accuracy(nn.predict(model, X_test), labels_test)

    return train


def by_hand() -> Callable[[int], float]:
    X, X_test, labels, labels_test = data()

    def train(seed: int) -> float:
        (model, optimizer), loss_of = network(seed), nn.CrossEntropyLoss()
        batches = nn.MiniBatches(X, labels, batch_size=BATCH, rng=seed)
        for _ in range(EPOCHS):
            for x, t in batches:
                loss = loss_of(model(x), t)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return nn.metrics.accuracy(nn.predict(model.eval(), X_test), labels_test)

    return train


def by_sklearn() -> Callable[[int], float]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, X_test, labels, labels_test = data()

    def train(seed: int) -> float:
        model = MLPClassifier(
            SIZES[1:-1], batch_size=BATCH, max_iter=EPOCHS, n_iter_no_change=EPOCHS, alpha=0.0, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return float(model.fit(X, labels).score(X_test, labels_test))

    return train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0)
    rounds = parser.parse_args().rounds
    contestants = {
        "scikit-learn": by_sklearn(), "nn.fit, compiled": by_fit(True), "nn.fit, eager": by_fit(False),
        "the loop by hand": by_hand(),
    }  # fmt: skip
    timings = side_by_side({name: lambda train=train: train(0) for name, train in contestants.items()}, rounds=rounds)
    title = f"digits: {'-'.join(map(str, SIZES))}, Adam, batches of {BATCH}, {EPOCHS} epochs; over scikit-learn"
    print(table(title, timings))
    for name, train in contestants.items():
        print(f"  {name:<28} {statistics.mean(train(seed) for seed in range(5)):.2%} of the held-out quarter right")


if __name__ == "__main__":
    main()
