"""On a cluster, every statement about one organization goes to one node, and the published examples are the same."""

from __future__ import annotations

from tests.cluster.conftest import ClusterDatabase

PYTEST = ("-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider")


def test_the_story_of_all_edges_names_the_organization_and_the_published_examples_hold(
    database: ClusterDatabase,
) -> None:
    assert database.manage("distribute", "--shards", 4).code == 0

    # With a test database of their own on this cluster.
    outcome = database.run(*PYTEST, "tests/test_tenant_keys.py", "tests/contract/test_published_page.py")

    assert outcome.code == 0, outcome.out[-3000:]
    assert " passed" in outcome.out
