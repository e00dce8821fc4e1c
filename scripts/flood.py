#!/usr/bin/env python3
"""flood.py URL TENANT COUNT: has a tenant ask for so many whole nodes at once."""
import json
import os
import sys
import time
import urllib.request

url, tenant, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(os.environ["POOL_TOKEN_FILE"]) as file:
    token = file.read().strip()
start, queued = time.time(), 0
for first in range(0, count, 500):
    claims = [
        {
            "name": f"flood-{first + index}", "tenant": tenant, "application": "app",
            "workflow": f"flood-{first}", "principal": "lab", "service": "other", "action": "run",
            "model_class": "small", "lanes": ["shared"],
            "demand": {"cpu_milli": 1024000, "sharing": "any-tenant"},
            "runtime_max_seconds": 600,
        }
        for index in range(min(500, count - first))
    ]
    request = urllib.request.Request(
        url + "/v1/claims/batch", json.dumps({"claims": claims}).encode(),
        {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        answers = json.load(reply)["answers"]
    queued += sum(answer.get("outcome") == "queued" for answer in answers)
print(f"{queued} of {count} claims of {tenant} wait, asked for in {time.time() - start:.1f} s")
