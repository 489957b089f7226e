# Everything a contributor runs. Each target installs what it needs first and says nothing when nothing is missing.

SWIFT ?= swift
DEPS ?= deploy/install-dependencies
PREFIX ?= /usr/local
BUILT ?= .build/release
SOURCES := Package.swift Sources Tests
PRODUCTS := clusterd clusterctl

.PHONY: help build release install test simulate simulate-state lint format bench bench-kv demo demo-down clean deps

help:
	@echo 'make build      clusterd and clusterctl, for development (.build/debug)'
	@echo 'make release    the same, optimised, with the Swift runtime inside (.build/release)'
	@echo 'make install    as root: what `make release` built, a systemd unit and a page on operating, under $(PREFIX)'
	@echo 'make test       every test: units and simulations first, then those with real hosts, networks and containers'
	@echo 'make simulate   groups of managers under seeded faults: SEEDS=1000 of them, from FROM=1 on'
	@echo 'make simulate-state   the store, its keys and watches under seeded faults: SEEDS and FROM as above'
	@echo 'make lint       the style: swift format, and the rules of Tests/RepositoryTests'
	@echo 'make format     rewrites the sources as swift format wants them'
	@echo 'make bench      replicas and failover, beside Docker swarm (deploy/bench); make bench-kv: the key-value store, beside etcd'
	@echo 'make demo       five hosts on this machine and a story told on them; make demo-down takes it away'
	@echo 'make clean      removes what was built'

deps:
	@$(DEPS)

build: deps
	for product in $(PRODUCTS); do $(SWIFT) build --product $$product || exit; done

release: deps
	for product in $(PRODUCTS); do $(SWIFT) build -c release --static-swift-stdlib --product $$product || exit; done

# Installs what is built and builds nothing: the two may need different users.
install:
	install -D -m 755 $(BUILT)/clusterd $(DESTDIR)$(PREFIX)/sbin/clusterd
	install -D -m 755 $(BUILT)/clusterctl $(DESTDIR)$(PREFIX)/bin/clusterctl
	install -D -m 644 docs/operating.md $(DESTDIR)$(PREFIX)/share/doc/martlet/operating.md
	install -d $(DESTDIR)/etc/systemd/system
	sed 's,/usr/local,$(PREFIX),g' deploy/clusterd.service >$(DESTDIR)/etc/systemd/system/clusterd.service

test: deps
	SWIFT=$(SWIFT) Tests/run

SEEDS ?= 1000
FROM ?= 1
simulate: deps
	$(SWIFT) build -c release --product raft-simulate
	.build/release/raft-simulate --from $(FROM) --seeds $(SEEDS) --keep-going

simulate-state: deps
	STATE_SEEDS=$(SEEDS) STATE_FROM=$(FROM) $(SWIFT) test --disable-xctest --filter '^DaemonTests.StateSimulationTests'

lint: deps
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)
	SWIFT=$(SWIFT) Tests/run RepositoryTests

format:
	$(SWIFT) format format --in-place --parallel --recursive $(SOURCES)

bench: release
	@$(DEPS) bench
	deploy/bench/replicas
	deploy/bench/failover

bench-kv: release
	@$(DEPS) bench
	deploy/bench/kv

demo: release
	deploy/demo/run

demo-down:
	deploy/demo/down

clean:
	rm -rf .build
