"""How every command ends: exit code 0, or 1 and one sentence on stderr. And one JSON document on stdout."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer
from rich.console import Console

from chatbot.errors import SHOWN

err = Console(stderr=True, highlight=False)


def sentences_only(command: Callable[..., None]) -> Callable[..., None]:
    """What a user may be shown becomes one sentence and exit code 1; Ctrl-C becomes 130."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except SHOWN as error:
            err.print(str(error), style="red", markup=False, soft_wrap=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            err.print("Stopped.")
            raise typer.Exit(130) from error

    return run


def print_json(document: Any) -> None:
    """One JSON document on stdout, nothing else."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
