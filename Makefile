VENV := .venv
IN_VENV := $(VENV)/bin/python
# Holds the folder that the finished environment was made for; newer than what it was made from.
INSTALLED := $(VENV)/installed
# Stands where the packages for the documentation site are installed too.
DOCUMENTING := $(VENV)/documenting
LOG := $(VENV)/install.log
UNREACHABLE := connection broken by|Max retries exceeded|Read timed out|NameResolutionError

# The Pythons that fit, and the file of constraints/ with the versions of a Python's packages.
PYTHONS := 3.13 3.12 3.11
EACH_PYTHON = $(subst $() $(), or ,$(PYTHONS))
STACK := -c 'import sys; print("keras2" if sys.version_info < (3, 12) else "keras3")'
VERSION := -c 'import sys; print("%d.%d" % sys.version_info[:2])'

# The path of the first Python that fits, by name on the path, then in pyenv: a name may be a shim
# without a Python behind it. Of a virtual environment, which may be the one to replace, the Python
# that it was made from.
NAMES = $(if $(PYTHON),"$(PYTHON)",python3 python $(PYTHONS:%=python%))
FITS = import os, sys; "%d.%d" % sys.version_info[:2] in "$(PYTHONS)".split() or sys.exit(1); \
	print(os.path.realpath(sys.executable))
FIND_PYTHON = IFS=:; pyenv=; \
	for folder in "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin; do pyenv="$$folder:$$pyenv"; done; \
	fits() { [ -x "$$1" ] && "$$1" -c '$(FITS)' 2>/dev/null && exit; }; \
	for folders in "$$PATH" "$$pyenv"; do for name in $(NAMES); do case "$$name" in \
		*/*) fits "$$name" ;; \
		*) for folder in $$folders; do fits "$$folder/$$name"; done ;; \
	esac; done; done
NO_PYTHON = scale_zoo needs Python $(EACH_PYTHON), and $(if $(PYTHON),$(PYTHON) is none,none is on \
	the path or in pyenv): name one with make PYTHON=/path/to/python3
FOUND_PYTHON = $(or $(shell $(FIND_PYTHON)),$(error $(NO_PYTHON)))

.PHONY: help quickstart test test-long lint docs constraints python

help:
	@echo "make quickstart    trains and measures a small network on bundled digits"
	@echo "make test          runs the tests except those marked slow"
	@echo "make test-long     runs all tests"
	@echo "make lint          checks style, format and types"
	@echo "make zoo/ENTRY     trains a pretrained entry, such as dss_cnn.digits, by its recipe"
	@echo "make docs          builds the documentation site in dist/site, and checks its links"
	@echo "Each first installs what it needs into $(VENV), once; VENV=folder names another folder."
	@echo
	@echo "make constraints   renews the pinned versions of the Python's packages in constraints/"
	@echo "make python        prints the Python that a new environment is made from"
	@echo "The Python is the first on the path, else in pyenv, that is $(EACH_PYTHON):"
	@echo "python3 and python come before names with a version. PYTHON=/path/to/python3 names another,"
	@echo "for which an environment of another version is replaced."

quickstart: $(INSTALLED)
	@$(IN_VENV) tools/train.py --flagfile=recipes/dss_cnn.digits.flags \
		--workdir=runs/quickstart --resume

# Again into the same folder: the run goes on, a finished one is exported again. FLAGS are further
# ones of training, such as --data_dir=FOLDER.
zoo/%: recipes/%.flags $(INSTALLED)
	@$(IN_VENV) tools/train.py --flagfile=$< --workdir=runs/$@ --resume $(FLAGS)
	@$(IN_VENV) tools/export.py --workdir=runs/$@ --output=saved_models/$* --overwrite \
		--license=Apache-2.0
	@$(IN_VENV) docs/site/leaderboard.py

test: $(INSTALLED)
	@$(IN_VENV) -m pytest --numprocesses=2 --dist=loadfile

test-long: $(INSTALLED)
	@$(IN_VENV) -m pytest --numprocesses=2 --dist=loadfile -m ""

lint: $(INSTALLED)
	@$(IN_VENV) -m ruff check .
	@$(IN_VENV) -m ruff format --check .
	@$(IN_VENV) -m mypy

docs: $(DOCUMENTING)
	@$(IN_VENV) docs/site/pages.py
	@$(IN_VENV) -m zensical build --strict --clean
	@echo "site: dist/site/index.html"

$(DOCUMENTING): $(INSTALLED)
	@echo "Installing what builds the documentation site into $(VENV)."
	@$(IN_VENV) -m pip -q install --constraint "constraints/$$($(IN_VENV) $(STACK)).txt" \
		--no-build-isolation --editable '.[docs]' </dev/null
	@touch $(DOCUMENTING)

# The versions that pip chooses in an environment without constraints.
constraints:
	@python="$(FOUND_PYTHON)"; set -e; \
	file="constraints/$$("$$python" $(STACK)).txt"; \
	folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; trap 'exit 1' INT TERM; \
	echo "Installing the newest versions that fit: a few minutes."; \
	"$$python" -m venv "$$folder"; \
	pip() { "$$folder/bin/python" -m pip "$$@" </dev/null; }; \
	pip -qq install --upgrade pip setuptools wheel; \
	pip -qq install --editable '.[test,docs]'; \
	pip check; \
	{ sed '/^[^#]/,$$d' "$$file"; pip freeze --all --exclude-editable; } >"$$folder/new"; \
	mv "$$folder/new" "$$file"; \
	echo "Wrote $$file."

python:
	@echo "$(FOUND_PYTHON)"

ifneq ($(PYTHON),)
WANTED := $(shell "$(FOUND_PYTHON)" $(VERSION))
endif

# Rebuilds an environment that is unfinished, was made for another folder, has lost its Python or has
# another version than the one asked for.
FINISHED_FOR := $(shell cat $(INSTALLED) 2>/dev/null; $(IN_VENV) $(VERSION) 2>/dev/null)
ifneq ($(FINISHED_FOR),$(CURDIR) $(or $(WANTED),$(lastword $(FINISHED_FOR))))
.PHONY: $(INSTALLED)
MAKE_VENV = $(FOUND_PYTHON)
endif

$(INSTALLED): setup.cfg pyproject.toml constraints/keras2.txt constraints/keras3.txt
	@python="$(MAKE_VENV)"; \
	stop() { echo "$$1" >&2; exit 1; }; \
	if [ -n "$$python" ]; then \
		[ ! -e $(VENV) ] || [ -e $(LOG) ] || \
			stop "make did not create the folder $(VENV): move it away."; \
		"$$python" -c 'import ensurepip, venv; ensurepip.version()' >/dev/null 2>&1 || stop \
			"$$python lacks venv or ensurepip; on Debian and Ubuntu, install python$$("$$python" \
			$(VERSION))-venv."; \
		rm -rf $(VENV) 2>/dev/null && mkdir $(VENV) 2>/dev/null && : >$(LOG) || \
			stop "The folder $(VENV) cannot be replaced."; \
	fi; \
	rm -f $(INSTALLED); \
	echo "Installing TensorFlow and other dependencies into $(VENV): a few minutes."; \
	{ \
		{ [ -z "$$python" ] || "$$python" -m venv $(VENV); } && \
		constraints="constraints/$$($(IN_VENV) $(STACK)).txt" && \
		$(IN_VENV) -m pip install --constraint "$$constraints" pip setuptools wheel && \
		$(IN_VENV) -m pip install --constraint "$$constraints" --no-build-isolation \
			--editable '.[test]'; \
	} >$(LOG) 2>&1 </dev/null || { \
		grep -qE '$(UNREACHABLE)' $(LOG) && \
			stop "Installing needs the package index, which cannot be reached; see $(LOG)."; \
		stop "Installing failed; $(LOG) says why."; \
	}; \
	pwd -P >$(INSTALLED)
