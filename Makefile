# The targets are described by `make help`. libtorch is chosen by scripts/build/find_libtorch.sh (LIBTORCH=, LATENT_PYTHON=).
EPOCHS ?= 20
FUZZTIME ?= 30s
PYTHON ?= python3
GO ?= go
PREFIX ?= /usr/local
DESTDIR ?=

# `latent info` tells the commit, where git knows one (and does not refuse the folder because of its owner).
vcs := $(if $(shell git rev-parse HEAD 2>/dev/null),auto,false)

# LATENT_BUILD=DIR builds all into another folder, for a checkout that must not be written to: also the command, DIR/bin/latent.
bin := $(if $(LATENT_BUILD),$(LATENT_BUILD)/bin,bin)
ifdef LATENT_BUILD
build := $(shell realpath -m '$(LATENT_BUILD)')
export CGO_LDFLAGS += '-L$(build)' '-Wl,-rpath,$(build)'
endif

.PHONY: build native install uninstall train test test-long bench compare animation golden lint dist clean libtorch-download help
.DEFAULT_GOAL := build

build: native ## find or install libtorch, build build/ (the native half) and bin/latent (the default)
	@$(if $(wildcard cmd/latent),$(GO) build -buildvcs=$(vcs) -o '$(bin)/latent' ./cmd/latent)

native:
	@scripts/build/check_go.sh
	@scripts/build/native.sh

# Under sudo after `make`, what another user built is installed as it is: root may have no Go, and should leave no files here.
install: $(shell test -e '$(bin)/latent' -a ! -O '$(bin)/latent' || echo build) ## install the command, man page and completions below PREFIX=/usr/local (DESTDIR= for packages)
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/build/install.sh

uninstall: ## remove what `make install` put below PREFIX=/usr/local
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/build/install.sh --uninstall

train: build ## the whole notebook: EPOCHS=20 epochs into runs/notebook; EPOCHS=500 goes on from there
	'$(bin)/latent' notebook --out runs/notebook --epochs $(EPOCHS)

test: build ## build, then every test
	@# Go's test cache does not see libcgotorch.so: after a new one every test runs again.
	$(GO) test $$(cmp -s build/native.id build/native.tested || echo -count=1) ./...
	@cp build/native.id build/native.tested
	CGO_ENABLED=0 $(GO) test -short ./tsne/... ./centroid/... ./internal/atomicfile ./cmd/...
	@if grep -rlq --include='*.go' '^//go:build.*purego' tsne; then set -x; CGO_ENABLED=0 $(GO) test -short -tags purego ./tsne/...; fi

test-long: build ## the slow proofs: LATENT_LONG=1 tests, race detector, AddressSanitizer, valgrind, fuzzing (FUZZTIME=30s each), a second libtorch (SECOND=PYTHON)
	LATENT_LONG=1 $(GO) test -count=1 -timeout 120m ./...
	scripts/test/sanitize.sh
	scripts/test/fuzz.sh $(FUZZTIME)
	@$(if $(SECOND),scripts/test/libtorch.sh "$(SECOND)",\
		echo "second libtorch: left out; name a Python that has torch: make test-long SECOND=/path/to/python3")

bench: build ## one table of times: latent beside PyTorch on the same libtorch (ARGS=--quick: one round)
	$(PYTHON) scripts/bench/bench.py $(ARGS)

compare: build ## losses, accuracies and maps beside PyTorch's and scikit-learn's, of PYTHON=python3 (ARGS=--quick)
	@failed=0; for f in scripts/compare/accuracy.py scripts/compare/tsne.py; do \
		echo "$$f"; $(PYTHON) $$f $(ARGS) || failed=$$?; done; exit $$failed

RUN ?= runs/notebook/reconstruction
animation: build ## draw README's picture, docs/tsne.png, from a trained model: RUN=runs/notebook/reconstruction
	'$(bin)/latent' encode --run '$(RUN)' --split train --output build/animation.npy --quiet
	$(GO) run ./scripts/animation -latents build/animation.npy

golden: ## compute the goldens of PKG=tsne again, with PYTHON=python3 (ARGS=--check: compare with the stored ones)
	@test -f "$(PKG)/testdata/golden.py" || { echo "make golden: PKG=DIR, one of:" $(patsubst %/testdata/golden.py,%,$(shell find . -path ./build -prune -o -name golden.py -printf '%P\n' | sort)) >&2; exit 2; }
	$(PYTHON) $(PKG)/testdata/golden.py $(ARGS)

lint: native ## gofmt, go mod tidy -diff, vet, staticcheck; shellcheck and Python's compiler where they are installed
	@scripts/test/lint.sh

dist: ## programs that need no libtorch, for Linux, macOS and Windows (amd64, arm64), into dist/ with checksums and licences
	@scripts/build/dist.sh

libtorch-download: ## fetch the official libtorch zip (pinned version and SHA-256) into build/libtorch
	@scripts/build/download.sh

clean: ## remove what make made; data/ and runs/ stay
	rm -rf build bin dist

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20
