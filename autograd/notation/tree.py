r"""Mathematics as a tree: what records say in LaTeX, what a call computes. It is written as LaTeX, Unicode or MathML.

Only what rules are written in is read: symbols, scripts, bars, fractions, roots, words. Any other command is an error,
so that no record is drawn half.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from autograd.notation.names import GREEK

Role = Literal[
    "name", "number", "operator", "big", "prefix", "relation", "open", "close", "fence", "comma", "function", "words"
]


class Tree:
    """A piece of mathematics."""


@dataclass(frozen=True)
class Symbol(Tree):
    """A sign, a name or a number; as a "function" a word that is applied, as "words" upright text with its spaces."""

    text: str
    role: Role = "name"


@dataclass(frozen=True)
class Space(Tree):
    r"""So many em: `\,` is a sixth of one, `\quad` one."""

    em: float


@dataclass(frozen=True)
class Row(Tree):
    """Parts side by side."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Script(Tree):
    """A base with what stands below and above the line behind it."""

    base: Tree
    sub: Tree | None = None
    sup: Tree | None = None


@dataclass(frozen=True)
class Bar(Tree):
    """A bar over something: the gradient with respect to it."""

    base: Tree


@dataclass(frozen=True)
class Fraction(Tree):
    """One over the other; a `small` one in a line of text."""

    over: Tree
    under: Tree
    small: bool = False


@dataclass(frozen=True)
class Group(Tree):
    """Brackets around something."""

    inside: Tree


@dataclass(frozen=True)
class Root(Tree):
    """A square root."""

    inside: Tree


_ENDS_IN_WORD: Final = re.compile(r"\\[A-Za-z]+$")
_TOKEN: Final = re.compile(
    r"\\(?:text|mathrm|textrm|mbox|operatorname)\{[^{}]*\}|\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|[^\s]"
)
SPACES: Final = {",": 1 / 6, ":": 2 / 9, ";": 5 / 18, "!": 0.0, " ": 1 / 3, "quad": 1.0, "qquad": 2.0}
_NAMED: Final[dict[Role, str]] = {  # a command and its sign, and so on; of several for one sign, the first is written
    "operator": r"odot ⊙ oslash ⊘ otimes ⊗ oplus ⊕ times × cdot · div ÷ pm ± cup ∪ cap ∩ setminus ∖ circ ∘ triangle △",
    "big": r"sum Σ prod Π int ∫",
    "prefix": r"lnot ¬ neg ¬ partial ∂ nabla ∇",
    "relation": r"le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ equiv ≡ sim ∼ in ∈ notin ∉ subset ⊂ to → mapsto ↦ mid |",
    "open": r"lfloor ⌊ lceil ⌈ langle ⟨ { {",
    "close": r"rfloor ⌋ rceil ⌉ rangle ⟩ } }",
    "fence": r"| ‖ Vert ‖ lVert ‖ rVert ‖ vert | lvert | rvert |",
    "name": r"top ⊤ infty ∞ dots … ldots … cdots ⋯ ell ℓ varepsilon ε varphi φ "
    + " ".join(f"{name} {sign}" for name, sign in GREEK.items()),
    "function": "sin sin cos cos tan tan sinh sinh cosh cosh tanh tanh arcsin arcsin arccos arccos arctan arctan "
    "exp exp log log ln ln det det min min max max sup sup inf inf lim lim arg arg dim dim ker ker",
}
_SIGNS: Final[dict[str, Role]] = {
    **dict.fromkeys("+-*/", "operator"),
    **dict.fromkeys("=<>", "relation"),
    **dict.fromkeys("([", "open"),
    **dict.fromkeys(")]", "close"),
    **dict.fromkeys(",;:!", "comma"),
    "|": "fence",
    "'": "name",
}
COMMANDS: Final = {
    name: Symbol(sign, role)
    for role, text in _NAMED.items()
    for name, sign in zip(text.split()[::2], text.split()[1::2], strict=True)
}
_AS: Final[dict[str, Role]] = {"mathrel": "relation", "mathbin": "operator", "mathop": "big", "mathord": "name"}
_IGNORED: Final = frozenset(("left", "right", "big", "Big", "displaystyle", "limits"))
EQUALS: Final = Symbol("=", "relation")
ADDS: Final = Symbol("+=", "relation")
MINUS: Final = Symbol("−", "operator")
BIG_SUM: Final = Symbol("Σ", "big")


def parse(latex: str) -> Row:
    r"""The tree of a piece of LaTeX mathematics.

    Raises:
        ValueError: a command that is not known, or braces that do not match.

    >>> parse(r"\bar y^\top").parts
    (Script(base=Bar(base=Symbol(text='y', role='name')), sub=None, sup=Symbol(text='⊤', role='name')),)
    """
    return Row(_Reader(latex).row())


def row(*parts: Tree) -> Row:
    """Parts side by side, rows among them opened."""
    return Row(tuple(one for part in parts for one in parts_of(part)))


def parts_of(tree: Tree) -> tuple[Tree, ...]:
    """What stands side by side."""
    return tree.parts if isinstance(tree, Row) else (tree,)


def rewrite(tree: Any, change: Callable[[Tree], Tree | None]) -> Any:
    """`tree` with `change` of a part in its place, from the outside in, wherever that is not None."""
    changed = change(tree)
    if changed is not None:
        return changed
    if isinstance(tree, Row):
        return Row(tuple(rewrite(part, change) for part in tree.parts))
    inside = {key: part for key, part in vars(tree).items() if isinstance(part, Tree)}
    return replace(tree, **{key: rewrite(part, change) for key, part in inside.items()}) if inside else tree


def substitute(tree: Tree, names: Mapping[str, Tree], bars: Mapping[str, Tree]) -> Any:
    r"""`tree` with other trees in place of names, and of names under a bar.

    >>> from autograd.notation.unicode import written
    >>> rule = parse(r"\bar y \odot 1[a > b]")
    >>> written(substitute(rule, {"a": Symbol("z₁")}, {"y": Symbol("g")}))
    'g ⊙ 1[z₁ > b]'
    """

    def change(part: Tree) -> Tree | None:
        match part:
            case Symbol(text, "name"):
                return names.get(text)
            case Bar(Symbol(text)):
                return bars.get(text)
        return None

    return rewrite(tree, change)


def sides(tree: Row) -> list[tuple[Tree, ...]]:
    r"""The sides of the first equation, without the definitions behind it.

    >>> [len(side) for side in sides(parse(r"\bar a_i = \bar y / n, \quad n = 3"))]
    [1, 3]
    """
    found: list[list[Tree]] = [[]]
    depth = 0
    for part in tree.parts:
        if isinstance(part, Space) and part.em >= 1 and depth == 0:
            break
        depth += (role_of(part) == "open") - (role_of(part) == "close")
        if depth == 0 and part in (EQUALS, ADDS):
            found.append([])
        else:
            found[-1].append(part)
    while found[-1] and (isinstance(found[-1][-1], Space) or role_of(found[-1][-1]) == "comma"):
        found[-1].pop()
    return [tuple(side) for side in found]


def right_side(tree: Row) -> Row:
    r"""What a rule says a gradient is: the last side of its first equation.

    >>> from autograd.notation.unicode import written
    >>> written(right_side(parse(r"\bar a_i = \bar y / n, \quad n = 3")))
    'ȳ / n'
    """
    return Row(sides(tree)[-1])


def role_of(part: Tree) -> str:
    """What a part is for its neighbours: that of its base, if it has scripts."""
    while isinstance(part, Script) or (isinstance(part, Row) and len(part.parts) == 1):
        part = part.base if isinstance(part, Script) else part.parts[0]
    if isinstance(part, Symbol):
        return part.role
    return "space" if isinstance(part, Space) else "fraction" if isinstance(part, Fraction) else "name"


def roles(parts: tuple[Tree, ...]) -> Iterator[tuple[Tree, str]]:
    """The parts of a row with their roles: a sign without an operand before it is a prefix."""
    last = ""
    for part in parts:
        role = role_of(part)
        if role == "operator" and last in ("", "operator", "relation", "open", "comma", "big"):
            role = "prefix"
        yield part, role
        last = role


def line(parts: tuple[Tree, ...], write: Callable[[Tree], str]) -> str:
    """Parts as one line of text, with spaces where a reader wants them."""
    text, last = "", ""
    for part, role in roles(parts):
        piece = write(part)
        if role in ("operator", "relation"):
            piece = f" {piece} "
        elif role == "comma":
            piece = f"{piece} "
        elif _is_apart(last, role) or (piece[:1].isalpha() and _ENDS_IN_WORD.search(text[-20:])):
            piece = f" {piece}"
        text += piece
        last = role
    return " ".join(text.split()) if "  " in text else text.strip()


def _is_apart(last: str, role: str) -> bool:
    """Whether there is a space between two neighbours."""
    if role in ("name", "number", "function", "words", "prefix", "big", "fraction"):
        return last in ("name", "close", "function", "words", "big", "fraction")
    return role == "open" and last in ("words", "fraction", "big")


class _Reader:
    """The tokens of a text, read once from the left."""

    def __init__(self, latex: str) -> None:
        self._latex = latex
        self._tokens = _TOKEN.findall(latex)[::-1]

    def row(self, end: str = "") -> tuple[Tree, ...]:
        """Everything up to the end, which is taken too: the closing brace of this group, or that of the text."""
        parts: list[Tree] = []
        while (token := self._next()) != end:
            if token in ("_", "^"):
                parts.append(self._script(parts.pop() if parts else Row(()), "sub" if token == "_" else "sup"))
            elif token == "=" and parts[-1:] == [Symbol("+", "relation")]:
                parts[-1] = ADDS
            elif token[1:] not in _IGNORED:
                parts.append(self._part(token))
        return tuple(parts)

    def _next(self) -> str:
        return self._tokens.pop() if self._tokens else ""

    def _script(self, base: Tree, place: str) -> Script:
        """Another script of a base: x_i^2 is one base with two."""
        script = base if isinstance(base, Script) else Script(base)
        if getattr(script, place) is not None:
            raise self._error("two scripts at one place")
        return replace(script, **{place: self._part(self._next())})

    def _part(self, token: str) -> Any:
        if token in ("", "}"):
            raise self._error("braces that do not match, or something is missing at the end of a command")
        if token == "{":
            parts = self.row("}")
            return parts[0] if len(parts) == 1 else Row(parts)
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[0].isdigit():
            return Symbol(token, "number")
        if token in "&$#%~":
            raise self._error(f"{token!r} is not known here")
        return Symbol({"-": "−", "'": "′"}.get(token, token), _SIGNS.get(token, "name"))

    def _command(self, name: str) -> Any:
        if name in COMMANDS:
            return COMMANDS[name]
        if name in SPACES:
            return Space(SPACES[name])
        if name.endswith("}"):  # its spaces count
            name, _, word = name[:-1].partition("{")
            word = COMMANDS[word[1:]].text if word[:1] == "\\" and word[1:] in COMMANDS else word
            return Symbol(word, "function" if name == "operatorname" else "words")
        if name in ("bar", "overline"):
            return Bar(self._part(self._next()))
        if name in ("frac", "tfrac", "dfrac"):
            return Fraction(self._part(self._next()), self._part(self._next()), name == "tfrac")
        if name == "sqrt":
            return Root(self._part(self._next()))
        if name in ("mathbf", "mathit", "boldsymbol"):
            return self._part(self._next())
        if name in _AS:
            return replace(self._part(self._next()), role=_AS[name])
        raise self._error(f"the command \\{name} is not known here")

    def _error(self, text: str) -> ValueError:
        return ValueError(f"{self._latex!r}: {text}")
