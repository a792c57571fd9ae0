"""What a training was like, epoch by epoch."""

from __future__ import annotations

from typing import Any

from nn.display import written


class History(dict[str, list[float]]):
    """Lists by name, with a number an epoch each: "loss", "lr", "val_loss", and metrics.

    Attributes:
        stopped: why the training ended.
        best_epoch: the epoch whose weights were restored, counted from 1; None where none were.

    >>> history = History(loss=[1.0, 0.5])
    >>> history["loss"][-1], history.epochs
    (0.5, 2)
    """

    stopped: str = ""
    best_epoch: int | None = None

    @property
    def epochs(self) -> int:
        """How many epochs are in it."""
        return len(self.get("loss", []))

    def to_dict(self) -> dict[str, list[float]]:
        """A plain dictionary, which JSON and data frames take."""
        return {name: list(values) for name, values in self.items()}

    def add(self, numbers: dict[str, float]) -> None:
        """The numbers of one more epoch."""
        for name, value in numbers.items():
            self.setdefault(name, []).append(float(value))

    def plot(self, axes: Any = None) -> Any:
        """Draw the learning curves with matplotlib, into `axes` or new ones, and return the Axes."""
        from nn.plots import learning_curves

        return learning_curves(self, axes)

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={values[-1]:.4g}" for name, values in self.items() if values)
        ended = f", stopped: {self.stopped}" if self.stopped else ""
        return written(f"History({self.epochs} epochs, {last}{ended})")
