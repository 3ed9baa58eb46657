"""Offline from the first line on: what the environment says before anything heavy is loaded."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
for size in ("COLUMNS", "LINES"):  # a console reads them once, when it is made, and pytest's workers have 80 of them
    os.environ.pop(size, None)
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # `make test`: threads that spin for the same core hold each other up
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ["OMP_NUM_THREADS"] = str(max(1, share))
