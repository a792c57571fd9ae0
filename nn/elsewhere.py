"""What users of PyTorch and scikit-learn look for here, and how it is written: for the error of a missing name."""

from __future__ import annotations

from collections.abc import Iterable

_A_LIST = "a list or dictionary in an attribute is enough, self.layers = [nn.Linear(2, 3), nn.Linear(3, 1)]"
_OWN = "a layer of your own is a subclass of nn.Module with forward(self, x) in NumPy code"
_DTYPE = "layers take dtype=np.float32, and compute in that"
_ONE_MEMORY = "leave it out: arrays are NumPy's, in the memory of this computer"
_INIT = "its functions give arrays: layer.weight.data = nn.init.xavier_uniform(layer.weight.shape, rng=0)"


def _all(names: str, cure: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), cure)


IN_NN = {
    **_all("ModuleList ModuleDict ParameterList ParameterDict", _A_LIST),
    **_all("Tensor no_grad enable_grad tensor grad", "it is in autograd, as in from autograd import Tensor"),
    **_all("DataLoader TensorDataset Dataset", "nn.MiniBatches(X, y, batch_size=32) gives batches"),
    **_all("SmoothL1Loss", "nn.HuberLoss(delta=1.0) is the same function"),
    **_all("utils", "nn.optim.clip_grad_norm and nn.optim.clip_grad_value clip gradients"),
    **_all("train_test_split", "nn.split(X, y, rng=0)"),
    **_all("MLPClassifier MLPRegressor", "it is in nn.sklearn"),
    **_all("Conv1d Conv3d ConvTranspose2d AvgPool2d MaxPool1d AdaptiveAvgPool2d GRU GRUCell Dropout2d", _OWN),
    **_all("Transformer TransformerEncoder GroupNorm InstanceNorm2d RMSNorm PReLU Hardtanh Bilinear", _OWN),
}
IN_OPTIM = {
    **_all("lr_scheduler", "schedules are in nn.optim itself, as nn.optim.StepLR"),
    **_all("LBFGS", 'nn.optim.minimize(loss_of, params, method="L-BFGS-B")'),
    **_all("clip_grad_norm_ clip_grad_value_", "without the underscore: nn.optim.clip_grad_norm"),
}
OF_MODULES = {
    **_all("to cuda cpu", _ONE_MEMORY),
    **_all("float double half bfloat16 type", _DTYPE),
    **_all("fit compile", "nn.fit(model, (X, y), loss=nn.MSELoss()) trains it"),
    **_all("predict predict_proba", "nn.predict(model, X) gives outputs; of classes np.argmax(..., axis=1) the labels"),
    **_all("score evaluate", "nn.metrics.accuracy(nn.predict(model, X), y)"),
    **_all("add_module register_module register_parameter append extend insert", "assign it to an attribute"),
    **_all("apply", "for module in model.modules(): ..."),
    **_all("register_forward_hook register_full_backward_hook", "subclass it, and look at the values in forward"),
}


def missing(owner: str, name: str, cures: dict[str, str]) -> str:
    """The message of the AttributeError.

    >>> missing("module 'nn'", "train_test_split", IN_NN)
    "module 'nn' has no attribute 'train_test_split': nn.split(X, y, rng=0)"
    >>> missing("module 'nn.init'", "xavier_uniform_", in_place(["xavier_uniform"]))[:60]
    "module 'nn.init' has no attribute 'xavier_uniform_': its fun"
    """
    cure = cures.get(name)
    return f"{owner} has no attribute {name!r}" + (f": {cure}" if cure else "")


def in_place(names: Iterable[str]) -> dict[str, str]:
    """For the names of PyTorch's initialisers, which write into a parameter and end with an underscore."""
    return {f"{name}_": _INIT for name in names}
