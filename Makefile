# `make demo` and `make test` do all of their own set-up in .venv.
PYTHON ?= python3
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check clean

demo: .venv/installed
	.venv/bin/sightline train digits

test: .venv/installed-test
	scripts/check
	scripts/test

check: .venv/installed-test
	scripts/check

# torch first and alone: asked for by its exact version it comes as the build for CPUs.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) $$(grep '^torch==' constraints.txt)
	$(PIP) --constraint constraints.txt --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(PIP) --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
