/// A policy to begin with: four classes, three tenants, one ladder, and tests that pass.
public enum PolicyStarter {
  /// The files of a folder to begin in, by their names in it.
  public static let files: [(name: String, text: String)] = [
    ("policy.yaml", policy), ("policy.policytest.yaml", tests), ("nodes/gpu-1.yaml", node),
    ("README.md", readme),
  ]

  /// What is what.
  private static let readme = """
    # A policy with its tests

    - `policy.yaml`: who gets what. Begin at the tenants and the services.
    - `policy.policytest.yaml`: what the policy promises, as steps on the allocator itself.
    - `nodes/gpu-1.yaml`: a machine to test on; yours are what `pool-agent advertise --once` says.

    ```
    poolctl policy check policy.yaml --nodes nodes/gpu-1.yaml
    poolctl policy test . --junit report.xml
    poolctl policy apply -f policy.yaml
    ```

    """

  /// A machine to test on.
  private static let node = """
    # A machine as its agent tells it (`pool-agent advertise --once`), for checks and tests.
    schema_version: 1
    kind: node
    name: gpu-1
    cpu_milli: 64000
    host_memory_gib: 512
    enforcement: cgroup
    devices:
      - { uuid: gpu-1/h0, kind: gpu, profile: h100-sxm-80gb, memory_gib: 79.647 }
      - { uuid: gpu-1/h1, kind: gpu, profile: h100-sxm-80gb, memory_gib: 79.647 }
      - { uuid: gpu-1/l0, kind: gpu, profile: l4-24g, memory_gib: 22.494 }
      - { uuid: gpu-1/l1, kind: gpu, profile: l4-24g, memory_gib: 22.494 }
      - { uuid: gpu-1/l2, kind: gpu, profile: l4-24g, memory_gib: 22.494 }

    """

  /// The policy.
  private static let policy = """
    # What a pool of GPUs gives whom, in four classes: devices, classes, tenants, services.
    # Check it with `poolctl policy check policy.yaml --nodes nodes/gpu-1.yaml` and test it with
    # `poolctl policy test .`; a higher generation replaces a lower one.
    schema_version: 1
    kind: policy
    generation: 1

    # Hardware and what its time is worth: one GPU-second is a second of weight 1.
    profiles:
      - { name: h100-sxm-80gb, kind: gpu, weight: 1.0, memory_gib: 79.647 }
      - { name: l4-24g, kind: gpu, weight: 0.12, memory_gib: 22.494 }

    # A pool is devices of one profile. Each has one shared lane; a reserved lane is its owner's.
    pools:
      - name: h100
        profile: h100-sxm-80gb
        lanes:
          - { name: h100-assistant, reserved_for: assistant, devices: 1, lease_max_seconds: 3600 }
          - { name: h100-shared, admits: [P0, P1, P2], lease_max_seconds: 7200 }
      - name: l4
        profile: l4-24g
        lanes:
          - { name: l4-shared, lease_max_seconds: 1800 }

    # P0 a person waits; P1 an agent waits; P2 routine; P3 batch. A quantum is paid for at once.
    classes:
      P0:
        quantum_seconds: 60
        start_within_seconds: 10
        kill_within_seconds: 10
        on_empty_bucket: reject # say when to come back; the caller decides
        overrun: debt # work that runs may go below zero, up to debt_max_gpu_seconds
      P1:
        quantum_seconds: 60
        start_within_seconds: 20
        kill_within_seconds: 20
        on_empty_bucket: park # wait for the own bucket, out of everybody's way
        overrun: stop
      P2:
        quantum_seconds: 120
        start_within_seconds: 30
        kill_within_seconds: 30
        on_empty_bucket: park
        overrun: stop
      P3:
        quantum_seconds: 600
        start_within_seconds: 60
        kill_within_seconds: 30
        on_empty_bucket: park
        overrun: stop

    # What waits rises one class a minute, so that nothing waits for ever.
    order:
      ageing_step_seconds: 60
      ageing_ceiling: P0

    # A bucket is a rate of spending: refill is the rate, burst the most that is saved up.
    tenants:
      - name: assistant
        classes: [P0, P1]
        queue_max: 50
        bucket:
          burst_gpu_seconds: 7200
          refill_gpu_seconds_per_hour: 3600
          debt_max_gpu_seconds: 600
      - name: research
        classes: [P2]
        queue_max: 50
        bucket: { burst_gpu_seconds: 3600, refill_gpu_seconds_per_hour: 3600 }
      - name: batch
        classes: [P3]
        queue_max: 200
        bucket: { burst_gpu_seconds: 150, refill_gpu_seconds_per_hour: 360 }

    # The class of work is that of its service, not of who asks.
    services:
      - { name: chat, tenant: assistant, class: P0, owner: assistant-team }
      - name: tickets
        tenant: assistant
        class: P1
        owner: assistant-team
        complexity: simple # a smaller device can do it
        risk: low
        # What the work takes rather than wait, where its claim accepts it.
        ladder:
          - name: drafts
            give: { lanes: [l4-shared], expected_runtime: 0.5, automation: answer_only }
            when: { actions: [answer], triggers: [pressure] }
      - { name: experiments, tenant: research, class: P2, owner: research-team }
      - { name: reindex, tenant: batch, class: P3, owner: platform-team }

    # Two claims that wait for H100 press the pool for P1, until fewer do.
    pressure:
      - name: h100-queue
        pool: h100
        reads: queue_depth
        elevated: { raise: 2, lower: 1 }
        dwell_seconds: 30
        classes: [P1]

    # What classes are promised over many claims: metrics and alerts compare, nothing is enforced.
    # With queue_wait_seconds the check says where the policy alone does not keep it.
    slos:
      - { class: P0, completion_rate_milli: 995 }
      - { class: P1, completion_rate_milli: 990, cost_per_success_gpu_seconds: 900 }

    """

  /// What it promises.
  private static let tests = """
    # What the policy promises. Each test has a pool of its own, on the allocator itself.
    schema_version: 1
    kind: policy_test
    policy: policy.yaml
    given:
      nodes: [nodes/gpu-1.yaml]
      claim: # what claims say unless they say otherwise
        action: answer
        model_class: any
        demand: { gpus: 1 }
        runtime_max_seconds: 600
    tests:
      - name: the assistant gets its reserved device however much others ask for
        steps:
          # Two experiments: the shared lane has one H100, so the second one waits.
          - claim: { name: run, tenant: research, service: experiments, lanes: [h100-shared] }
            times: 2
            expect: { outcome: queued, reasons: [lane_full], position: 1, state: queued }
          - claim: { name: answer, tenant: assistant, service: chat, lanes: [h100-assistant] }
            expect: { outcome: granted, lane: h100-assistant, state: running, lease: true }
          # Nobody else gets into the reserved lane.
          - claim: { name: other, tenant: research, service: experiments, lanes: [h100-assistant] }
            expect: { outcome: rejected, reasons: [lane_not_allowed], state: refused }
      - name: batch is throttled past its burst, and goes on when its bucket has refilled
        steps:
          # Ten minutes of an L4 cost 72 GPU-seconds: the burst of 150 pays two.
          - at: 0
            claim: { name: index, tenant: batch, service: reindex, lanes: [l4-shared] }
            times: 2
            expect: { outcome: granted, lane: l4-shared, buckets: { batch: 6 } }
          - claim: { name: third, tenant: batch, service: reindex, lanes: [l4-shared] }
            expect: { outcome: parked, reasons: [bucket_short], state: parked, lease: false }
          # 66 GPU-seconds are missing, and 0.1 come back each second.
          - at: 650
            expect: { of: third, state: parked }
          - at: 661
            expect: { of: third, state: running, lane: l4-shared }
      - name: tickets become drafts on an L4 while the queue is long
        steps:
          - at: 0
            claim: { name: one, tenant: assistant, service: tickets, lanes: [h100-shared] }
            expect: { outcome: granted, rung: none }
          - at: 1
            claim: { name: two, tenant: assistant, service: tickets, lanes: [h100-shared] }
            expect: { outcome: queued }
          - at: 2
            claim: { name: three, tenant: assistant, service: tickets, lanes: [h100-shared] }
            expect: { outcome: queued, position: 2 }
          # The queue presses the pool now; who accepts the rung is served, with less.
          - at: 3
            claim:
              name: four
              tenant: assistant
              service: tickets
              lanes: [h100-shared]
              accept_rungs: [drafts]
            expect: { outcome: downgraded, rung: drafts, lane: l4-shared, reasons: [pool_pressure] }
          # Who does not, waits; and no longer than the policy promises.
          - at: 4
            claim: { name: five, tenant: assistant, service: tickets, lanes: [h100-shared] }
            expect: { outcome: queued, rung: none, wait_max_seconds: 200000 }
          - at: 50
            complete: four
            expect: { state: completed }

    """
}
