"""HIPS autograd's `autograd.builtins`: containers need no stand-ins here."""

import builtins

from autograd.numpy.kinds import isinstance_ as isinstance
from autograd.numpy.kinds import type_ as type

list, tuple, dict = builtins.list, builtins.tuple, builtins.dict
DictBox, ListBox, TupleBox = dict, list, tuple

__all__ = ["DictBox", "ListBox", "TupleBox", "dict", "isinstance", "list", "tuple", "type"]
