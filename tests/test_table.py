"""The table of what is differentiable: up to date, readable, and without a function that nobody thought of."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.core.op import BODIES, operations
from autograd.rules.definition import PLAIN, composites
from tests import table

# Functions of `numpy` and `numpy.linalg` that are deliberately no part of the table

NOT_DIFFERENTIABLE = {
    "it makes an array, and not from a Tensor": """
        arange array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray bartlett blackman
        diag_indices empty eye from_dlpack frombuffer fromfunction fromiter fromstring full hamming hanning identity
        indices kaiser mask_indices ones require tri tril_indices triu_indices zeros""",
    "it reads files": "fromfile fromregex genfromtxt load loadtxt",
    "it makes a matrix, a class that NumPy advises against": "asmatrix bmat",
    "it is text about numbers": """
        base_repr binary_repr format_float_positional format_float_scientific info typename""",
    "it is about dtypes and memory": """
        isdtype isfortran issubdtype iterable mintypecode promote_types""",
    "it is about settings or NumPy itself": """
        get_include get_printoptions getbufsize geterr geterrcall printoptions set_printoptions setbufsize seterr
        seterrcall show_config show_runtime test linalg.test""",
    "it is about dates": """
        busday_count busday_offset datetime_as_string datetime_data is_busday isnat""",
    "it makes a function or an iterator": "frompyfunc nested_iters",
    "its result is complex": "sort_complex",
    "it keeps elements that are equal, which they are on a set of measure zero": "intersect1d",
    "it calls a function that has a rule": "row_stack in1d",
    "it will go, and np.trapezoid has a rule": "trapz",
}
# What MathJax and KaTeX draw
COMMANDS = (
    "Phi Vert bar cdot cdots cos cosh cup delta det dots frac gamma ge infty int le left lfloor ln lnot log mathbin "
    "mathrel mathrm max min ne odot operatorname oslash partial pi prod quad rfloor right setminus sin sinh sqrt sum "
    "text tfrac times top triangle vert , ; { } |"
)


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public ufunc and function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that NumPy is about to drop
        for prefix, module in (("", np), ("linalg.", np.linalg)):
            for name in dir(module):
                value = getattr(module, name)
                if not name.startswith("_") and callable(value) and not isinstance(value, type):
                    yield prefix + name, value


def is_in_the_table(fn: Any) -> bool:
    try:
        return fn in PLAIN or fn in BODIES or any(op.fn is fn for op in operations())
    except TypeError:  # an object such as np.s_, which has no hash
        return False


EXPLAINED = {name: why for why, names in NOT_DIFFERENTIABLE.items() for name in names.split()}


def test_no_function_of_numpy_is_forgotten() -> None:
    forgotten = [name for name, fn in public() if name not in EXPLAINED and not is_in_the_table(fn)]
    assert forgotten == [], "give each a record, a composition or `defplain`, or a reason in NOT_DIFFERENTIABLE"


def test_what_is_said_not_to_be_differentiable_is_not() -> None:
    assert [name for name, fn in public() if name in EXPLAINED and is_in_the_table(fn)] == []


@pytest.mark.parametrize(
    "call",
    [
        lambda t: np.array(t),
        lambda t: np.asarray([t, t]),
        lambda t: np.full(2, t[0]),
        lambda t: np.arange(t[0]),
        lambda t: np.sort_complex(t),
        lambda t: np.intersect1d(t, t),
        lambda t: np.require(t),
    ],
)
def test_what_is_not_differentiable_is_refused(call: Any) -> None:
    with pytest.raises(TypeError, match=r"no derivative rule|would cut its gradient"):
        call(Tensor([1.0, 2.0], requires_grad=True))


def test_the_page_is_written() -> None:
    if not all(hasattr(np, name) for name in ("matvec", "fix")):
        pytest.skip("install another NumPy: this one lacks functions that are on the page")
    message = "autograd/rules/README.md is not what the records say: run `python -m tests.table`"
    assert table.PAGE.read_text(encoding="utf-8") == table.table(), message


def test_every_record_is_on_the_page() -> None:
    page = table.table()
    ours = [op for op in operations() if table.chapter_of(op) is not None]
    assert len(ours) > 140
    for record in (*ours, *(made for made in composites() if table.chapter_of(made) is not None)):
        name = table.NAMES.get(record.name, record.name)
        assert f"`{name}`" in page or f"`{name}(" in page, name


def test_the_tables_have_three_columns() -> None:
    rows = [line for line in table.table().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {3, 4}  # that of plain functions has two


def test_the_mathematics_can_be_drawn() -> None:
    formulas = re.findall(r"\$`(.*?)`\$", table.table())
    assert len(formulas) > 250
    for formula in formulas:
        assert set(re.findall(r"\\([a-zA-Z]+|.)", formula)) <= set(COMMANDS.split()), formula
        without = formula.replace(r"\{", "").replace(r"\}", "")
        assert without.count("{") == without.count("}"), formula
        assert formula.count(r"\left") == formula.count(r"\right"), formula


def test_mathematics_calls_operands_by_their_initials() -> None:
    for op in operations():
        if table.chapter_of(op) is None or op.variadic:
            continue
        named = [name for name, rule in zip(op.operands, op.vjp, strict=True) if rule is not None]
        for name, line in zip(named, op.math, strict=True):
            assert line.startswith(rf"\bar {name[0]}"), f"{op.name}: {line} for {name}"
