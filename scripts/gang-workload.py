#!/usr/bin/env python3
"""Prints the gang workload of the reference simulation: SEED NANOSECONDS GPUS SECONDS, one job a line.

Single GPUs arrive every 14 s on average and run for 20 to 180 s; whole nodes of 8 GPUs arrive every
5,000 s and run for 100 s; 100,000 s of arrivals for each of the seeds 0 to 3. The generator is
Python's own, so that what is measured is what was measured there.
"""
import random

SECONDS = 100_000

for seed in range(4):
    generator = random.Random(seed)
    jobs = []
    now = 0
    while now < SECONDS:
        now += generator.expovariate(1 / 14.0)
        jobs.append((now, 1, generator.randint(20, 180)))
    now = 0
    while now < SECONDS:
        now += generator.expovariate(1 / 5000.0)
        jobs.append((now, 8, 100))
    for arrives, gpus, runs in sorted(jobs):
        print(seed, int(arrives * 1e9), gpus, runs)
