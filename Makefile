# `make` lists the targets. Nothing here needs a C compiler but race (cgo) and
# generate (clang).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules

GO      ?= go
VERSION ?= $(shell git describe --tags --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git describe --always --dirty --exclude '*' 2>/dev/null || echo unknown)
OUT     ?= out
FUZZ_SECONDS ?= 10

# Only the measuring binary runs as root; what is built belongs to the user.
ROOT   := $(filter 0,$(shell id -u))
SUDO   := $(if $(ROOT),,sudo)
LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT)

TUNNELS   := wire,plain,vxlan,wireguard-go,reference
RFC_SIZES := 64,128,256,512,1024,1280,1518
PURE      := ./fuzz/report ./internal/junit ./internal/kv ./internal/stats ./internal/checksum ./internal/strictjson ./loadgen/signature ./reference/wire ./reference/offload ./rfc2544/... ./reports/... ./ci/gate ./ci/gate/count

.PHONY: help build bench bench-full bench-generator bench-ablation study certify soak test race fuzz fuzz-go-fuzz fuzz-libfuzzer fuzz-proof fuzz-control fuzz-live lint lint-deploy cross generate clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.* ## /\1\t/' | expand -t 18

build: ## bin/tunnelbench
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/tunnelbench ./cmd/tunnelbench

bench: build ## the main job: five devices, three sizes, minutes; report in out/
	@mkdir -p $(OUT)
	$(SUDO) bin/tunnelbench run --dut $(TUNNELS) --sizes 64,512,1518 --profile quick --out $(OUT)

bench-full: build ## two rates at the seven sizes of RFC 2544, about an hour
	@mkdir -p $(OUT)
	$(SUDO) bin/tunnelbench run --dut $(TUNNELS) --sizes $(RFC_SIZES) --profile ndrpdr --out $(OUT)

bench-generator: ## what the tester itself can do (root)
	$(GO) test -run '^$$' -bench Generator ./loadgen/enginetest

# What each switch of the reference tunnel gains or costs, then the walk from one
# packet per system call to the default, in two parts: no overload suits both.
SWITCHES  := pin=on yield=off gso=off gro=off engine=pool
ABLATE     = $(SUDO) bin/tunnelbench ab --size 64 --rounds $(ROUNDS) --metrics forwarding_rate,cpu_ns_per_frame
ROUNDS    ?= 10
BATCHES   := reference-tun:gso=off,gro=off,offloads=off
SEGMENTS  := reference-tun:offloads=off

bench-ablation: build ## what each switch gains, with wan offloads on and off; tables and charts below out/
	@mkdir -p $(OUT)
	$(ABLATE) --out $(OUT)/switches-xdp reference-xdp $(addprefix reference-xdp:,$(SWITCHES))
	$(ABLATE) --out $(OUT)/switches-xdp-plain-wan --wan-offloads=off reference-xdp $(addprefix reference-xdp:,$(SWITCHES))
	$(ABLATE) --out $(OUT)/switches-tun reference-tun $(addprefix reference-tun:,$(patsubst yield=off,yield=on,$(SWITCHES)) offloads=off pooling=off)
	$(ABLATE) --out $(OUT)/walk-tun naive $(BATCHES) $(SEGMENTS) reference-tun
	$(ABLATE) --out $(OUT)/walk-xdp reference-tun reference-xdp:yield=off reference-xdp

study: ## where the variance of this machine comes from, and which control predicts rates best, as tables; six minutes
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -o bin/study ./internal/lab/study
	$(SUDO) bin/study --bringups 12 --rounds 10 --windows 16
	$(SUDO) bin/study controls --rounds 2

certify: build ## hold this machine against devices of known effect, some minutes
	$(SUDO) bin/tunnelbench certify

SOAK_TIME ?= 1h
SOAK_SEED ?= $(shell date +%s)
soak: build ## drive the verbs through random mishaps for an hour (SOAK_TIME), and check that nothing is lost or left behind
	$(GO) build -o bin/soak ./ci/soak
	$(SUDO) bin/soak --time $(SOAK_TIME) --seed $(SOAK_SEED) --dir $(OUT)/soak

test: ## every test; without root the pure part, and what was left out by name
	@GO='$(GO)' ci/test.sh

race: ## the same under the race detector
	$(GO) test -race -p 1 ./...

fuzz: build ## every fuzz target for 10 s (FUZZ_SECONDS); findings below out/fuzz and in the testdata
	bin/tunnelbench fuzz run --time $(FUZZ_SECONDS)s --out $(OUT)/fuzz

fuzz-go-fuzz: build ## the header's target by go-fuzz, which ships with the module
	bin/tunnelbench fuzz run --engine go-fuzz --target header --time $(FUZZ_SECONDS)s --out $(OUT)/go-fuzz

fuzz-libfuzzer: build ## the header's target as OSS-Fuzz builds it (clang)
	bin/tunnelbench fuzz run --engine libfuzzer --target header --time $(FUZZ_SECONDS)s --out $(OUT)/libfuzzer

fuzz-proof: ## planted bugs: which target finds which, how fast; an hour at most
	$(GO) run ./fuzz/proof --out $(OUT)/proof

fuzz-control: ## the known faults of google/gopacket v1.1.19, from nothing
	cd fuzz/control && $(GO) test ./...
	fuzz/control/run.sh

fuzz-live: build ## a minute of mutants on the wan link of a running tunnel
	$(SUDO) bin/tunnelbench fuzz live --dut reference --load 50% --duration 1m --out $(OUT)/live

lint: cross ## gofmt, vet, staticcheck
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); if [ -n "$$unformatted" ]; then echo "gofmt -w these: $$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

lint-deploy: ## the workflows by actionlint, the manifests by kubeconform (fetches both, and the schemas)
	GO='$(GO)' deploy/check.sh

cross: # what has to work where there is no lab
	@for os in darwin windows; do \
		echo "vet and build for $$os"; \
		GOOS=$$os $(GO) vet $(PURE); \
		GOOS=$$os CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/tunnelbench; \
	done

# Debian keeps asm/ below the name of the architecture.
generate: export BPF2GO_CFLAGS = -O2 -g -Wall -Werror -I/usr/include/$(shell gcc -dumpmachine || echo "$$(uname -m)-linux-gnu")
generate: ## the BPF objects and the hashes of their sources (clang, libbpf headers)
	$(GO) generate ./loadgen/bpf ./reference/bpf ./fuzz/live/bpf ./netns/counters/bpf ./internal/lab/trace/bpf
	for dir in loadgen/bpf reference/bpf fuzz/live/bpf netns/counters/bpf internal/lab/trace/bpf; do (cd $$dir && LC_ALL=C sha256sum -- *.[cho] > sources.sha256); done

clean: ## what build, bench and fuzz leave in the tree
	rm -rf bin $(OUT)
