#!/usr/bin/env python3
"""policy-diff-figures.py POOL_AGENT POOLCTL [RECORDS]: how long `poolctl policy diff` takes.

Has `pool-agent place --stream` write a journal of so many records (1,000,000): eight tenants ask for
single GPUs of 32 nodes, and agents start and leave as their leases say. Then the policy is compared
with one whose buckets hold half and refill a little slower than is asked, over the whole journal and
over its last hours. What is printed: records, bytes, seconds, and the most memory that the program had.
"""
import heapq
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time

TENANTS, NODES = 8, 32
CLASS = {
    "quantum_seconds": 600, "start_within_seconds": 30, "kill_within_seconds": 30,
    "on_empty_bucket": "park", "overrun": "stop",
}


def policy(generation, burst, refill):
    return {
        "schema_version": 1, "kind": "policy", "generation": generation,
        "profiles": [{"name": "h100", "kind": "gpu", "weight": 1.0, "memory_gib": 79.647}],
        "pools": [{"name": "gpu", "profile": "h100",
                   "lanes": [{"name": "shared", "lease_max_seconds": 3600}]}],
        "classes": {name: CLASS for name in ("P0", "P1", "P2", "P3")},
        "tenants": [{"name": f"team-{n}", "queue_max": 1000,
                     "bucket": {"burst_gpu_seconds": burst,
                                "refill_gpu_seconds_per_hour": refill}} for n in range(TENANTS)],
        "services": [{"name": f"work-{n}", "tenant": f"team-{n}", "class": f"P{1 + n % 3}",
                      "owner": f"team-{n}"} for n in range(TENANTS)],
    }


def node(number):
    return {
        "schema_version": 1, "kind": "node", "name": f"node-{number}", "cpu_milli": 64000,
        "host_memory_gib": 512, "enforcement": "cgroup",
        "devices": [{"uuid": f"node-{number}/gpu{gpu}", "kind": "gpu", "profile": "h100",
                     "memory_gib": 79.647} for gpu in range(8)],
    }


def record(agent, folder, records):
    """Plays callers and agents until about so many commands were decided."""
    nodes = []
    for number in range(NODES):
        nodes.append(os.path.join(folder, f"node-{number}.json"))
        with open(nodes[-1], "w") as file:
            json.dump(node(number), file)
    stream = subprocess.Popen(
        [agent, "place", "--policy", os.path.join(folder, "old.json"), "--nodes", *nodes,
         "--journal", os.path.join(folder, "journal"), "--stream"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1 << 16)
    generator = random.Random(1)
    due, number, asked, written = [], 0, 0, 0

    def plan(at, line):
        nonlocal number
        number += 1
        heapq.heappush(due, (at, number, line))

    plan(0, None)
    while written < records:
        at, _, line = heapq.heappop(due)
        if line is None:
            tenant = generator.randrange(TENANTS)
            asked += 1
            line = {"op": "claim", "claim": {
                "name": f"c-{asked}", "tenant": f"team-{tenant}", "application": "app",
                "workflow": f"w-{asked}", "principal": "agent:lab", "service": f"work-{tenant}",
                "action": "run", "model_class": "any", "lanes": ["shared"],
                "demand": {"gpus": 1}, "runtime_max_seconds": generator.choice((60, 120, 300))}}
            plan(at + int(generator.expovariate(1 / 600)) + 1, None)
        line["at_ms"] = at
        stream.stdin.write(json.dumps(line) + "\n")
        stream.stdin.flush()
        answer = json.loads(stream.stdout.readline())
        if answer["outcome"] == "error":
            sys.exit(f"the stream refuses a line: {answer}")
        written += 2 if line["op"] == "complete" else 1
        for event in answer.get("events", []):
            lease = {"lease": event.get("lease"), "fencing": event.get("fencing")}
            if event["event"] == "lease_granted":
                moment = max(at, int(event["at_ms"])) + 500
                plan(moment, {"op": "started", **lease})
                plan(moment + generator.randrange(10_000, 55_000),
                     {"op": "complete", "outcome": "completed", "empty": True, **lease})
    stream.stdin.close()
    stream.wait()
    return at / 1000


def compare(poolctl, folder, *flags):
    start = time.monotonic()
    run = subprocess.run(
        [poolctl, "policy", "diff", os.path.join(folder, "old.json"),
         os.path.join(folder, "new.json"), "--journal", os.path.join(folder, "journal"), *flags],
        capture_output=True, text=True)
    seconds = time.monotonic() - start
    if run.returncode != 11:
        sys.exit(f"the difference ended with {run.returncode}: {run.stderr}")
    sums = re.search(r"(\d+) of (\d+) requests of .* records were read", run.stdout)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{' '.join(flags) or 'whole journal'}: {seconds:.1f} s, at most {memory:.0f} MiB; "
          f"{sums.group(0) if sums else run.stdout}")


def main():
    agent, poolctl = sys.argv[1], sys.argv[2]
    records = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for name, document in (
                ("old", policy(1, 6000, 28800)), ("new", policy(2, 3000, 23400))):
            with open(os.path.join(folder, name + ".json"), "w") as file:
                json.dump(document, file)
        start = time.monotonic()
        span = record(agent, folder, records)
        size = os.path.getsize(os.path.join(folder, "journal"))
        print(f"a journal of {size >> 20} MiB over {span / 3600:.1f} h of pool time, "
              f"written in {time.monotonic() - start:.0f} s")
        compare(poolctl, folder)
        compare(poolctl, folder, "--hours", "3")


main()
