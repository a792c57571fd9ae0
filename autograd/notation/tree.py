r"""The LaTeX of the operations' own records, as a tree that others turn into Unicode or MathML.

Only what rules are written in is known: symbols, scripts, bars, fractions, roots, words. What is not
known is an error, so that a new record cannot be drawn half.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Role = Literal["name", "number", "operator", "big", "prefix", "relation", "open", "close", "fence", "comma"]


@dataclass(frozen=True)
class Symbol:
    """One sign: a letter, a whole number, or an operator. A name that was put in may be longer."""

    text: str
    role: Role = "name"


@dataclass(frozen=True)
class Function:
    """A word that is applied, as sin or diag."""

    name: str


@dataclass(frozen=True)
class Words:
    r"""Upright text, as of `\text`, with its spaces."""

    text: str


@dataclass(frozen=True)
class Space:
    r"""Room of so many em: `\,` is a sixth of one, `\quad` one."""

    em: float


@dataclass(frozen=True)
class Row:
    """Parts side by side."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Script:
    """A base with what stands below and above the line behind it."""

    base: Tree
    sub: Tree | None = None
    sup: Tree | None = None


@dataclass(frozen=True)
class Bar:
    """A bar over something: the gradient with respect to it."""

    base: Tree


@dataclass(frozen=True)
class Fraction:
    """One over the other."""

    over: Tree
    under: Tree


@dataclass(frozen=True)
class Root:
    """A square root."""

    inside: Tree


Tree: TypeAlias = "Symbol | Function | Words | Space | Row | Script | Bar | Fraction | Root"

_TOKEN: Final = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|\s+|[^\s]")
_SPACES: Final = {",": 1 / 6, ":": 2 / 9, ";": 5 / 18, "!": 0.0, " ": 1 / 3, "quad": 1.0, "qquad": 2.0}
_SYMBOLS: Final[dict[Role, str]] = {  # a command and its sign, and so on
    "operator": r"odot ⊙ oslash ⊘ otimes ⊗ oplus ⊕ times × cdot · div ÷ pm ± cup ∪ cap ∩ setminus ∖ circ ∘ triangle △",
    "big": r"sum Σ prod Π int ∫",
    "prefix": r"lnot ¬ neg ¬ partial ∂ nabla ∇",
    "relation": r"le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ equiv ≡ sim ∼ in ∈ notin ∉ subset ⊂ to → mapsto ↦ mid |",
    "open": r"lfloor ⌊ lceil ⌈ langle ⟨ { {",
    "close": r"rfloor ⌋ rceil ⌉ rangle ⟩ } }",
    "fence": r"| ‖ Vert ‖ lVert ‖ rVert ‖ vert | lvert | rvert |",
    "name": r"top ⊤ infty ∞ dots … ldots … cdots ⋯ ell ℓ alpha α beta β gamma γ delta δ epsilon ε varepsilon ε "
    r"zeta ζ eta η theta θ kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ sigma σ tau τ phi φ varphi φ chi χ psi ψ "
    r"omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω",
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
_COMMANDS: Final = {
    name: Symbol(sign, role)
    for role, told in _SYMBOLS.items()
    for name, sign in zip(told.split()[::2], told.split()[1::2], strict=True)
}
_APPLIED: Final = (
    "sin cos tan sinh cosh tanh arcsin arccos arctan exp log ln det min max sup inf lim arg dim ker"  # as words
)
_WORDS: Final = frozenset(("text", "mathrm", "textrm", "mbox"))
_AS: Final[dict[str, Role]] = {"mathrel": "relation", "mathbin": "operator", "mathop": "big", "mathord": "name"}
_PLAIN: Final = frozenset(("mathbf", "mathit", "boldsymbol"))
_IGNORED: Final = frozenset(("left", "right", "big", "Big", "displaystyle", "limits"))


def parse(latex: str) -> Row:
    r"""The tree of a piece of LaTeX mathematics.

    Raises:
        ValueError: a command that is not known, or braces that do not match.

    >>> parse(r"\bar y^\top").parts
    (Script(base=Bar(base=Symbol(text='y', role='name')), sub=None, sup=Symbol(text='⊤', role='name')),)
    """
    reader = _Reader(latex)
    row = reader.row()
    if reader.next is not None:
        raise ValueError(f"{latex!r}: a closing brace without an opening one")
    return row


def substitute(tree: Tree, names: Mapping[str, Tree], bars: Mapping[str, Tree]) -> Tree:
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


def rewrite(tree: Tree, change: Callable[[Tree], Tree | None]) -> Tree:
    """`tree` with `change` of a part in its place, from the outside in, wherever that is not None."""
    changed = change(tree)
    if changed is not None:
        return changed
    match tree:
        case Bar(base):
            return Bar(rewrite(base, change))
        case Row(parts):
            return Row(tuple(rewrite(part, change) for part in parts))
        case Script(base, sub, sup):
            below, above = (None if part is None else rewrite(part, change) for part in (sub, sup))
            return Script(rewrite(base, change), below, above)
        case Fraction(over, under):
            return Fraction(rewrite(over, change), rewrite(under, change))
        case Root(inside):
            return Root(rewrite(inside, change))
    return tree


def right_side(row: Row) -> Row:
    r"""What a rule says a gradient is: the first equation's last side, without the definitions behind it.

    >>> from autograd.notation.unicode import written
    >>> written(right_side(parse(r"\bar a_i = \bar y / n, \quad n = 3")))
    'ȳ / n'
    """
    parts: list[Tree] = []
    depth = 0
    for part in row.parts:
        if isinstance(part, Space) and part.em >= 1 and depth == 0:
            break
        depth += _nesting(part)
        parts = [] if depth == 0 and part == Symbol("=", "relation") else [*parts, part]
    while parts and (isinstance(parts[-1], Space) or parts[-1] in (Symbol(",", "comma"), Symbol(";", "comma"))):
        parts.pop()
    return Row(tuple(parts))


def _nesting(part: Tree) -> int:
    """How much deeper one is in brackets behind `part`."""
    if isinstance(part, Script):
        part = part.base
    role = part.role if isinstance(part, Symbol) else ""
    return (role == "open") - (role == "close")


class _Reader:
    """The tokens of a text, read once from the left."""

    def __init__(self, latex: str) -> None:
        self._latex = latex
        self._tokens = iter(_TOKEN.findall(latex))
        self.next: str | None = ""
        self._advance()

    def row(self) -> Row:
        """Everything up to the closing brace of this group, or the end."""
        parts: list[Tree] = []
        while self.next is not None and self.next != "}":
            if self.next.isspace() or self.next[1:] in _IGNORED:
                self._advance(spaces=True)
            elif self.next in ("_", "^"):
                parts.append(self._script(parts.pop() if parts else Row(())))
            else:
                parts.append(self._atom())
        return Row(tuple(parts))

    def _advance(self, *, spaces: bool = False) -> str:
        """The token that was next; stand at the one after it, spaces left out unless they are wanted."""
        token = self.next or ""
        self.next = next(self._tokens, None)
        while not spaces and self.next is not None and self.next.isspace():
            self.next = next(self._tokens, None)
        return token

    def _script(self, base: Tree) -> Script:
        found: dict[str, Tree] = {}
        if isinstance(base, Script):  # x_i^2 is one base with two scripts
            found = {sign: part for sign, part in (("_", base.sub), ("^", base.sup)) if part is not None}
            base = base.base
        sign = self._advance()
        if sign in found:
            raise ValueError(f"{self._latex!r}: two scripts at one place")
        found[sign] = self._atom()
        return Script(base, found.get("_"), found.get("^"))

    def _group(self) -> Tree:
        """What stands in braces, without them; a single part as itself."""
        row = self.row()
        if self.next is None:
            raise ValueError(f"{self._latex!r}: an opening brace without a closing one")
        self._advance()
        return row.parts[0] if len(row.parts) == 1 else row

    def _atom(self) -> Tree:
        if self.next is None or self.next == "}":
            raise ValueError(f"{self._latex!r}: something is missing at the end of a command")
        if self.next == "{":
            self._advance()
            return self._group()
        if self.next.startswith("\\"):
            return self._command(self.next[1:])
        token = self._advance()
        if token[0].isdigit():
            return Symbol(token, "number")
        if token in _SIGNS:
            return Symbol({"-": "−", "'": "′"}.get(token, token), _SIGNS[token])
        if token in "&$#%~":
            raise ValueError(f"{self._latex!r}: {token!r} is not known here")
        return Symbol(token)

    def _command(self, name: str) -> Tree:
        if name in _WORDS or name == "operatorname":
            return self._words(name)
        self._advance()
        if name in _COMMANDS:
            return _COMMANDS[name]
        if name in _APPLIED.split():
            return Function(name)
        if name in _SPACES:
            return Space(_SPACES[name])
        if name in ("bar", "overline"):
            return Bar(self._atom())
        if name in ("frac", "tfrac", "dfrac"):
            return Fraction(self._atom(), self._atom())
        if name == "sqrt":
            return Root(self._atom())
        if name in _PLAIN:
            return self._atom()
        if name in _AS:
            sign = self._atom()
            return Symbol(sign.text, _AS[name]) if isinstance(sign, Symbol) else sign
        raise ValueError(f"{self._latex!r}: the command \\{name} is not known here")

    def _words(self, name: str) -> Tree:
        r"""The upright word of `\text{...}` or `\operatorname{...}`: its spaces count."""
        self._advance()
        text, depth = "", 0
        if self.next != "{":
            raise ValueError(f"{self._latex!r}: \\{name} takes a word in braces")
        while self.next is not None:
            token = self._advance(spaces=True)
            depth += (token == "{") - (token == "}")
            text += token
            if depth == 0:
                break
        if self.next is not None and self.next.isspace():
            self._advance()
        return Function(text[1:-1]) if name == "operatorname" else Words(text[1:-1])
