"""One process runs all tests of a group, so that what takes long to make for them is made once."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.xdist_group("groups")


def test_pytest_xdist_sees_the_group_of_a_test(request: pytest.FixtureRequest) -> None:
    # It reads the group from the id, where it has written it itself if the tests are distributed by groups.
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("needs --dist loadgroup, as in script/test")
    assert request.node.nodeid.endswith("@groups")
