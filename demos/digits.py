"""Handwritten digits, 8x8: trained by `nn.fit` and by a loop written out, then saved, loaded, and its errors looked at.

The data are scikit-learn's, in its package. A quarter of them is kept for the test.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
from demos import output_folder
from demos.plots import RED, picture

EPOCHS, BATCH, RATE = 60, 64, 0.01
SIZES = [64, 128, 64, 10]


def data() -> list[Any]:
    """X to train with and to test, each (n, 64) from 0 to 1, and their labels."""
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    return nn.split((X / 16).astype(np.float32), labels, test_size=0.25, stratify=labels, rng=0)


def network() -> nn.MLP:
    return nn.MLP(SIZES, norm=nn.BatchNorm1d, dropout=0.2, rng=0, dtype=np.float32)


def train_by_fit(X: Any, labels: Any, X_test: Any, labels_test: Any) -> tuple[nn.MLP, nn.History]:
    model = network()
    steps = EPOCHS * -(-len(X) // BATCH)
    optimizer = nn.optim.AdamW(model.parameters(), lr=RATE)
    history = nn.fit(
        model,
        nn.MiniBatches(X, labels, batch_size=BATCH, rng=1),
        loss=nn.CrossEntropyLoss(label_smoothing=0.1),
        optimizer=optimizer,
        schedule=nn.optim.OneCycleLR(optimizer, RATE, steps),
        epochs=EPOCHS,
        validation=(X_test, labels_test),
        metrics=[nn.metrics.accuracy],
    )
    return model, history


def train_by_hand(X: Any, labels: Any) -> nn.MLP:
    """The same steps, written out; they differ in the last digits, and so in a digit or two at the end."""
    model, loss_of = network(), nn.CrossEntropyLoss(label_smoothing=0.1)
    batches = nn.MiniBatches(X, labels, batch_size=BATCH, rng=1)
    optimizer = nn.optim.AdamW(model.parameters(), lr=RATE)
    schedule = nn.optim.OneCycleLR(optimizer, RATE, EPOCHS * len(batches))
    for _ in range(EPOCHS):
        for x, t in batches:
            loss = loss_of(model(x), t)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def draw(history: nn.History, scores: Any, X_test: Any, labels: Any) -> None:
    with picture("digits_training", 11, 4.6, f"{'-'.join(map(str, SIZES))} network on 8x8 digits") as figure:
        curves, matrix = figure.subplots(1, 2, width_ratios=(1.2, 1))
        history.plot(curves)
        nn.plots.confusion(scores, labels, matrix)
    said = np.argmax(scores, axis=1)
    wrong = np.flatnonzero(said != labels)
    with picture("digits_errors", 8, 0.6 + 1.3 * -(-len(wrong) // 8), "What it took for something else") as figure:
        places = np.ravel(figure.subplots(-(-len(wrong) // 8), 8))
        for place in places:
            place.set_axis_off()
        for place, k in zip(places, wrong, strict=False):
            place.imshow(X_test[k].reshape(8, 8), cmap="gray_r", interpolation="nearest")
            place.set_title(f"{labels[k]}, said {said[k]}", fontsize=9, color=RED, loc="center")


def main() -> None:
    X, X_test, labels, labels_test = data()
    model, history = train_by_fit(X, labels, X_test, labels_test)
    scores = nn.predict(model, X_test)
    print(model.summary((BATCH, 64)))
    print(f"\nby nn.fit: {nn.metrics.accuracy(scores, labels_test):.1%} of {len(X_test)} held-out digits are right")

    by_hand = train_by_hand(X, labels)
    print(f"by hand:   {nn.metrics.accuracy(nn.predict(by_hand, X_test), labels_test):.1%}")

    path = output_folder() / "digits.npz"
    model.save(path)
    again = network()
    again.load(path)
    assert np.array_equal(nn.predict(again, X_test), scores)
    print(f"Written: {path}, and read again: the same scores to the last bit")
    draw(history, scores, X_test, labels_test)
