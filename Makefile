# "make help" lists what there is. Everything runs from a clean clone with Go;
# console and rules need Node, rules also clang and lld, e2e also chromium.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# A count, not a time: a time that ends within an execution fails the run.
FUZZTIME ?= 20000x
CHROMIUM ?= /usr/bin/chromium

.PHONY: help test test-full nightly worlds check format vet lint tidy generate race fuzz mutants bench peers console audit rules e2e ci

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## all tests with reduced counts: what the README names
	go test ./...

test-full: ## all tests with the counts of continuous integration; half an hour
	SLUICE_FULL=1 go test -count=1 -timeout 60m ./...

nightly: ## all tests with the counts of a night, all planted faults; hours
	SLUICE_NIGHT=1 go test -count=1 -timeout 0 ./...

WORLDS ?= 1000000
SEED ?= $(shell date +%s)000000

worlds: ## the engine against the oracle on WORLDS random worlds from SEED; long
	SLUICE_WORLDS=$(WORLDS) SLUICE_SEED=$(SEED) go test -count=1 -timeout 0 -v ./engine -run '^TestP1_EngineEqualsOracle$$' | grep -v /shards

check: ## format, vet, lint, tidy, generate, race; fails if the tree changes
	@before=$$(git status --porcelain; git diff | sha256sum); \
	for step in format vet lint tidy generate race; do \
		echo "== $$step"; $(MAKE) --no-print-directory $$step; \
	done; \
	after=$$(git status --porcelain; git diff | sha256sum); \
	if [ "$$before" != "$$after" ]; then echo "check changed the tree:"; git status --short; exit 1; fi

format: ## fails on files that gofmt would change
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); \
	if [ -n "$$files" ]; then echo "gofmt -w these:"; echo "$$files"; exit 1; fi

vet: ## go vet
	go vet ./...

lint: ## golangci-lint, pinned, built through the module proxy
	$(LINT) run --allow-parallel-runners ./...

tidy: ## fails when go.mod or go.sum are not tidy
	go mod tidy -diff
	go -C bench/peers mod tidy -diff

generate: ## regenerates the management schema's code
	go generate ./...

race: ## all tests with the race detector; needs a C compiler
	go test -race -timeout 45m ./...

fuzz: ## every fuzz target for FUZZTIME
	@for file in $$(git ls-files '*_test.go' | xargs grep -lE '^func Fuzz[A-Z]' || true); do \
		for target in $$(grep -oE '^func Fuzz[A-Za-z0-9_]+' $$file | cut -c6-); do \
			echo "== $$(dirname $$file) $$target"; \
			go test ./$$(dirname $$file) -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x; \
		done; \
	done

mutants: ## plants faults in policy and filter; fails when tests miss one
	nice -n 10 go run ./internal/mutants $(MUTANTS)

bench: ## all benchmarks
	go test -run '^$$' -bench . -benchmem -timeout 60m ./...

peers: ## a custom rule beside cel-go, cedar-go, OPA and expr: the same answers, then the times
	cd bench/peers && go vet ./... && go test -bench . ./...

console: ## rebuilds the playground and compares it with the committed one
	console/check.sh

audit: ## the audits of GraphQL over HTTP against the demo
	console/audit/check.sh

rules: ## rebuilds the example rules and compares their decisions
	examples/rules/check.sh

e2e: ## drives the playground in chromium: stand-in server, then the demo
	@[ -d console/node_modules ] || (cd console && npm ci --no-audit --no-fund)
	@if [ -x "$(CHROMIUM)" ]; then \
		SLUICE_E2E=1 CHROMIUM="$(CHROMIUM)" go test -count=1 -run TestBrowser -v ./console; \
	fi
	CHROMIUM="$(CHROMIUM)" node console/e2e/run.mjs

ci: ## what the build server runs
	.ci/run
