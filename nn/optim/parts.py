"""The numbers of many parameters beside each other, so that a step is a few calls for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from autograd import Tensor


class Part(NamedTuple):
    """Parameters of one dtype that make a step together, and where an optimiser's arrays have their numbers.

    Attributes:
        number: of the array, among those of each kind.
        parameters: one of them, or all whose numbers are in that array.
        positions: of the parameters in the optimiser's list.
        spans: where each one's numbers begin and end in the array, which is flat; None where the array has the shape
            of the one parameter that it is for.
    """

    number: int
    parameters: tuple[Tensor, ...]
    positions: tuple[int, ...]
    spans: tuple[tuple[int, int], ...] | None

    @classmethod
    def of(cls, parameters: Sequence[Tensor], together: bool) -> list[Self]:
        """All parameters, those of a dtype and with `requires_grad` alike in one part, or each in its own.

        >>> a, b, c = Tensor([1.0]), Tensor([[2.0, 3.0]]), Tensor([4.0], dtype="float32")
        >>> [part.spans for part in Part.of([a, b, c], together=True)]
        [((0, 1), (1, 3)), None]
        """
        alike: dict[Any, list[int]] = {}
        for position, parameter in enumerate(parameters):
            kind = (parameter.dtype, parameter.requires_grad) if together else position
            alike.setdefault(kind, []).append(position)
        return [cls._beside(number, parameters, places) for number, places in enumerate(alike.values())]

    @classmethod
    def _beside(cls, number: int, parameters: Sequence[Tensor], positions: Sequence[int]) -> Self:
        chosen, spans, end = tuple(parameters[k] for k in positions), [], 0
        for parameter in chosen:
            spans.append((end, end + parameter.size))
            end += parameter.size
        return cls(number, chosen, tuple(positions), tuple(spans) if len(chosen) > 1 else None)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an array for all of it."""
        return self.parameters[0].shape if self.spans is None else (self.spans[-1][1],)

    def alone(self) -> list[Part]:
        """Each of its parameters as a part of its own, in the same array."""
        if self.spans is None:
            return [self]
        places = zip(self.parameters, self.positions, self.spans, strict=True)
        return [Part(self.number, (parameter,), (position,), (span,)) for parameter, position, span in places]

    def within(self, array: Any) -> Any:
        """Its numbers in an array."""
        if self.spans is None or len(self.spans) > 1:
            return array
        start, end = self.spans[0]
        return array[start:end].reshape(self.parameters[0].shape)

    def each(self, numbers: Any) -> list[tuple[Tensor, Any]]:
        """Each parameter with its own of the part's numbers, which are views."""
        if self.spans is None or len(self.spans) == 1:
            return [(self.parameters[0], numbers)]
        places = zip(self.parameters, self.spans, strict=True)
        return [(parameter, numbers[start:end].reshape(parameter.shape)) for parameter, (start, end) in places]
