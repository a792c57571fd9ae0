"""Estimators: scikit-learn's own checks, its pipelines and searches, and what its own perceptrons do not take."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import nn

pytest.importorskip("sklearn", minversion="1.6", reason="pip install 'scikit-learn>=1.6'")
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
QUICK: dict[str, Any] = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.03, "max_iter": 30, "random_state": 0}


def classifier(**settings: Any) -> Any:
    return nn.sklearn.MLPClassifier(**{**QUICK, **settings})


def regressor(**settings: Any) -> Any:
    return nn.sklearn.MLPRegressor(**{**QUICK, **settings})


@pytest.mark.parametrize("make", [classifier, regressor])
def test_scikit_learns_own_checks_pass(make: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own data: divisions, checks that it skips
        check_estimator(make(compile=False), on_skip=None)


def test_pipelines_searches_and_cross_validation() -> None:
    model = make_pipeline(StandardScaler(), classifier(compile=False))
    assert cross_val_score(model, X, Y, cv=3).mean() > 0.9
    search = GridSearchCV(model, {"mlpclassifier__hidden_layer_sizes": [(4,), (8, 8)]}, cv=2).fit(X, Y)
    assert search.best_score_ > 0.85


@pytest.mark.parametrize("compiled", [True, False])
def test_a_classifier_keeps_labels_curve_and_network(compiled: bool) -> None:
    names = np.array(["c", "a", "b"])[Y]
    model = classifier(compile=compiled, dropout=0.1, norm=nn.LayerNorm, activation="gelu").fit(X, names)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.score(X, names) > 0.95
    assert len(model.loss_curve_) == model.n_iter_ == 30
    assert isinstance(model.network_, nn.MLP)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-12)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_data_of_float32_is_learned_in_float32() -> None:
    model = classifier().fit(X.astype(np.float32), Y)
    assert {p.dtype for p in model.network_.parameters()} == {np.dtype("f4")}
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32


def test_a_weight_counts_as_so_many_samples() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 3, size=len(X))
    weighted = classifier(batch_size=1000, tol=0).fit(X, Y, sample_weight=counts)
    repeated = classifier(batch_size=1000, tol=0).fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-6, atol=1e-9)


def test_class_weights_move_the_border() -> None:
    many = np.r_[np.arange(50), np.arange(50, 100), np.arange(50, 100)]
    plain = classifier(max_iter=3).fit(X[many], Y[many] == 0)
    balanced = classifier(max_iter=3, class_weight={True: 10.0, False: 1.0}).fit(X[many], Y[many] == 0)
    assert balanced.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()


def test_partial_fit_is_an_epoch_and_knows_its_classes() -> None:
    model = classifier()
    for _ in range(30):
        model.partial_fit(X[:100], Y[:100], classes=[0, 1, 2])
    model.partial_fit(X[100:], Y[100:])
    assert model.n_iter_ == 31
    with pytest.raises(ValueError, match=r"holds the labels \[3\], which are not among \[0, 1, 2\]"):
        model.partial_fit(X, Y + 1)
    assert model.n_iter_ == 31


def test_a_warm_start_goes_on() -> None:
    model = classifier(warm_start=True, max_iter=5).fit(X, Y)
    first = model.loss_curve_[-1]
    assert model.fit(X, Y).loss_curve_[5] < first
    assert model.n_iter_ == 10


def test_early_stopping_restores_the_best() -> None:
    model = classifier(early_stopping=True, n_iter_no_change=2, tol=10.0, max_iter=50).fit(X, Y)
    assert model.n_iter_ == 3
    assert model.history_.best_epoch is not None
    assert "val_loss" in model.history_


def test_several_labels_and_several_numbers() -> None:
    labels = np.stack([Y > 0, Y > 1], axis=1).astype(int)
    model = classifier(max_iter=60).fit(X, labels)
    assert model.score(X, labels) > 0.9
    assert model.predict_proba(X).shape == (150, 2)
    numbers = np.stack([X[:, 0] + X[:, 1], X[:, 2] ** 2], axis=1)
    regression = regressor(max_iter=100).fit(X, numbers, sample_weight=np.ones(150))
    assert regression.predict(X).shape == (150, 2)
    assert regression.score(X, numbers) > 0.9


def test_a_loss_and_an_optimiser_of_ones_own() -> None:
    model = regressor(loss=nn.functional.huber_loss, optimizer=nn.optim.RMSprop, activation=nn.SiLU, max_iter=100)
    y = X[:, 0] - X[:, 1]
    assert model.fit(X, y, sample_weight=np.ones(150)).score(X, y) > 0.9
    with pytest.raises(ValueError, match="activation is 'sine'; it is one of relu"):
        regressor(activation="sine").fit(X, y)
    with pytest.raises(ValueError, match="optimizer is 'newton'; it is one of adam"):
        regressor(optimizer="newton").fit(X, y)
    with pytest.raises(ValueError, match="Sample weights are all zero"):
        model.fit(X, y, sample_weight=np.zeros(150))
