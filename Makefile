# `make run` and `make test` work in a fresh clone on Debian 12 with a Swift toolchain.

POLICY := examples/agent-platform/policy.json
CLAIMS := examples/agent-platform/claims.json
PLACE := .build/release/pool-agent place --policy $(POLICY) --claims $(CLAIMS)
STATE := pool-state
LISTEN := 127.0.0.1:7070

# Seconds per target: `make fuzz`, and as a part of `make test`.
FUZZ_SECONDS := 60
TEST_FUZZ_SECONDS := 6
# Seeds that `make test` lives, and `make soak`, as far as it comes in SOAK_SECONDS: the first, and
# the one after the last.
SIM_SEEDS := 0 600
SOAK_SEEDS := 1000 10001000
SOAK_SECONDS := 3600
JOBS := $(shell nproc)
# First and last seed of the random commands of `make soak-core`.
SOAK := 0-24000

# `make run` builds into .build/release and `make test` into .build/debug, so neither rebuilds the
# other. Release tests need another flag for every module, hence a scratch path of their own.
RELEASE_TESTS := -c release --scratch-path .build-release-tests -Xswiftc -enable-testing
RANDOM := ONLY_RANDOM_TESTS=1
RELEASE_FILTER := Property|Digest
TESTED_SIM := .build-release-tests/release/pool-sim

# bootstrap leaves the folder of the toolchain here; it may not be on the search path.
STAMP := .build/bootstrap.stamp
IN_TOOLCHAIN = export PATH="$$(cat $(STAMP)):$$PATH";

STEPS := test-debug test-release test-sim test-digest test-embed test-consumer-ci test-fidelity \
  test-fuzz

.DEFAULT_GOAL := help
.PHONY: simulator help run server place test test-core test-control-plane test-metrics test-partition test-man man completions store-figures service-figures policy-diff-figures dist $(STEPS) bench fuzz fairness mutants soak soak-core goldens lint clean bootstrap release abi-check

help:
	@echo 'make run    a server with an agent on this machine, and the example claims placed'
	@echo 'make place  place the example claims in one process; nothing is kept'
	@echo 'make test   every test: $(STEPS)'
	@echo 'make test-control-plane  every test of the service in control-plane/'
	@echo 'make test-metrics  promtool and a real Prometheus on the metrics of a server'
	@echo 'make test-partition  a server and an agent in two namespaces whose link fails (root)'
	@echo 'make man    write man/*.1 from the help of poolctl and pool-server; test-man compares'
	@echo 'make completions  for bash, zsh and fish, into .build/completions'
	@echo 'make store-figures  durable records a second beside bare SQLite, in STORE_FIGURES'
	@echo 'make service-figures  requests and placements a second beside the trivial route'
	@echo 'make policy-diff-figures  how long two policies are compared over a journal of 10⁶ records'
	@echo 'make test-core  the quick one: tests of the core, and some seeds of the simulator'
	@echo 'make bench  every cost in one table beside its floor; allocations against their limits'
	@echo 'make fuzz   fuzz every target for FUZZ_SECONDS=$(FUZZ_SECONDS) seconds'
	@echo 'make fairness  the fairness benchmark with its verdict; writes fairness.html'
	@echo 'make mutants  plant one mistake after the other, and see that the simulator finds each'
	@echo 'make soak   the long run: clusters that fail, for SOAK_SECONDS=$(SOAK_SECONDS)'
	@echo 'make soak-core  every invariant after every random command, seeds SOAK=$(SOAK)'
	@echo 'make goldens  write what the examples print now into their expected files'
	@echo 'make lint   the house style: sizes, purity, imports, documentation, format'
	@echo 'make abi-check  compare CNVML with nvml.h headers (NVML_HEADER=path, NVML_FETCH=1)'
	@echo 'make dist   programs for machines without Swift, in one archive with units and profiles'
	@echo 'make clean  remove everything that was built'

bootstrap:
	@scripts/bootstrap.sh $(STAMP)

release: bootstrap
	@test -x .build/release/pool-agent || echo 'building pool-agent (release)' >&2
	@$(IN_TOOLCHAIN) swift build -q -c release --product pool-agent >&2

simulator: bootstrap
	@test -x .build/release/pool-sim || echo 'building pool-sim (release)' >&2
	@$(IN_TOOLCHAIN) swift build -q -c release --product pool-sim >&2

run: release server
	@control-plane/.build/release/pool-server dev --state $(STATE) --listen $(LISTEN) \
	  --policy $(POLICY) --claims $(CLAIMS) --agent .build/release/pool-agent

server: bootstrap
	@scripts/need-packages.sh libsqlite3-dev
	@test -x control-plane/.build/release/pool-server || \
	  echo 'building pool-server and poolctl (release): some minutes' >&2
	@$(IN_TOOLCHAIN) swift build -q -c release $(CONTROL_PLANE) --product pool-server >&2
	@$(IN_TOOLCHAIN) swift build -q -c release $(CONTROL_PLANE) --product poolctl >&2

place: release
	@$(PLACE)

test: bootstrap
	@MAKE="$(MAKE)" scripts/run-steps.sh $(STEPS)

# What draws lives at random is lived in release, where it gets through many more of them.
test-debug: bootstrap
	@$(IN_TOOLCHAIN) scripts/expect-tests.sh swift test --skip Property

test-release: bootstrap
	@$(IN_TOOLCHAIN) $(RANDOM) swift build --build-tests $(RELEASE_TESTS)
	@scripts/gang-workload.py >.build-release-tests/gang-workload.txt
	@$(IN_TOOLCHAIN) $(RANDOM) GANG_WORKLOAD=$(CURDIR)/.build-release-tests/gang-workload.txt \
	  scripts/expect-tests.sh \
	  swift test --skip-build $(RELEASE_TESTS) --filter '$(RELEASE_FILTER)'

# Whole clusters, every invariant after every step, and everything there is met at least once; then
# the shipped scenarios and the promises of fairness; then one seed in two processes and two builds.
# The program is the one that was built beside the release tests.
test-sim: bootstrap
	@$(IN_TOOLCHAIN) swift build -q --product pool-sim >&2
	@$(IN_TOOLCHAIN) $(RANDOM) swift build -q $(RELEASE_TESTS) --product pool-sim >&2
	$(TESTED_SIM) hunt --from $(firstword $(SIM_SEEDS)) --to $(lastword $(SIM_SEEDS)) --jobs $(JOBS)
	$(TESTED_SIM) scenario scenarios >/dev/null
	$(TESTED_SIM) fairness >/dev/null
	@scripts/same-bytes.sh $(TESTED_SIM) .build/debug/pool-sim

mutants: bootstrap
	@$(IN_TOOLCHAIN) swift build -q -c release --scratch-path .build-mutants \
	  -Xswiftc -DPLANTED_BUGS --product pool-sim
	.build-mutants/release/pool-sim mutants --jobs $(JOBS)

test-core: simulator
	@$(IN_TOOLCHAIN) swift test --filter '^PoolAllocatorTests' --skip Property
	.build/release/pool-sim hunt --from 0 --to 50 --jobs $(JOBS) --any-coverage

fairness: simulator
	.build/release/pool-sim fairness --report fairness.html

# The service has packages of its own, and a build of its own.
CONTROL_PLANE := --package-path control-plane
STORE_FIGURES := .build/store-figures
test-control-plane: bootstrap
	@scripts/need-packages.sh libsqlite3-dev
	@$(IN_TOOLCHAIN) scripts/expect-tests.sh swift test $(CONTROL_PLANE)

# Needs Debian's prometheus, of which promtool is a part.
test-metrics: bootstrap
	@scripts/need-packages.sh libsqlite3-dev prometheus curl
	@$(IN_TOOLCHAIN) swift build -q $(CONTROL_PLANE) --product pool-server >&2
	@scripts/test-metrics.sh control-plane/.build/debug/pool-server $(POLICY)

# Some minutes, as root: namespaces of the network, of this run alone.
test-partition: bootstrap
	@scripts/need-packages.sh libsqlite3-dev iproute2 openssl curl
	@$(IN_TOOLCHAIN) swift build -q --product pool-agent >&2
	@$(IN_TOOLCHAIN) swift build -q $(CONTROL_PLANE) --product pool-server >&2
	@scripts/test-partition.sh control-plane/.build/debug/pool-server .build/debug/pool-agent $(POLICY)

service-figures: bootstrap
	@scripts/need-packages.sh libsqlite3-dev wrk
	@$(IN_TOOLCHAIN) swift build -q -c release $(CONTROL_PLANE) --product service-lab >&2
	@scripts/service-figures.sh control-plane/.build/release

# Some minutes; RECORDS of a journal, 1,000,000 without one.
policy-diff-figures: bootstrap
	@scripts/need-packages.sh libsqlite3-dev
	@$(IN_TOOLCHAIN) swift build -q -c release --product pool-agent >&2
	@$(IN_TOOLCHAIN) swift build -q -c release $(CONTROL_PLANE) --product poolctl >&2
	@scripts/policy-diff-figures.py .build/release/pool-agent control-plane/.build/release/poolctl $(RECORDS)

# Minutes: everything is built anew, with the libraries of Swift inside.
dist: bootstrap
	@scripts/need-packages.sh libsqlite3-dev libcurl4-openssl-dev
	@$(IN_TOOLCHAIN) scripts/dist.sh

# The pages are in the repository; look at `git diff man` afterwards.
PROGRAMS := control-plane/.build/release/poolctl control-plane/.build/release/pool-server
man: server
	@scripts/man-pages.sh man $(PROGRAMS)

test-man: server
	@scripts/man-pages.sh --check man $(PROGRAMS)

completions: server
	@scripts/completions.sh .build/completions $(PROGRAMS)

store-figures: bootstrap
	@scripts/need-packages.sh libsqlite3-dev
	@$(IN_TOOLCHAIN) swift build -q -c release $(CONTROL_PLANE) --product store-lab >&2
	@rm -rf $(STORE_FIGURES)
	@mkdir -p -m 700 $(STORE_FIGURES)
	@control-plane/.build/release/store-lab measure $(STORE_FIGURES)
	@control-plane/.build/release/store-lab fill $(STORE_FIGURES)/large 1000000

test-embed: bootstrap
	@$(IN_TOOLCHAIN) scripts/test-embed.sh

test-consumer-ci: bootstrap
	@$(IN_TOOLCHAIN) scripts/test-consumer-ci.sh

test-fidelity: bootstrap
	@$(IN_TOOLCHAIN) scripts/test-fidelity.sh

test-digest: release
	@$(IN_TOOLCHAIN) swift build -q --product pool-agent >&2
	@$(IN_TOOLCHAIN) scripts/test-digest.sh $(POLICY) $(CLAIMS)
	@$(IN_TOOLCHAIN) scripts/pool-copies.sh .build/release/pool-agent

test-fuzz: bootstrap
	@$(IN_TOOLCHAIN) Fuzz/run.sh all $(TEST_FUZZ_SECONDS)

# One table, with the floors of the same run; fails where more is allocated than allocations.txt
# allows. `pool-bench help` says what can be run by itself.
bench: bootstrap
	@$(IN_TOOLCHAIN) swift run -q -c release --package-path Benchmarks --scratch-path .build-bench \
	  pool-bench --limits Benchmarks/allocations.txt

# The long run, with a bar that shows how far it is.
soak: simulator
	.build/release/pool-sim hunt --from $(firstword $(SOAK_SEEDS)) --to $(lastword $(SOAK_SEEDS)) \
	  --jobs $(JOBS) --seconds $(SOAK_SECONDS)

# Every invariant after every command; about 440 commands to a seed.
soak-core: bootstrap
	@$(IN_TOOLCHAIN) $(RANDOM) swift build -q --build-tests $(RELEASE_TESTS)
	@$(IN_TOOLCHAIN) $(RANDOM) SOAK=$(SOAK) scripts/expect-tests.sh \
	  swift test --skip-build $(RELEASE_TESTS) --filter SwarmPropertyTests.everyInvariantHolds

fuzz: bootstrap
	@$(IN_TOOLCHAIN) Fuzz/run.sh all $(FUZZ_SECONDS)

# NVML_HEADER=path compares with that header, NVML_FETCH=1 also with those that can be fetched.
abi-check:
	@scripts/abi-check.sh

# Look at `git diff examples` afterwards: every change there is one that users see.
goldens: bootstrap
	@$(IN_TOOLCHAIN) EXAMPLES_UPDATE=1 swift test --filter 'ExampleTests|PlaceTests/golden'

lint: bootstrap
	@$(IN_TOOLCHAIN) swift test --filter TidyTests

clean:
	rm -rf .build .build-* examples/*/.build Benchmarks/.build
