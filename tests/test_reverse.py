"""The reverse pass of a loss as data: made once, and again with changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor
from autograd.program.reverse import Link, ReversePass


def test_a_pass_made_again_keeps_what_a_frozen_link_gave() -> None:
    x, m = (Tensor(np.array([1.0, 2.0]), requires_grad=True) for _ in range(2))
    loss = np.sum(np.exp(x - m))._node
    reverse, given = ReversePass(loss), {}

    def pull(link: Link, g: Any) -> Any:
        given[link] = link.rule(g, link.node.value, *(arg.value for arg in link.node.args))
        return given[link]

    before = reverse.accumulate({loss: np.float64(1.0)}, pull)
    _, exp, to_x, to_m = sorted(given, key=lambda link: (-link.node.order, link.operand))
    kept = dict(given)
    doubled = reverse.rerun(before, kept, pull, {exp: lambda g, _: 2 * kept[exp]}, {}, frozen=[to_m])
    assert np.array_equal(doubled[x._node], 2 * before[x._node])
    assert np.array_equal(doubled[m._node], before[m._node])
    assert to_x.source is x._node
