"""Work in threads of its own, behind the pages: it outlives their reruns. One examination at a time.

Knows nothing about Streamlit: a page asks how far the work is, and draws that."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from chatbot.bot import Bot
from chatbot.errors import SHOWN, RunStopped, SuiteError
from chatbot.quality.report import Examined
from chatbot.quality.session import Order, carry_out
from knowledge.filling import Tell

log = logging.getLogger(__name__)
Found = TypeVar("Found")


@dataclass
class Work(Generic[Found]):
    """What is being done and how far it is. Written by its thread alone, but for `stop`."""

    done: int = 0  # replies, or questions
    total: int = 0  # 0 until that is known
    kept: int | None = None  # how much an earlier run had done
    began: float = field(default_factory=time.monotonic)
    found: Found | None = None  # what came of it
    fault: str = ""  # why nothing came of it, for the user
    _stopped: threading.Event = field(default_factory=threading.Event)
    _finished: threading.Event = field(default_factory=threading.Event)

    @property
    def finished(self) -> bool:
        """Is there a result, or a fault?"""
        return self._finished.is_set()

    @property
    def stopping(self) -> bool:
        """Was it asked to stop?"""
        return self._stopped.is_set()

    @property
    def seconds(self) -> float:
        """How long it has been at work."""
        return time.monotonic() - self.began

    @property
    def left_s(self) -> float | None:
        """Seconds that are left at the pace so far; None while nothing can be said."""
        written = self.done - (self.kept or 0)
        if written < 1:
            return None
        return self.seconds / written * (self.total - self.done)

    def stop(self) -> None:
        """Ask for an end; what is answered is kept."""
        self._stopped.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; did it come?"""
        return self._finished.wait(seconds)

    def tell(self, done: int, total: int) -> None:
        """What the work calls after every step."""
        if self.kept is None:
            self.kept = done
        self.done, self.total = done, total
        if self.stopping:
            raise RunStopped("The run was stopped. What is answered is kept: start it again and it goes on from there.")

    def run(self, work: Callable[[Tell], Found]) -> None:
        """The thread's whole life."""
        try:
            self.found = work(self.tell)
        except SHOWN as error:
            self.fault = str(error)
        except Exception:  # the outermost edge of this thread
            log.exception("work in the background failed")
            self.fault = "Something in the program went wrong; the details are in the terminal. Start the run again."
        finally:
            self._finished.set()

    def begin(self, work: Callable[[Tell], Found], name: str) -> None:
        """Run it in a thread of that name."""
        threading.Thread(target=self.run, args=(work,), name=name, daemon=True).start()


@dataclass
class Job(Work[Examined]):
    """An examination."""

    order: Order = field(kw_only=True)


class Desk:
    """Gives out one job at a time, whoever asks."""

    def __init__(self) -> None:
        self.job: Job | None = None  # the newest one
        self._lock = threading.Lock()

    def start(self, bot: Bot, order: Callable[[], Order]) -> Job:
        """Begin what `order` makes. Raises SuiteError while another job is running, and what `order` raises."""
        with self._lock:
            if self.job is not None and not self.job.finished:
                raise SuiteError("A run is in progress already, started in another window. Wait for it, or stop it.")
            job = self.job = Job(order=order())
        job.begin(lambda tell: carry_out(bot, job.order, tell), "triptych-qa")
        return job


class Once(Generic[Found]):
    """Does a piece of work once for each key, whoever asks for it and how often."""

    def __init__(self) -> None:
        self._works: dict[str, Work[Found]] = {}
        self._lock = threading.Lock()

    def at(self, key: str, work: Callable[[Tell], Found]) -> Work[Found]:
        """The work under `key`, begun now if nobody asked for it before."""
        with self._lock:
            if key not in self._works:
                self._works[key] = Work()
                self._works[key].begin(work, "triptych-once")
            return self._works[key]

    def forget(self, key: str) -> None:
        """The next who asks begins it anew."""
        with self._lock:
            self._works.pop(key, None)
