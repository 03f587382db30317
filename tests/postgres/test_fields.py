"""JSON in a column of type json is what was stored, with the members of objects in their order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from importsvc.operations.models import Operation
from people.services import NewOrganization
from tests.builders import make_operation

VALUES: list[Any] = [
    [],
    [{"b": 1, "a": {"d": [None], "c": "x"}}],
    ["\u0000", "\ud800", "ü🦄", 2**70, 1.5, True, ""],
]


@pytest.mark.parametrize("value", VALUES)
def test_json_is_read_as_it_was_stored(acme: NewOrganization, value: Any) -> None:
    operation = make_operation(creator=acme.person, errors=value)

    Operation.objects.filter(pk=operation.pk).update(errors=value)

    (listed,) = Operation.objects.values_list("errors", flat=True)
    assert json.dumps(Operation.objects.get().errors) == json.dumps(listed) == json.dumps(value)
