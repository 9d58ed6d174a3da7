# What a person does with this checkout. `make` alone lists it.
#
# Builds share .build; anything built otherwise (release, sanitizers) has a folder of its own, so that going
# back and forth rebuilds nothing.

SWIFT ?= swift
SCRATCH ?= .build
# Few tests at a time: many of them wait for real programs, each with a deadline.
TEST = .ci/test $(SWIFT) test --scratch-path $(SCRATCH) --skip-build --experimental-maximum-parallelization-width 4
BIN = $(SCRATCH)/debug
EXAMPLE = Docs/Examples/five-nodes/rollcall.yaml
SOURCES = Package.swift Sources Plugins Tests Docs/Examples
FILTER ?=
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 15
DEMO ?=
PREFIX ?= /usr/local

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests run five-nodes release install package test-package test check lint format bench bench-core bench-daemon bench-mesh bench-service bench-kubernetes soak tsan fuzz test-kernel-wireguard clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what a build needs (Debian packages)
	@.ci/setup build

setup-tests: setup
	@.ci/setup tests

run: setup ## Build, then show the demo: six made-up machines, a service, an inventory, a page; DEMO='--for 30s' ends it
	@echo "==> Building rollcall and two plugins (a first build takes about four minutes)"
	$(SWIFT) build --scratch-path $(SCRATCH) --product rollcall-static-file
	$(SWIFT) build --scratch-path $(SCRATCH) --product rollcall-service
	$(SWIFT) build --scratch-path $(SCRATCH) --product rollcall
	@exec $(BIN)/rollcall demo $(DEMO)

five-nodes: setup ## Build, then show how two registries of five nodes are merged, and where a fact came from
	$(SWIFT) build --scratch-path $(SCRATCH) --product rollcall-static-file
	$(SWIFT) build --scratch-path $(SCRATCH) --product rollcall
	@Docs/Examples/five-nodes/show $(BIN)/rollcall

release: setup
	@echo "==> Building for release (several minutes the first time)"
	@for product in rollcall rollcall-static-file rollcall-exec rollcall-http rollcall-service rollcall-kubernetes; do \
	  $(SWIFT) build --scratch-path .build-bench -c release --product $$product || exit 1; done

install: release ## Build for release and install below PREFIX, /usr/local: command, plugins, manual pages, completions
	.ci/install .build-bench/release $(DESTDIR)$(PREFIX)

package: release ## Build for release and pack for machines without Swift: .deb, tarball, OCI archive in .build-package
	@.ci/setup package
	.ci/package .build-bench/release .build-package

test-package: package ## Prove the packages: in a bare Debian, booted with systemd, and the image run (as root)
	@.ci/setup test-package
	@.ci/setup boot-package
	.ci/test-package .build-bench/release .build-package boot

test: setup-tests lint ## Set up, check the format, build with warnings as errors, run every test
	@echo "==> Building everything, warnings are errors"
	$(SWIFT) build --scratch-path $(SCRATCH) --build-tests
	@echo "==> Testing"
	$(TEST)

check: ## The quick inner loop: build, and test all but what starts processes; FILTER=name for a part
	$(SWIFT) build --scratch-path $(SCRATCH) --build-tests
	$(TEST) $(if $(FILTER),--filter '$(FILTER)',--skip IntegrationTests)

test-kernel-wireguard: setup ## Try the kernel's own WireGuard in a QEMU guest with Debian's kernel; PARTS='device port' for some
	@.ci/setup kernel || echo "not all of it can be installed here" >&2
	@echo "==> Building what is tried"
	@for product in WireGuardProbe rollcall rollcall-service; do \
	  $(SWIFT) build --scratch-path $(SCRATCH) --product $$product || exit 1; done
	@echo "==> Booting Debian's kernel"
	@Tests/Support/kernel-wireguard/run $(BIN) $(PARTS)

lint: ## Check the format
	@echo "==> Checking the format"
	@$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

format: ## Mend the format
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

bench: bench-core bench-daemon bench-mesh bench-service bench-kubernetes ## Measure everything, in release, against what is to be reached

bench-core: setup ## Measure the merge, the plugin boundary, the aggregator and the command; BENCH=merge for one
	@echo "==> Building for release (several minutes the first time)"
	$(SWIFT) build --scratch-path .build-bench -c release --product rollcall
	$(SWIFT) build --scratch-path .build-bench -c release --product rollcall-static-file
	$(SWIFT) build --scratch-path .build-bench -c release --product Benchmarks
	@.build-bench/release/Benchmarks $(BENCH)

bench-daemon: setup ## Measure a running daemon, in release: memory, an SSE client's wait, `get members` from exec
	@echo "==> Building for release (several minutes the first time)"
	$(SWIFT) build --scratch-path .build-bench -c release --product rollcall
	$(SWIFT) build --scratch-path .build-bench -c release --product rollcall-static-file
	@Tests/Support/measure-daemon .build-bench/release

bench-mesh: setup-tests ## Measure a daemon with a mesh of 200 peers, in release: idle, and a pass (as root)
	@echo "==> Building for release (several minutes the first time)"
	$(SWIFT) build --scratch-path .build-bench -c release --product rollcall
	$(SWIFT) build --scratch-path .build-bench -c release --product rollcall-static-file
	@Tests/Support/measure-mesh .build-bench/release

bench-service: setup ## Measure the discovery service under load, in release; LOAD='--clusters 50 …' for another load
	$(SWIFT) build --scratch-path .build-bench -c release --product ServiceServer
	$(SWIFT) build --scratch-path .build-bench -c release --product ServiceLoad
	@Tests/Support/measure-service .build-bench/release $(LOAD)

bench-kubernetes: setup ## Measure the Kubernetes registry, in release, against the figures that are to be reached
	@echo "==> Building for release (several minutes the first time)"
	$(SWIFT) build --scratch-path .build-bench -c release --product KubernetesBenchmark
	@.build-bench/release/KubernetesBenchmark report

soak: setup-tests ## Attack the service (in release) and the daemon for minutes, and see that memory is bounded and others are served; SOAK='--seconds 30' for more
	$(SWIFT) build --scratch-path .build-bench -c release --product ServiceServer
	$(SWIFT) build --scratch-path .build-bench -c release --product ServiceLoad
	@Tests/Support/soak-service .build-bench/release $(SOAK)
	@echo "==> Hostile plugins and peers of the daemon, SOAK_SECONDS ($(SOAK_SECONDS)) for each"
	$(SWIFT) build --scratch-path $(SCRATCH) --build-tests
	ROLLCALL_SOAK_SECONDS=$(SOAK_SECONDS) $(SWIFT) test --scratch-path $(SCRATCH) --skip-build --filter HostilePeerTests

tsan: setup-tests ## Run the tests of the core and the discovery service under the thread sanitizer
	TSAN_OPTIONS="suppressions=$(CURDIR)/Tests/Support/tsan.suppressions" \
	  $(SWIFT) test --scratch-path .build-tsan --sanitize=thread -Xlinker -E \
	  --experimental-maximum-parallelization-width 4 \
	  --filter 'ClusterModelTests|RegistryKitTests|AffiliateMergeTests|RollcallTests|PluginHostTests|DiscoveryServiceTests'

fuzz: setup ## Fuzz what reads the bytes of others, FUZZ_SECONDS (60) for each
	Tests/Fuzz/run.sh $(FUZZ_SECONDS)
	Tests/Fuzz/NodeDecoder/run $(FUZZ_SECONDS)

clean: ## Remove everything that was built
	rm -rf .build .build-*
