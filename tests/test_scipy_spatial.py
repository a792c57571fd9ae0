"""Points in differentiable code: who is near is constant, how far is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

spatial: Any = pytest.importorskip("scipy.spatial", reason="install SciPy: this is about its functions")

from autograd import differentiable, grad  # noqa: E402
from autograd.testing import gradcheck  # noqa: E402

POINTS = np.random.default_rng(0).normal(size=(6, 2))
PLACES = np.random.default_rng(1).normal(size=(4, 2))
PROGRAMS: dict[str, Any] = {
    "nearest": lambda x: spatial.cKDTree(POINTS * x[0]).query(PLACES * x[1])[0],
    "three nearest": lambda x: spatial.KDTree(POINTS).query(PLACES * x, k=3, p=1)[0],
    "of one place": lambda x: spatial.KDTree(POINTS).query(x)[0] * x + len(spatial.KDTree(x * POINTS).query_pairs(2.0)),
    "hull": lambda x: np.sum((x * POINTS)[spatial.ConvexHull(x * POINTS).vertices] ** 2, axis=0),
    "triangles": lambda x: (x * POINTS)[spatial.Delaunay(x * POINTS).simplices].sum(axis=(0, 1)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_people_write_it(name: str) -> None:
    fn, x = PROGRAMS[name], np.array([0.7, 1.2])
    np.testing.assert_allclose(differentiable(fn)(x), fn(x), rtol=1e-12)
    gradcheck(differentiable(fn), [x], complex_step=False)


@pytest.mark.parametrize(
    "fn", [lambda x: spatial.ConvexHull(x * POINTS).volume, lambda x: spatial.KDTree(x * POINTS).maxes]
)
def test_what_is_refused(fn: Any) -> None:
    with pytest.raises(TypeError, match="no derivative is known"):
        grad(differentiable(fn))(np.ones(2))
