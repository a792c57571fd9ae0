"""Numbers on pictures: short, aligned, and what is not finite is seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autograd.notation.numbers import is_finite, number, shape_text, show, superscript


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.005, "0.01"),
        (-1.5, "−1.50"),
        (99.99, "99.99"),
        (100.0, "100.0"),
        (999.94, "999.9"),
        (1000.0, "1000"),
        (9999.4, "9999"),
        (10000.0, "1.0×10⁴"),
        (0.00499, "5.0×10⁻³"),
        (-3.2e-17, "−3.2×10⁻¹⁷"),
        (np.float32(0.1), "0.10"),
    ],
)
def test_the_decimals_of_a_number_follow_its_size(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(99.996, "100.0"), (999.96, "1000"), (9999.6, "1.0×10⁴")])
def test_a_number_that_rounds_up_gets_the_decimals_of_the_next_size(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-7, "−7"),
        (123456, "123456"),
        (np.int64(2_000_000), "2.0×10⁶"),
        (True, "True"),
        (np.False_, "False"),
    ],
)
def test_integers_have_no_decimals_and_truth_values_are_words(value: int, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text", "finite"),
    [(math.nan, "NaN", False), (math.inf, "∞", False), (-math.inf, "−∞", False), (1.0, "1.00", True)],
)
def test_what_is_not_finite_is_told_apart(value: float, text: str, finite: bool) -> None:
    assert (number(value), is_finite(number(value))) == (text, finite)


@pytest.mark.parametrize(("shape", "rows"), [((), 1), ((4,), 1), ((4, 1), 4), ((4, 4), 4), ((2, 2, 3), 4)])
def test_up_to_4_by_4_numbers_are_written_out(shape: tuple[int, ...], rows: int) -> None:
    shown = show(np.ones(shape))
    assert (len(shown.cells), shown.heat, shown.lines) == (rows, (), ())


@pytest.mark.parametrize("shape", [(5,), (8,), (8, 8), (1, 5), (5, 1)])
def test_up_to_8_by_8_numbers_are_colours(shape: tuple[int, ...]) -> None:
    shown = show(np.arange(math.prod(shape)).reshape(shape))
    assert (shown.cells, max(map(max, shown.heat))) == ((), 1.0)


@pytest.mark.parametrize("shape", [(9,), (9, 1), (3, 3, 3), (784, 256)])
def test_larger_arrays_are_described(shape: tuple[int, ...]) -> None:
    shown = show(np.arange(math.prod(shape), dtype=np.float32).reshape(shape))
    assert (shown.cells, shown.heat, len(shown.lines)) == ((), (), 2)


def test_colours_are_symmetric_about_zero() -> None:
    assert show(np.array([-1.0, 0.0, 0.5, 0.25, 0.0])).heat == ((-1.0, 0.0, 0.5, 0.25, 0.0),)


def test_a_colour_scale_leaves_out_what_is_not_finite() -> None:
    (row,) = show(np.array([np.nan, 2.0, -4.0, np.inf, 0.0])).heat
    assert row[1:3] == (0.5, -1.0)
    assert math.isnan(row[0])


@pytest.mark.parametrize("size", [5, 100])
def test_what_is_not_finite_in_a_large_array_is_counted(size: int) -> None:
    array = np.arange(float(size))
    array[[1, 2, 3]] = np.nan, np.nan, -np.inf
    assert show(array).lines[-2:] == ("2 × NaN", "1 × ∞")


def test_an_array_with_nothing_finite_says_so() -> None:
    assert show(np.full(9, np.nan)).lines == ("nothing finite", "9 × NaN")


@pytest.mark.parametrize(("array", "line"), [(np.full(50, 0.1), "all 0.10"), (np.zeros(6, int), "all 0")])
def test_an_array_of_one_value_says_it_once(array: np.ndarray, line: str) -> None:
    assert show(array).lines == (line,)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_an_array_without_elements_is_called_empty(shape: tuple[int, ...]) -> None:
    assert show(np.zeros(shape)).lines == ("empty",)


def test_the_range_of_integers_has_no_decimals() -> None:
    assert show(np.arange(20)).lines[1] == "[0 … 19]"


def test_statistics_of_huge_numbers_do_not_warn() -> None:
    assert "∞" in show(np.array([1e300, -1e300] * 10)).lines[0]


@pytest.mark.parametrize(
    ("shape", "dtype", "text"),
    [((), "f8", "scalar"), ((3,), "f4", "3"), ((2, 3), "i8", "2×3 int64"), ((0, 3), "?", "0×3 bool")],
)
def test_a_shape_tells_the_dtype_unless_it_is_a_float(shape: tuple[int, ...], dtype: str, text: str) -> None:
    assert shape_text(shape, np.dtype(dtype)) == text


def test_an_exponent_may_be_negative() -> None:
    assert superscript(-120) == "⁻¹²⁰"


@pytest.mark.parametrize(
    ("array", "cells", "factor"),
    [
        ([1234.0, 0.01], ("1234", "0"), ""),
        ([150.0, 0.25], ("150.0", "0.2"), ""),
        ([99.0, 0.001, 0.0], ("99.00", "0.00", "0"), ""),
        ([2e6, -1e5], ("2.00", "−0.10"), "×10⁶"),
        ([3e-8, 0.0], ("3.00", "0"), "×10⁻⁸"),
        ([0.5, math.nan, -math.inf], ("0.50", "NaN", "−∞"), ""),
        ([1e300, math.inf], ("1.00", "∞"), "×10³⁰⁰"),
        ([5e-324, 0.0], ("4.94", "0"), "×10⁻³²⁴"),
    ],
)
def test_a_matrix_has_one_format(array: list[float], cells: tuple[str, ...], factor: str) -> None:
    shown = show(np.array(array))
    assert (shown.cells, shown.lines) == ((cells,), (factor,) if factor else ())


def test_truth_values_are_counted_where_they_are_many() -> None:
    assert show(np.arange(100) % 4 == 0).lines == ("25 of 100 True",)
