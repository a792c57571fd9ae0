"""Rotations in differentiable code: SciPy's values, and their derivatives."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

transform: Any = pytest.importorskip("scipy.spatial.transform", reason="install SciPy: this is about its functions")

from autograd import differentiable, grad  # noqa: E402
from autograd.testing import gradcheck  # noqa: E402

R = transform.Rotation
POINT = np.array([0.3, -1.2, 0.7])
BEFORE = R.from_euler("xyz", [0.2, -0.4, 0.9])
ANGLES = np.array([0.4, -0.7, 1.1])
PROGRAMS: dict[str, Any] = {
    "quaternion": lambda v: R.from_quat([v[0], v[1], v[2], 1.3]).apply(POINT),
    "scalar first": lambda v: R.from_quat([1.3, *v], scalar_first=True).as_quat(scalar_first=True),
    "vector": lambda v: R.from_rotvec(v).as_matrix(),
    "small vector": lambda v: R.from_rotvec(1e-5 * v).apply(POINT) * 1e3,
    "vector back": lambda v: R.from_rotvec(v, degrees=True).as_rotvec(degrees=True),
    "matrix": lambda v: R.from_matrix(R.from_euler("xyz", v).as_matrix()).as_quat(canonical=True),
    "matrix of a half turn": lambda v: R.from_matrix(
        R.from_euler("xyz", v + np.array([3.0, 0, 0])).as_matrix()
    ).as_rotvec(),
    "one angle": lambda v: R.from_euler("z", v[0]).as_matrix()[0:2, 0:2],
    "a row of them": lambda v: R.from_euler("y", v[:, None], degrees=True).apply(np.ones((3, 3))),
    "products": lambda v: (BEFORE * R.from_euler("ZYX", v).inv() * BEFORE).apply(POINT, inverse=True),
    "magnitude": lambda v: (R.from_euler("xyz", v) * BEFORE).magnitude() * v,
    "powers": lambda v: (R.from_rotvec(v) ** 0.5).as_quat(),
    "between": lambda v: transform.Slerp([0, 1, 2], R.from_euler("z", v[:, None]))([0.3, 1.6]).as_matrix(),
    "parts": lambda v: R.concatenate([BEFORE, R.from_rotvec(v)])[1].apply(POINT) * len(R.identity(2)),
}
SEQUENCES = ["".join(order) for order in permutations("xyz")] + ["zxz", "yxy", "ZYX", "XYZ", "ZYZ"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_people_write_it(name: str) -> None:
    fn = PROGRAMS[name]
    np.testing.assert_allclose(differentiable(fn)(ANGLES), fn(ANGLES), rtol=1e-10, atol=1e-14)
    gradcheck(differentiable(fn), [ANGLES], complex_step=False)


@pytest.mark.parametrize("seq", SEQUENCES)
def test_angles_there_and_back(seq: str) -> None:
    fn = lambda v: (R.from_euler(seq, v) * BEFORE).as_euler(seq)
    np.testing.assert_allclose(differentiable(fn)(ANGLES), fn(ANGLES), rtol=1e-10, atol=1e-12)
    gradcheck(differentiable(fn), [ANGLES], complex_step=False)


@pytest.mark.parametrize("stretched", [0.0, 0.3])
def test_a_matrix_that_is_no_rotation_stands_for_the_nearest_one(stretched: float) -> None:
    """So the derivative of one that is goes by that too."""
    matrix = BEFORE.as_matrix() + stretched * np.array([[1.0, 0.2, 0.0], [0.1, 0.5, 0.3], [0.0, 0.4, 0.8]])
    fn = lambda m: R.from_matrix(m).as_rotvec()
    np.testing.assert_allclose(differentiable(fn)(matrix), fn(matrix), rtol=1e-10)
    gradcheck(differentiable(fn), [matrix], order=1, complex_step=False)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="'xyz' and angles of shape"):
        grad(differentiable(lambda v: R.from_euler("xyz", v).magnitude()))(np.ones(2))
    with pytest.raises(ValueError, match="4 parts"):
        grad(differentiable(lambda v: R.from_quat(v).magnitude()))(np.ones(3))
