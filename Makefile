VENV := .venv
IN_VENV := $(VENV)/bin/python
# Holds the folder that the finished environment was made for; newer than what it was made from.
INSTALLED := $(VENV)/installed
LOG := $(VENV)/install.log

# The path of the first Python 3.11 that runs: a name on the path may be a shim without a Python.
FIND_PYTHON = for name in $(if $(PYTHON),"$(PYTHON)",python3.11 python3 python); do \
	"$$name" -c 'import sys; sys.version_info[:2] == (3, 11) and print(sys.executable)' \
	2>/dev/null; done | head -n 1
NO_PYTHON = scale_zoo needs Python 3.11, the last that TensorFlow Addons runs on$(if \
	$(PYTHON), ($(PYTHON) is none)): name its path with make PYTHON=/path/to/python3.11
UNREACHABLE := connection broken by|Max retries exceeded|Read timed out|NameResolutionError

.PHONY: help quickstart test lint

help:
	@echo "make quickstart   trains and measures a small network on bundled digits"
	@echo "make test         runs the tests except those marked slow"
	@echo "make lint         checks style, format and types"
	@echo "Each first installs what it needs into $(VENV), once; PYTHON=/path/to/python3.11 names"
	@echo "the Python to use."

quickstart: $(INSTALLED)
	@$(IN_VENV) tools/train.py --flagfile=recipes/dss_cnn.digits.flags \
		--workdir=runs/quickstart --resume

test: $(INSTALLED)
	@$(IN_VENV) -m pytest --numprocesses=2 --dist=loadfile

lint: $(INSTALLED)
	@$(IN_VENV) -m ruff check .
	@$(IN_VENV) -m ruff format --check .
	@$(IN_VENV) -m mypy

ifneq ($(PYTHON),)
ifeq ($(shell $(FIND_PYTHON)),)
$(error $(NO_PYTHON))
endif
endif

# Rebuilds an environment that is unfinished, was made for another folder or has lost its Python.
FINISHED_FOR := $(shell test -x $(IN_VENV) && cat $(INSTALLED) 2>/dev/null)
ifneq ($(FINISHED_FOR),$(CURDIR))
.PHONY: $(INSTALLED)
MAKE_VENV = $(or $(shell $(FIND_PYTHON)),$(error $(NO_PYTHON)))
endif

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@python="$(MAKE_VENV)"; \
	stop() { echo "$$1" >&2; exit 1; }; \
	if [ -n "$$python" ]; then \
		[ ! -e $(VENV) ] || [ -e $(LOG) ] || \
			stop "make did not create the folder $(VENV): move it away."; \
		"$$python" -c 'import ensurepip, venv; ensurepip.version()' >/dev/null 2>&1 || \
			stop "$$python lacks venv or ensurepip; on Debian and Ubuntu, install python3.11-venv."; \
		rm -rf $(VENV) 2>/dev/null && mkdir $(VENV) 2>/dev/null && : >$(LOG) || \
			stop "The folder $(VENV) cannot be replaced."; \
	fi; \
	rm -f $(INSTALLED); \
	echo "Installing TensorFlow and other dependencies into $(VENV): a minute or two."; \
	{ \
		{ [ -z "$$python" ] || "$$python" -m venv $(VENV); } && \
		$(IN_VENV) -m pip install --constraint constraints.txt pip setuptools wheel && \
		$(IN_VENV) -m pip install --constraint constraints.txt --no-build-isolation \
			--editable '.[test]'; \
	} >$(LOG) 2>&1 </dev/null || { \
		grep -qE '$(UNREACHABLE)' $(LOG) && \
			stop "Installing needs the package index, which cannot be reached; see $(LOG)."; \
		stop "Installing failed; $(LOG) says why."; \
	}; \
	pwd -P >$(INSTALLED)
