"""What is wrong with a mapping: in itself, or for a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

# In the order of docs/files.md: of any value, of the parts of a column, of the whole, and of a mapping for a file.
ProblemCode = Literal[
    "not_an_object",
    "not_a_list",
    "not_text",
    "not_a_scalar",
    "not_a_choice",
    "not_storable",
    "unknown_member",
    "required",
    "blank",
    "too_long",
    "too_many",
    "repeated",
    "unknown_target",
    "kind_required",
    "kind_not_allowed",
    "unknown_step",
    "wrong_steps",
    "wrong_targets",
    "wrong_values",
    "target_used_twice",
    "ignored_and_used",
    "unknown_header",
    "open_header",
    "nothing_mapped",
    "target_required",
    "key_required",
    "match_by_not_mapped",
    "type_in_two_sheets",
    "ambiguous_date_order",
    "ambiguous_decimal_sign",
]


class Problem(NamedTuple):
    """A problem of a mapping.

    Attributes:
        code: stable; ``docs/files.md`` has an example of each.
        path: of the value in the mapping's JSON, as a JSON Pointer (RFC 6901); empty for the mapping as a whole.
        message: a sentence.
    """

    code: ProblemCode
    path: str
    message: str


class MappingInvalid(ValueError):
    """A value is no mapping.

    Attributes:
        problems: all of them, in the order of the value.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)
