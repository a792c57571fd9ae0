"""`scipy.spatial.transform` on Tensors: rotations as unit quaternions (x, y, z, w), whose parts have derivatives.

>>> import autograd
>>> turned = lambda a: Rotation.from_euler("z", a).apply([1.0, 0.0, 0.0])[1]
>>> float(autograd.grad(turned)(0.0))
1.0
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import scipy.spatial.transform as theirs

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor, drawing
from autograd.numpy.namespace import INSTANCES, replaces
from autograd.scipy.callbacks import tensor_of

_SMALL = 1e-3  # angles below have a series


def _floats(value: Any) -> Any:
    value = as_tensor(tensor_of(value))
    return value if value.dtype.kind == "f" else as_tensor(np.asarray(value, float))


def _product(p: Any, q: Any) -> Any:
    """Hamilton's product: the rotation `q`, and `p` after it."""
    u, v, a, b = p[..., :3], q[..., :3], p[..., 3:], q[..., 3:]
    return np.concatenate((a * v + b * u + np.cross(u, v), a * b - np.sum(u * v, axis=-1, keepdims=True)), axis=-1)


def _normalized(q: Any) -> Any:
    return q / np.sqrt(np.sum(q * q, axis=-1, keepdims=True))


def _nearest(matrix: Any) -> Any:
    """The nearest orthogonal matrix."""
    left, _, right = np.linalg.svd(matrix)
    return left @ right


@cache
def _takes_the_nearest() -> bool:
    """Whether SciPy does, as from 1.16 on."""
    sheared = np.eye(3) + 0.5 * np.eye(3, k=1)
    return np.allclose(theirs.Rotation.from_matrix(sheared).as_matrix(), _nearest(sheared))


class Rotation:
    """`scipy.spatial.transform.Rotation`: one rotation, or a row of them."""

    def __init__(self, quat: Any, normalize: bool = True, copy: bool = True, scalar_first: bool = False) -> None:
        quat = _floats(quat)
        if np.shape(quat)[-1] != 4:
            raise ValueError(f"scipy.spatial.transform.Rotation: quaternions have 4 parts, not shape {np.shape(quat)}")
        quat = np.roll(quat, -1, axis=-1) if scalar_first else quat
        self._quat = _normalized(quat) if normalize else quat
        self.single = np.ndim(quat) == 1

    # Made of

    @classmethod
    def from_quat(cls, quat: Any, *, scalar_first: bool = False) -> Rotation:
        """Quaternions of any length but 0."""
        return cls(quat, scalar_first=scalar_first)

    @classmethod
    def from_rotvec(cls, rotvec: Any, degrees: bool = False) -> Rotation:
        """Axes, as long as the angle."""
        v = _floats(rotvec) * (np.pi / 180 if degrees else 1.0)
        square = np.sum(v * v, axis=-1, keepdims=True)
        small = square < _SMALL**2
        angle = np.sqrt(np.where(small, 1.0, square))
        series = 0.5 - square / 48 + square**2 / 3840
        cosine = np.where(small, 1 - square / 8 + square**2 / 384, np.cos(angle / 2))
        return cls(np.concatenate((v * np.where(small, series, np.sin(angle / 2) / angle), cosine), axis=-1))

    @classmethod
    def from_matrix(cls, matrix: Any, *, assume_valid: bool = False) -> Rotation:
        """Matrices; of those that are not orthogonal the nearest that is, by which derivatives go in any case."""
        m = _floats(matrix)
        if not assume_valid:
            theirs.Rotation.from_matrix(plain(m))  # which says what is wrong with it
            m = _nearest(m) if _takes_the_nearest() else m
        trace = np.trace(m, axis1=-2, axis2=-1)
        diagonal = np.stack([m[..., 0, 0], m[..., 1, 1], m[..., 2, 2], trace], axis=-1)
        largest = np.argmax(plain(diagonal), axis=-1)
        rows: list[list[Any]] = []
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            row: list[Any] = [None] * 3
            row[i], row[j], row[k] = (
                1 - trace + 2 * m[..., i, i],
                m[..., j, i] + m[..., i, j],
                m[..., k, i] + m[..., i, k],
            )
            rows.append([*row, m[..., k, j] - m[..., j, k]])
        rows.append([m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1], 1 + trace])
        choices = [np.stack(row, axis=-1) for row in rows]
        quat: Any = choices[3]
        for k in range(3):
            quat = np.where(np.expand_dims(largest == k, -1), choices[k], quat)
        return cls(quat)

    @classmethod
    def from_euler(cls, seq: str, angles: Any, degrees: bool = False) -> Rotation:
        """Angles about the axes of `seq`: of the room in small letters, of the body in capitals."""
        angles = _floats(angles) * (np.pi / 180 if degrees else 1.0)
        if len(seq) == 1 and np.shape(angles)[-1:] != (1,):
            angles = np.expand_dims(angles, -1)
        if np.shape(angles)[-1] != len(seq):
            raise ValueError(
                f"scipy.spatial.transform.Rotation.from_euler: {seq!r} and angles of shape {np.shape(angles)}"
            )
        quat: Any = None
        for k, letter in enumerate(seq.lower()):
            half = angles[..., k : k + 1] / 2
            turn = np.concatenate((np.sin(half) * np.eye(3)["xyz".index(letter)], np.cos(half)), axis=-1)
            quat = turn if quat is None else _product(turn, quat) if seq.islower() else _product(quat, turn)
        return cls(quat, normalize=False)

    @classmethod
    def identity(cls, num: Any = None) -> Rotation:
        """What turns nothing."""
        unit = np.array([0.0, 0.0, 0.0, 1.0])
        return cls(unit if num is None else np.tile(unit, (num, 1)))

    @classmethod
    def concatenate(cls, rotations: Any) -> Rotation:
        """All of several in one row."""
        return cls(np.concatenate([np.reshape(rotation._quat, (-1, 4)) for rotation in rotations]), normalize=False)

    @staticmethod
    def random(*args: Any, **kwargs: Any) -> Rotation:
        """Drawn evenly."""
        return Rotation(drawing(lambda *a, **k: theirs.Rotation.random(*a, **k).as_quat())(*args, **kwargs))

    # Seen as

    def as_quat(self, canonical: bool = False, *, scalar_first: bool = False) -> Any:
        """Quaternions; of both that stand for a rotation, the one with w above 0 where `canonical`."""
        quat = self._quat * np.where(plain(self._quat)[..., 3:] < 0, -1.0, 1.0) if canonical else self._quat
        return np.roll(quat, 1, axis=-1) if scalar_first else quat

    def as_matrix(self) -> Any:
        """Matrices."""
        x, y, z, w = (self._quat[..., k] for k in range(4))
        rows = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    def as_rotvec(self, degrees: bool = False) -> Any:
        """Axes, as long as the angle."""
        quat = self.as_quat(canonical=True)
        v, w = quat[..., :3], quat[..., 3:]
        square = np.sum(v * v, axis=-1, keepdims=True)
        small = square < _SMALL**2
        sine = np.sqrt(np.where(small, 1.0, square))
        scale = np.where(small, 2 + square / 3 + 3 * square**2 / 20, 2 * np.arctan2(sine, w) / sine)
        return v * scale * (180 / np.pi if degrees else 1.0)

    def as_euler(self, seq: str, degrees: bool = False, **options: Any) -> Any:
        """Angles about three axes: Bernardes and Viollet, "Quaternion to Euler angles conversion", 2022."""
        outer = seq.islower()
        i, j, k = ("xyz".index(letter) for letter in (seq.lower() if outer else seq.lower()[::-1]))
        symmetric = i == k
        k = 3 - i - j if symmetric else k
        sign = (i - j) * (j - k) * (k - i) // 2
        q = [self._quat[..., part] for part in range(4)]
        if symmetric:
            a, b, c, d = q[3], q[i], q[j], q[k] * sign
        else:
            a, b, c, d = q[3] - q[j], q[i] + q[k] * sign, q[j] + q[3], q[k] * sign - q[i]
        middle = 2 * np.arctan2(np.hypot(c, d), np.hypot(a, b))
        total, difference = np.arctan2(b, a), np.arctan2(d, c)
        first, third = total - difference, total + difference
        if not symmetric:
            third, middle = third * sign, middle - np.pi / 2
        angles = np.stack([first, middle, third] if outer else [third, middle, first], axis=-1)
        turns = np.round(np.asarray(plain(angles)) / (2 * np.pi))
        return (angles - 2 * np.pi * turns) * (180 / np.pi if degrees else 1.0)

    def magnitude(self) -> Any:
        """The angles."""
        return np.linalg.norm(self.as_rotvec(), axis=-1)

    # Done with

    def apply(self, vectors: Any, inverse: bool = False) -> Any:
        """Vectors, turned."""
        matrix = self.as_matrix()
        matrix = np.swapaxes(matrix, -1, -2) if inverse else matrix
        return np.sum(matrix * np.expand_dims(_floats(vectors), -2), axis=-1)

    def inv(self) -> Rotation:
        """What turns back."""
        return Rotation(self._quat * np.array([-1.0, -1.0, -1.0, 1.0]), normalize=False)

    def __mul__(self, other: Rotation) -> Rotation:
        return Rotation(_product(self._quat, other._quat))

    def __pow__(self, n: float) -> Rotation:
        return Rotation.from_rotvec(n * self.as_rotvec())

    def __getitem__(self, index: Any) -> Rotation:
        return Rotation(self._quat[index], normalize=False)

    def __len__(self) -> int:
        if self.single:
            raise TypeError("a single rotation has no length")
        return len(self._quat)


replaces(theirs.Rotation)(Rotation)


@replaces(theirs.Slerp)
class Slerp:
    """`scipy.spatial.transform.Slerp`: from one rotation to the next with an even angular speed."""

    def __init__(self, times: Any, rotations: Rotation) -> None:
        self._times, self._rotations = _floats(times), rotations
        self._steps = (rotations[:-1].inv() * rotations[1:]).as_rotvec()

    def __call__(self, times: Any) -> Rotation:
        times, knots = _floats(times), np.asarray(plain(self._times))
        k = np.clip(np.searchsorted(knots, plain(times), "right") - 1, 0, len(knots) - 2)
        share = (times - self._times[k]) / (self._times[k + 1] - self._times[k])
        return self._rotations[k] * Rotation.from_rotvec(np.expand_dims(share, -1) * self._steps[k])


INSTANCES[theirs.Rotation] = lambda made: Rotation(made.as_quat())
