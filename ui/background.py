"""One examination at a time in a thread of its own, behind the pages: it outlives their reruns.

Knows nothing about Streamlit: a page asks how far the job is, and draws that."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chatbot.bot import Bot
from chatbot.errors import SHOWN, RunStopped, SuiteError
from chatbot.quality.report import Examined
from chatbot.quality.session import Order, carry_out

log = logging.getLogger(__name__)


@dataclass
class Job:
    """A run and how far it is. Written by its thread alone, but for `stop`."""

    order: Order
    done: int = 0  # replies
    total: int = 0  # 0 until the questions are prepared
    kept: int | None = None  # replies that an earlier run had written
    began: float = field(default_factory=time.monotonic)
    found: Examined | None = None  # what came of it
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
        """What the run calls after every step."""
        if self.kept is None:
            self.kept = done
        self.done, self.total = done, total
        if self.stopping:
            raise RunStopped("The run was stopped. What is answered is kept: start it again and it goes on from there.")

    def run(self, bot: Bot) -> None:
        """The thread's whole life."""
        try:
            self.found = carry_out(bot, self.order, self.tell)
        except SHOWN as error:
            self.fault = str(error)
        except Exception:  # the outermost edge of this thread
            log.exception("an examination failed")
            self.fault = "Something in the program went wrong; the details are in the terminal. Start the run again."
        finally:
            self._finished.set()


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
            job = self.job = Job(order())
        threading.Thread(target=job.run, args=(bot,), name="triptych-qa", daemon=True).start()
        return job
