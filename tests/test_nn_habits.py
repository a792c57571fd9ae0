"""What users of PyTorch and scikit-learn write by habit: each error says how it is written here."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import nn
import nn.functional
import nn.init
from nn import elsewhere

X = np.random.default_rng(0).normal(size=(6, 4))


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        (lambda: nn.ModuleList([]), AttributeError, "'ModuleList': a list or dictionary in an attribute"),
        (lambda: nn.Tensor, AttributeError, "'Tensor': it is in autograd"),
        (lambda: nn.nothing_like_it, AttributeError, "^module 'nn' has no attribute 'nothing_like_it'$"),
        (lambda: nn.optim.lr_scheduler, AttributeError, "schedules are in nn.optim itself"),
        (lambda: nn.init.xavier_uniform_, AttributeError, "its functions give arrays"),
        (lambda: nn.Linear(2, 2).to("cuda"), AttributeError, "^Linear has no attribute 'to': leave it out"),
        (lambda: nn.MLP([2, 2]).fit(X, X), AttributeError, "nn.fit"),
        (lambda: nn.MLP([2, 2]).layers[0].nothing, AttributeError, "^Linear layers.0 has no attribute 'nothing'$"),
        (lambda: nn.Sequential([nn.ReLU()]), TypeError, r"nn\.Sequential\(\*modules\) of a list"),
        (lambda: nn.Sequential(nn.ReLU), TypeError, r"make one of it, ReLU\(\.\.\.\)"),
        (lambda: nn.Linear("4", 2), TypeError, "Linear: in_features is '4'; it must be an integer"),
        (lambda: nn.MLP([4, 8.0, 3]), TypeError, "MLP: size 1 is 8.0; it must be an integer"),
        (lambda: nn.LSTM(3, 4, bidirectional=True), TypeError, r"LSTM\.__init__\(\) got an unexpected"),
        (lambda: nn.functional.softmax(X, dim=1), TypeError, r"^softmax\(\) got an unexpected keyword argument 'dim'"),
        (lambda: nn.init.kaiming_normal(nn.Linear(2, 2).weight), TypeError, "takes a shape"),
        (lambda: nn.MLP([4, 2]).summary(6, 4), TypeError, r"summary\(\(32, 784\)\)"),
        (lambda: nn.Linear(4, 2)("text"), TypeError, "Linear: input is a str; it holds no numbers"),
        (lambda: nn.predict(X, nn.MLP([4, 2])), TypeError, "predict takes the model first"),
        (lambda: nn.split(X, X[:, 0], 0.2), TypeError, r"got 0\.2 beside them: give test_size= by its name"),
        (lambda: nn.split(X, stratify=True), TypeError, "stratify is True; it takes the labels"),
        (lambda: nn.MiniBatches((X, X), batch_size=2), TypeError, "takes arrays one by one"),
        (lambda: nn.CrossEntropyLoss(weight=[-1, 1]), ValueError, r"CrossEntropyLoss: weight is \[-1, 1\]; it holds"),
        (lambda: nn.BCEWithLogitsLoss(pos_weight=np.nan), ValueError, "BCEWithLogitsLoss: pos_weight is nan"),
        (lambda: nn.NLLLoss(ignore_index=1.5), TypeError, r"NLLLoss: ignore_index is 1\.5; it is a label"),
        (lambda: setattr(nn.Module(), "parts", {nn.Tanh()}), TypeError, "Module.parts is a set.* give a list"),
        (lambda: nn.Linear(4, 2)(None), TypeError, "Linear: input is a NoneType"),
    ],
)
def test_an_error_says_how_it_is_written(wrong: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        wrong()


def test_a_sparse_matrix_says_what_to_give() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="pip install scipy")
    with pytest.raises(TypeError, match=r"is sparse.*X\.toarray\(\)"):
        nn.predict(nn.MLP([4, 2]), sparse.csr_matrix(X))


def test_what_trains_shows_its_settings() -> None:
    optimizer = nn.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    assert repr(nn.optim.StepLR(optimizer, 5)) == "StepLR(step_size=5, gamma=0.1)"
    assert repr(nn.optim.OneCycleLR(optimizer, 0.1, 10)).startswith("OneCycleLR(max_lr=0.1, total_steps=10, ")
    assert repr(nn.MiniBatches(X, batch_size=4)) == "MiniBatches(6 samples, batch_size=4, 2 batches an epoch)"


def test_no_cure_hides_what_there_is() -> None:
    assert not [name for name in elsewhere.IN_NN if hasattr(nn, name)]
    assert not [name for name in elsewhere.IN_OPTIM if hasattr(nn.optim, name)]
    assert not [name for name in elsewhere.OF_MODULES if hasattr(nn.Sequential(), name)]


def test_a_slice_of_a_sequence_is_one() -> None:
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.Tanh(), nn.Linear(3, 2, rng=1))
    body = model[:-1]
    np.testing.assert_array_equal(body(X).data, np.tanh(model[0](X).data))
    assert body[0].weight is model[0].weight


@pytest.mark.parametrize("name", sorted({*nn.functional.__all__} - {"Reduction"}))
def test_functions_are_pickled_by_their_name(name: str) -> None:
    fn = getattr(nn.functional, name)
    assert pickle.loads(pickle.dumps(fn)) is fn
