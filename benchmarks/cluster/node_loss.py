"""A server of a cluster is killed in the middle of imports on both nodes: ``python -m benchmarks.cluster.node_loss``.

Each round queues an import for each organization, kills all processes of the second node, or of the coordinator, with
SIGKILL while operations run, asks for the people of all organizations meanwhile, and starts the server again. It needs
Citus on this machine.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter

from benchmarks.cluster.servers import MISSING, ClusterServer, find_programs, own_servers
from benchmarks.cluster.trial import ORGANIZATIONS, Trial


def run_round(
    trial: Trial, server: ClusterServer, lost: set[int], outcome: Counter[str], times: dict[bool, list[float]]
) -> None:
    """Queue imports, kill the server, start it again, and wait until all operations are done."""
    for organization_id in trial.tokens:
        trial.queue(organization_id)
    running = "SELECT count(*) FROM operations_progress WHERE backend_pid IS NOT NULL"
    while trial.ask(running) == [(0,)]:
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.5))
    server.kill()
    ends_at = time.monotonic() + 3
    while time.monotonic() < ends_at:
        for organization_id in trial.tokens:
            began = time.perf_counter()
            status, _ = trial.request(organization_id, "GET", "people?page[size]=1")
            is_lost = organization_id in lost
            times[is_lost].append(time.perf_counter() - began)
            outcome[f"{'lost' if is_lost else 'other'} node {status}"] += 1
    up = trial.tokens.keys() - lost  # none without the coordinator
    outcome["other node done meanwhile"] += sum(not trial.count_operations(each).get("queued") for each in up)
    server.start()
    trial.wait()


def main() -> int:
    """Run the rounds, print what was counted, and return 1 if anything is lost or half-done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--server", choices=["node", "coordinator"], default="node", help="which one is killed")
    parser.add_argument("--people", type=int, default=2000, help="of each import")
    options = parser.parse_args()
    programs = find_programs()
    if programs is None:
        print(MISSING)
        return 1
    outcome: Counter[str] = Counter()
    times: dict[bool, list[float]] = {False: [], True: []}
    with own_servers(programs, nodes=2) as servers:
        trial = Trial(servers, options.people)
        server = servers[0 if options.server == "coordinator" else 2]
        lost = {each for each in trial.tokens if server is servers[0] or trial.find_node(each) == server.port}
        print(f"{len(lost)} of {ORGANIZATIONS} organizations need the {options.server} that is killed", flush=True)
        service = trial.start()
        try:
            for number in range(options.rounds):
                run_round(trial, server, lost, outcome, times)
                print(number + 1, dict(outcome), flush=True)
            trial.judge(outcome)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()
    for is_lost, seconds in times.items():
        ordered = sorted(seconds)
        if not ordered:
            continue
        print(
            f"{'lost' if is_lost else 'other'} node: median {ordered[len(ordered) // 2] * 1000:.0f} ms,"
            f" longest {ordered[-1] * 1000:.0f} ms"
        )
    print(json.dumps(outcome))
    return int(outcome["succeeded"] != outcome["operations"] or outcome["half-done organizations"] > 0)


if __name__ == "__main__":
    sys.exit(main())
