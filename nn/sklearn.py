"""Multilayer perceptrons as estimators of scikit-learn's: for its pipelines, searches and cross-validation.

They train by `nn.fit`, so activation, loss, optimiser, dropout and normalisation are arguments.

>>> from sklearn.datasets import load_iris
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> X, y = load_iris(return_X_y=True)
>>> model = make_pipeline(StandardScaler(), MLPClassifier((16,), learning_rate_init=0.01, random_state=0))
>>> model.fit(X, y).score(X, y) > 0.95
True
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
    from sklearn.utils import check_array, check_random_state, column_or_1d
    from sklearn.utils.class_weight import compute_sample_weight
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError("nn.sklearn holds estimators of scikit-learn's: pip install 'scikit-learn>=1.6'") from error

from nn import functional, init, optim
from nn.batches import MiniBatches
from nn.layers import ELU, GELU, MLP, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from nn.prediction import predict
from nn.splitting import split
from nn.training import Run, fit

_ACTIVATIONS: dict[str, Any] = {
    "relu": ReLU, "tanh": Tanh, "logistic": Sigmoid, "identity": Identity,
    "elu": ELU, "gelu": GELU, "silu": SiLU, "leaky_relu": LeakyReLU,
}  # fmt: skip
_OPTIMIZERS: dict[str, Any] = {
    "adam": optim.Adam, "adamw": optim.AdamW, "sgd": partial(optim.SGD, momentum=0.9), "rmsprop": optim.RMSprop,
}  # fmt: skip


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both share: they differ in targets and in the loss."""

    network_: MLP
    _numeric: bool

    def _default_loss(self) -> Callable[..., Any]:
        raise NotImplementedError

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Callable[..., Any] | None = None,
        dropout: float = 0.0,
        norm: Any = None,
        optimizer: Any = "adam",
        learning_rate_init: float = 0.001,
        weight_decay: float = 0.0,
        batch_size: Any = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: Any = None,
        compile: bool = True,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes, self.activation, self.loss = hidden_layer_sizes, activation, loss
        self.dropout, self.norm = dropout, norm
        self.optimizer, self.learning_rate_init, self.weight_decay = optimizer, learning_rate_init, weight_decay
        self.batch_size, self.max_iter, self.tol, self.n_iter_no_change = batch_size, max_iter, tol, n_iter_no_change
        self.early_stopping, self.validation_fraction = early_stopping, validation_fraction
        self.warm_start, self.random_state, self.compile, self.verbose = warm_start, random_state, compile, verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train anew, or with `warm_start` go on.

        Args:
            X: (n, features).
            y: the targets.
            sample_weight: (n,), how much each sample counts.
        """
        going_on = self.warm_start and hasattr(self, "network_")
        return self._train(X, y, sample_weight, going_on, self.max_iter, None)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Self:
        return self._train(X, y, sample_weight, hasattr(self, "network_"), 1, classes)

    def _targets(self, y: Any, going_on: bool, classes: Any) -> tuple[Any, int, Any]:
        """The targets as the loss takes them, the number of outputs, and labels to stratify by, or None."""
        raise NotImplementedError

    def _weights(self, y: Any) -> Any:
        """How much each sample counts by its class; None for all the same."""
        return None

    def _train(self, X: Any, y: Any, sample_weight: Any, going_on: bool, epochs: int, classes: Any) -> Self:
        X, y = validate_data(
            self, X, y, dtype=(np.float64, np.float32), multi_output=True, y_numeric=self._numeric, reset=not going_on
        )
        target, outputs, labels = self._targets(y, going_on, classes)
        weight = self._sample_weight(sample_weight, y, X)
        drawn = check_random_state(self.random_state)
        if not going_on:
            self._build(X, outputs, drawn)
            self.loss_curve_: list[float] = []
        data = [
            X,
            target.astype(X.dtype) if target.dtype.kind == "f" else target,
            *([] if weight is None else [weight]),
        ]
        validation, repeated = None, epochs > 1
        if self.early_stopping and repeated:
            parts = split(*data, test_size=self.validation_fraction, stratify=labels, rng=drawn)
            data, validation = parts[::2], tuple(parts[1::2])
        size = min(200 if self.batch_size == "auto" else self.batch_size, len(data[0]))
        batches = MiniBatches(*data, batch_size=size, rng=drawn)
        self.history_ = fit(
            self.network_,
            batches,
            loss=self._loss(weight is not None),
            optimizer=self.optimizer_,
            epochs=epochs,
            validation=validation,
            callbacks=[_Plateau(self.tol, self.n_iter_no_change)] if repeated else [],
            monitor=None if validation is None else "val_loss",
            compile=self.compile,
            progress=self.verbose,
        )
        self.loss_curve_ = [*self.loss_curve_, *self.history_["loss"]]
        self.n_iter_, self.loss_, self.best_loss_ = len(self.loss_curve_), self.loss_curve_[-1], min(self.loss_curve_)
        return self

    def _build(self, X: Any, outputs: int, drawn: Any) -> None:
        sizes = np.ravel(self.hidden_layer_sizes).astype(int).tolist()
        activation = _chosen("activation", self.activation, _ACTIVATIONS)
        self.network_ = MLP(
            [X.shape[1], *sizes, outputs],
            activation,
            dropout=self.dropout,
            norm=self.norm,
            rng=drawn,
            dtype=X.dtype,
            weight_init=init.xavier_uniform,
            bias_init=init.zeros,
        )
        make = _chosen("optimizer", self.optimizer, _OPTIMIZERS)
        decay = {"weight_decay": self.weight_decay} if self.weight_decay else {}
        self.optimizer_ = make(self.network_.parameters(), lr=self.learning_rate_init, **decay)
        self.n_outputs_, self.n_layers_ = outputs, len(sizes) + 2

    def _loss(self, weighted: bool) -> Callable[..., Any]:
        loss = self.loss or self._default_loss()
        if not weighted:
            return loss

        def mean(output: Any, target: Any, weight: Any) -> Any:
            losses = loss(output, target, "none")
            counts = np.reshape(weight, (-1, *[1] * (np.ndim(losses) - 1)))
            total = np.sum(weight) * (np.size(losses) // np.shape(losses)[0])
            return np.sum(losses * counts) / np.maximum(total, np.finfo(weight.dtype).tiny)

        return mean

    def _sample_weight(self, sample_weight: Any, y: Any, X: Any) -> Any:
        weight = self._weights(y)
        if sample_weight is not None:
            own = check_array(sample_weight, ensure_2d=False, dtype=X.dtype, input_name="sample_weight")
            if own.shape != (len(X),):
                raise ValueError(f"Sample weights must be 1D array or scalar: {own.shape}, for {len(X)} samples")
            if not np.any(own):
                raise ValueError("Sample weights are all zero: there is nothing to train with")
            weight = own if weight is None else own * weight
        return None if weight is None else np.asarray(weight, X.dtype)

    def _output(self, X: Any) -> Any:
        check_is_fitted(self, "network_")
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return predict(self.network_, X)


class _Plateau:
    """A callback that ends a training whose loss no longer gets better by `tol`."""

    def __init__(self, tol: float, patience: int) -> None:
        self.tol, self.patience, self.best, self.without = tol, patience, np.inf, 0

    def __call__(self, run: Run) -> None:
        number = run.history.get("val_loss", run.history["loss"])[-1]
        self.without = 0 if number < self.best - self.tol else self.without + 1
        self.best = min(self.best, number)
        if self.without >= self.patience:
            run.stop = f"the loss was not better by {self.tol} in {self.patience} epochs"


def _chosen(name: str, value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, str):
        if value not in known:
            raise ValueError(f"{name} is {value!r}; it is one of {', '.join(known)}, or a class or function")
        return known[value]
    return value


class MLPClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A multilayer perceptron that says classes, of one label a sample or of several.

    Args:
        hidden_layer_sizes: of each hidden layer.
        activation: "relu", "tanh", "logistic", "identity", "elu", "gelu", "silu", "leaky_relu", or what `nn.MLP` takes.
        loss: a function of output and target, and of a reduction where samples have weights; by default the
            cross-entropy.
        dropout, norm: as for `nn.MLP`.
        optimizer: "adam", "adamw", "sgd" (with momentum), "rmsprop", or what makes an optimiser of parameters and `lr`.
        learning_rate_init, weight_decay: its rate, and its weight decay.
        batch_size: samples a step; "auto" for at most 200.
        max_iter: the most epochs.
        tol, n_iter_no_change: the training ends when so many epochs brought no loss that is better by `tol`.
        early_stopping: whether a part of the data is kept for that, and the best weights are restored.
        validation_fraction: its share.
        warm_start: whether `fit` goes on from where it was.
        random_state: a seed or a RandomState.
        compile: whether steps are compiled.
        verbose: whether a bar is shown.
        class_weight: how much each class counts: a dictionary, or "balanced".

    Attributes:
        network_: the `nn.MLP`, in the dtype of the data, float32 or float64.
        classes_: the labels, in order.
        history_: the `History` of the last training; `loss_curve_` has the losses of all.
        n_iter_: how many epochs there were.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((16,), learning_rate_init=0.02, max_iter=60, random_state=0).fit(X, y)
    >>> model.predict_proba(X[:1]).round(1)
    array([[1., 0., 0.]])
    """

    _numeric = False

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        loss: Callable[..., Any] | None = None,
        dropout: float = 0.0,
        norm: Any = None,
        optimizer: Any = "adam",
        learning_rate_init: float = 0.001,
        weight_decay: float = 0.0,
        batch_size: Any = "auto",
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: Any = None,
        compile: bool = True,
        verbose: bool = False,
        class_weight: Any = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "class_weight", "__class__")}
        super().__init__(**given)
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _default_loss(self) -> Callable[..., Any]:
        return functional.binary_cross_entropy_with_logits if self._several else functional.cross_entropy

    def _targets(self, y: Any, going_on: bool, classes: Any) -> tuple[Any, int, Any]:
        check_classification_targets(y)
        self._several = type_of_target(y) == "multilabel-indicator"
        if self._several:
            self.classes_ = np.arange(y.shape[1]) if classes is None else np.asarray(classes)
            return np.asarray(y, np.float64), y.shape[1], None
        y = column_or_1d(y, warn=True)
        known = np.unique(y) if classes is None else np.unique(classes)
        if not going_on:
            self.classes_ = known
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y holds the labels {unknown.tolist()}, which are not among {self.classes_.tolist()}")
        labels = np.searchsorted(self.classes_, y)
        return labels, len(self.classes_), labels

    def _weights(self, y: Any) -> Any:
        return None if self.class_weight is None else compute_sample_weight(self.class_weight, y)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch of these samples. The first call takes all `classes`, if not all are in its `y`."""
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, (n, classes); of several labels that of each label."""
        output = self._output(X)
        return functional.sigmoid(output) if self._several else functional.softmax(output)

    def predict(self, X: Any) -> Any:
        """The most probable class of each sample; of several labels 1 for each that is more probable than not."""
        output = self._output(X)
        return (output > 0).astype(int) if self._several else self.classes_[np.argmax(output, axis=1)]


class MLPRegressor(MultiOutputMixin, RegressorMixin, _Estimator):  # type: ignore[misc]
    """A multilayer perceptron that says numbers, one a sample or several.

    Settings and attributes are those of `MLPClassifier`, without classes; the default loss is the mean squared error.

    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> model = MLPRegressor((32,), learning_rate_init=0.02, random_state=0).fit(X, X[:, 0] ** 2)
    >>> model.score(X, X[:, 0] ** 2) > 0.9
    True
    """

    _numeric = True

    def _default_loss(self) -> Callable[..., Any]:
        return functional.mse_loss

    def _targets(self, y: Any, going_on: bool, classes: Any) -> tuple[Any, int, Any]:
        target = np.asarray(y, np.float64)
        self._flat = target.ndim == 1
        target = target[:, None] if self._flat else target
        return target, target.shape[1], None

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch of these samples."""
        return self._partial_fit(X, y, sample_weight, None)

    def predict(self, X: Any) -> Any:
        """The numbers of each sample: (n,), or (n, outputs) where there are several."""
        output = self._output(X)
        return output[:, 0] if self._flat else output
