"""A cluster gets a third node while imports and reverts run: ``python -m benchmarks.cluster.rebalancing``.

Twenty imports and the reverts of half of them are queued; Citus moves a part of the organizations to the new node
meanwhile. It needs Citus on this machine.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections import Counter

from benchmarks.cluster.databases import run
from benchmarks.cluster.servers import MISSING, find_programs, own_servers
from benchmarks.cluster.trial import NAME, Trial

IMPORTS = 20


def main() -> int:
    """Rebalance, print what became of the operations, and return 1 if anything is lost, done twice or half-done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5000, help="of each import")
    options = parser.parse_args()
    programs = find_programs()
    if programs is None:
        print(MISSING)
        return 1
    outcome: Counter[str] = Counter()
    with own_servers(programs, nodes=3) as servers:
        trial = Trial(servers[:3], options.people)
        service = trial.start()
        try:
            organizations = sorted(trial.tokens)
            for number in range(IMPORTS):
                organization_id = organizations[number % len(organizations)]
                import_id = trial.queue(organization_id)
                if number % 2:
                    path = f"imports/{import_id}/revert"
                    status, queued = trial.request(organization_id, "PATCH", path, Prefer="respond-async")
                    assert status == 202, queued
            new = servers[3]
            run({**new.parameters, "dbname": "postgres"}, f'CREATE DATABASE "{NAME}" TEMPLATE template0')
            run({**new.parameters, "dbname": NAME}, "CREATE EXTENSION citus")
            began = time.monotonic()
            outcome["queued at the start"] = trial.count_operations().get("queued", 0)
            trial.ask("SELECT citus_add_node('127.0.0.1', %s)", new.port)
            trial.ask("SELECT citus_rebalance_start(shard_transfer_mode => 'force_logical')")
            trial.ask("SELECT citus_rebalance_wait()")
            outcome["queued at the end"] = trial.count_operations().get("queued", 0)
            print(f"Rebalanced in {time.monotonic() - began:.1f} s")
            trial.wait()
            outcome["organizations on the new node"] = sum(trial.find_node(each) == new.port for each in organizations)
            trial.judge(outcome)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()
    print(json.dumps(outcome))
    return int(outcome["succeeded"] != outcome["operations"] or outcome["half-done organizations"] > 0)


if __name__ == "__main__":
    sys.exit(main())
