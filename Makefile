# One screen of targets; `make help` lists them.
GOLANGCI_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
# The linters are built here, by the Go that is installed: never in go.mod, where their hundreds of modules would decide our versions.
BIN := $(CURDIR)/.bin
GOLANGCI := $(BIN)/golangci-lint-$(GOLANGCI_VERSION)

# These are tested first, so that no long one is left for the end alone. As many packages are tested at a time as there are processors: with twice
# as many, what they wait for came too late.
LONGEST := ./internal/faulttest ./internal/engine ./cmd/enqueue ./internal/tutorialtest ./examples/sixth-provider ./internal/browsertest \
	./internal/deploytest ./idempotency ./internal/dashboard
# These start no goroutine, which a test holds: the race detector has nothing to find there, and makes long computations much longer.
WITHOUT_RACE := ./idempotency/rules ./internal/arch ./internal/reconcile ./internal/strictcsv
# These play fewer seeds with the race detector, and all without.
WITH_AND_WITHOUT_RACE := ./internal/sim

.DEFAULT_GOAL := help
.PHONY: help demo test lint fault proof bench bench-smoke release

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## sample payouts through an embedded Redis and simulated providers; needs nothing but Go
	go run ./cmd/worker demo --once

test: ## all tests, with the race detector wherever several things run at once, and what they skip, in about a quarter of an hour on two cores; installs redis-server, Chromium and python3 where there are none
	@scripts/need-redis.sh
	@scripts/need-cc.sh
	@scripts/need-chromium.sh
	@scripts/need-python.sh
	GORACE=atexit_sleep_ms=20 CGO_ENABLED=1 go run ./internal/testreport -race -timeout 20m $(LONGEST) \
		$$(go list ./... | grep -vxF "$$(go list $(WITHOUT_RACE))")
	go run ./internal/testreport $(WITHOUT_RACE) $(WITH_AND_WITHOUT_RACE)
	go test -tags mutants -run Mutants ./idempotency/...
	go run ./internal/sim -seeds 500

lint: $(GOLANGCI) ## gofmt, go vet and the linters of .golangci.yml; known vulnerabilities; the files of deploy/
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
		[ -z "$$unformatted" ] || { echo "gofmt -w these:"; echo "$$unformatted"; exit 1; }
	$(GOLANGCI) run ./...
	@scripts/vulnerabilities.sh $(BIN) $(GOVULNCHECK_VERSION)
	@scripts/deploy.sh

fault: ## the long fault tests: kills, stalls and restarts of real processes, for about half an hour; the long search of the rules; each fuzz target for 10 s
	@scripts/need-redis.sh
	@scripts/need-cc.sh
	CGO_ENABLED=1 REMESA_TEST_LONG=1 go test -race -count=1 -timeout 90m -v ./internal/faulttest/...
	REMESA_TEST_LONG=1 go test -count=1 -timeout 90m -v -run Search ./idempotency/rules
	@scripts/fuzz.sh 10s
	go run ./internal/sim -seeds 30000 -from 100000
	go run ./internal/sim -seeds 5000 -from 200000 -forget

proof: ## docs/proof.md anew: searches of the rules, 20,000 seeds of the simulation, each safeguard left out in turn; about an hour
	@scripts/need-redis.sh
	REMESA_TEST_LONG=1 go test -count=1 -timeout 90m -run Search ./idempotency/rules -update
	go test -tags mutants -count=1 -timeout 90m -run Mutants ./idempotency/rules -update
	go test -count=1 ./idempotency/rules -run Proof -update
	go run ./internal/proof -seeds 20000

bench: ## remesa beside asynq, River and BullMQ, for a quarter of an hour; bench/README.md lists the other measurements
	@scripts/need-redis.sh
	@scripts/need-peers.sh
	go -C bench run ./compare

bench-smoke: ## every measurement once and short, so that none rots; its figures say nothing
	@scripts/need-redis.sh
	go -C bench vet ./...
	go -C bench test ./...
	go -C bench run ./compare -smoke -out ""
	go -C bench run ./million -n 500 -every 1s
	go -C bench run ./scale -sizes 500 -n 300 -workers 1 -partitions 1,2
	go -C bench run ./pages -settled 500 -open 100 -rounds 1

release: ## both commands as they are released (no demo), with their bills of materials, into dist/; then again elsewhere: the same bytes
	@scripts/build.sh dist
	@for binary in worker enqueue; do scripts/sbom.sh dist/$$binary dist/$$binary.cdx.json || exit 1; done
	@scripts/reproducible.sh

$(GOLANGCI):
	@echo "building golangci-lint $(GOLANGCI_VERSION) into .bin (once; some minutes)"
	@mkdir -p $(BIN)/new
	GOBIN=$(BIN)/new go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(BIN)/new/golangci-lint $@
