# Two commands: `make demo` and `make test`. Both make the environment first; repeats do only what is missing.
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin
READY := .venv/.installed

.PHONY: demo test setup lint browser prove-feedback clean

demo: $(READY)
	@$(BIN)/triptych setup
	@echo "Opening http://localhost:$(PORT) (stop with Ctrl-C)"
	@$(BIN)/streamlit run ui/app.py --server.port $(PORT)

test: $(READY) browser lint
	@$(BIN)/triptych setup
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

setup: $(READY)
	@$(BIN)/triptych setup

# Votes: simulated voters, public data computed again, and every fault that their store must survive, on SQLite and on a
# PostgreSQL of its own; prints what was counted.
prove-feedback: $(READY)
	@$(BIN)/python -m tests.chatbot.feedback.prove

# The end-to-end tests drive a Chromium; where none is and none can be installed, they skip and say so.
browser:
	@command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || sh tests/get_chromium.sh

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed. Name yours: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@echo "Making .venv and installing the pinned packages (about 2 minutes, once)"
	@$(PYTHON) -m venv .venv || { echo "Making .venv failed. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Step 1 of 2: torch"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt torch==2.13.0 \
		|| { echo "Installing torch failed. Check the network connection and run the same command again."; exit 1; }
	@echo "Step 2 of 2: the other packages"
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]' \
		|| { echo "Installing failed. Check the network connection and run the same command again."; exit 1; }
	@touch $(READY)

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
