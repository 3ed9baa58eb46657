"""Write with a transformers model and PEFT tones on this machine.

One worker thread owns the model, because hooks, scales and active adapters are state of that one
shared object; runs from all sessions queue for it. The rows of a run are one batch, each row with
its own tone. Nothing here may raise inside `generate`: PEFT would leave its hooks on the layers
and poison the next run, so they are also swept after each."""

import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from adapters.base import Base, chat_ids
from chatbot.engine.alike import FEWEST, left_padded, write_alike
from chatbot.engine.protocol import Decoding, End, Finish, Row
from chatbot.engine.sampling import beginnings, processors
from chatbot.errors import EngineError

log = logging.getLogger(__name__)
BARE = "__base__"  # PEFT's name for a row without an adapter


class LocalRun:
    """One batch being written. See protocol.Run."""

    def __init__(self, rows: Sequence[Row], prompts: list[list[int]], decoding: Decoding, engine: "LocalEngine"):
        self.rows, self.prompts, self.decoding = tuple(rows), prompts, decoding
        self._engine = engine
        self._ends: list[End | None] = [None] * len(rows)
        self._columns: list[tuple[str, ...]] = []
        self._read = 0  # columns already yielded
        self._done = False
        self._error: EngineError | None = None
        self._changed = threading.Condition()
        self.stopped = threading.Event()

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        while (column := self._next()) is not None:
            yield column

    def _next(self) -> tuple[str, ...] | None:
        """The next column, given to one reader only; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._done or len(self._columns) > self._read)
            if self._read < len(self._columns):
                self._read += 1
                return self._columns[self._read - 1]
            if self._error:
                raise self._error
            return None

    @property
    def waiting(self) -> int:
        return self._engine.before(self)

    @property
    def ends(self) -> tuple[End | None, ...]:
        return tuple(self._ends)

    def stop(self) -> None:
        self.stopped.set()

    def add(self, column: tuple[str, ...]) -> None:
        """The worker's: one more column."""
        with self._changed:
            self._columns.append(column)
            self._changed.notify_all()

    def end(self, row: int, end: End) -> None:
        """The worker's: this row is finished."""
        self._ends[row] = end

    def finish(self, error: EngineError | None = None) -> None:
        """The worker's: nothing more will come."""
        with self._changed:
            self._done, self._error = True, error
            self._changed.notify_all()


class LocalEngine:
    """Owns `model`, which is `base.model` bare or as a PeftModel holding `tones`."""

    def __init__(self, base: Base, model: Any, tones: Sequence[str] = ()):
        self._base, self._model, self._tones = base, model, frozenset(tones)
        self._begins = beginnings(base.tokenizer)
        self._tokenizing = threading.Lock()  # a fast tokenizer may not be borrowed twice
        self._queue: queue.Queue[LocalRun | None] = queue.Queue()
        self._order: list[LocalRun] = []  # queued and in progress, oldest first
        self._closed = threading.Event()
        self._worker = threading.Thread(target=self._work, name="triptych-engine", daemon=True)
        self._worker.start()

    def write(self, rows: Sequence[Row], decoding: Decoding) -> LocalRun:
        """Queue `rows` as one batch. Raises EngineError: unknown tone, chat too long, engine closed."""
        if self._closed.is_set():
            raise EngineError("The model was put away. Start the program again.")
        for row in rows:
            if row.tone is not None and row.tone not in self._tones:
                raise EngineError(f"No adapter {row.tone!r} is loaded. Train it: triptych train {row.tone}")
        run = LocalRun(rows, [self._ids(row, decoding) for row in rows], decoding, self)
        self._order.append(run)
        self._queue.put(run)
        return run

    def prompt_text(self, row: Row) -> str:
        """The exact text the model is given for this row, control tokens included."""
        with self._tokenizing:
            return str(self._base.tokenizer.decode(self._chat_ids(row)))

    def before(self, run: LocalRun) -> int:
        """How many runs are in front of this one."""
        order = list(self._order)
        return order.index(run) if run in order else 0

    def close(self) -> None:
        """Cancel what is open and end the worker."""
        self._closed.set()
        for run in list(self._order):
            run.stop()
        self._queue.put(None)
        self._worker.join(timeout=30)

    def _chat_ids(self, row: Row) -> list[int]:
        return chat_ids(self._base.tokenizer, [asdict(m) for m in row.messages])

    def _ids(self, row: Row, decoding: Decoding) -> list[int]:
        with self._tokenizing:
            ids = self._chat_ids(row)
        room = self._base.context - decoding.max_new_tokens
        if len(ids) > room:
            raise EngineError(
                f"This chat is {len(ids)} tokens long and {room} fit. Shorten the message or begin a new conversation."
            )
        return ids

    def _work(self) -> None:
        while (run := self._queue.get()) is not None:
            error = None
            try:
                self._write_one(run)
            except Exception as failure:  # the worker's outermost edge: the next run must still be served
                log.exception("writing failed")
                error = EngineError(
                    f"The model failed while writing ({type(failure).__name__}). Nothing was saved; ask again."
                )
                error.__cause__ = failure
            finally:
                sweep_hooks(self._model)
                self._order.remove(run)
                run.finish(error)

    def _write_one(self, run: LocalRun) -> None:
        tap = _Tap(run, self._base)
        if run.stopped.is_set():
            tap.end_open_rows("cancelled")
            return
        if len(run.rows) >= FEWEST and len({row.tone for row in run.rows}) == 1:
            self._write_alike(run, tap)
        else:
            self._write_mixed(run, tap)
        if tap.error is not None:
            raise tap.error
        tap.end_open_rows("length")

    def _write_alike(self, run: LocalRun, tap: "_Tap") -> None:
        config = self._base.model.config
        usual = config._attn_implementation
        bare = self._tones and run.rows[0].tone is None
        config._attn_implementation = "sdpa"  # long prompts in a large batch: three times as fast as eager
        try:
            with torch.inference_mode(), self._model.disable_adapter() if bare else nullcontext():
                write_alike(self._model, run.prompts, run.decoding, self._begins, tap.took, lambda: bool(tap.over()))
        finally:
            config._attn_implementation = usual

    def _write_mixed(self, run: LocalRun, tap: "_Tap") -> None:
        ids, mask = left_padded(run.prompts, self._base.tokenizer.pad_token_id)
        device = self._base.model.device
        extra: dict[str, Any] = {}
        if self._tones:
            extra["adapter_names"] = [row.tone or BARE for row in run.rows]
        with torch.inference_mode():
            self._model.generate(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                max_new_tokens=run.decoding.max_new_tokens,
                do_sample=False,  # a sample is an argmax too: see sampling.py
                eos_token_id=list(self._base.stops),
                pad_token_id=self._base.tokenizer.pad_token_id,
                streamer=tap,
                stopping_criteria=StoppingCriteriaList([_Ends(tap)]),
                logits_processor=processors(run.decoding, ids.shape[1], self._begins),
                **extra,
            )


class _Tap(BaseStreamer):  # type: ignore[misc]
    """Where `generate` puts its tokens: the (B, L) prompt first, then (B,) per step. Never raises."""

    def __init__(self, run: LocalRun, base: Base):
        self._run, self._tokenizer, self._stops = run, base.tokenizer, set(base.stops)
        self._began = time.monotonic()
        self._tokens: list[list[int]] = [[] for _ in run.rows]
        self._shown = ["" for _ in run.rows]
        self._first: list[float | None] = [None] * len(run.rows)
        self._prompt_seen = False
        self.error: Exception | None = None

    def put(self, value: torch.Tensor) -> None:
        """One step's tokens, or at first the prompt."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        try:
            column = tuple(self._took(row, int(token)) for row, token in enumerate(value))
            if any(column):
                self._run.add(column)
        except Exception as error:
            self.error = error

    def took(self, row: int, token: int) -> bool:
        """One row's next token, outside `generate`; does the row go on?"""
        piece = self._took(row, token)
        if piece:
            self._run.add(tuple(piece if i == row else "" for i in range(len(self._run.rows))))
        return self._run.ends[row] is None

    def end(self) -> None:
        """`generate` is through; rows that are still open ended by limit or stop."""

    def over(self) -> Finish | None:
        """Why all open rows must end now, if they must."""
        if self._run.stopped.is_set() or self.error is not None:
            return "cancelled"
        return "deadline" if time.monotonic() - self._began > self._run.decoding.deadline_s else None

    def end_open_rows(self, otherwise: Finish) -> None:
        """Give each row that wrote no end token its reason, and show the text held back so far."""
        finish = self.over() or otherwise
        rest = []
        for row, end in enumerate(self._run.ends):
            rest.append("" if end else self._fresh(row, last=True))
            if end is None:
                self._close(row, finish)
        if any(rest):
            self._run.add(tuple(rest))

    def _took(self, row: int, token: int) -> str:
        if self._run.ends[row] is not None:
            return ""  # padding behind a finished row
        if self._first[row] is None:
            self._first[row] = time.monotonic() - self._began
        if token in self._stops:
            text = self._fresh(row, last=True)
            self._close(row, "stop")
            return text
        self._tokens[row].append(token)
        return self._fresh(row)

    def _fresh(self, row: int, last: bool = False) -> str:
        """Text not yet shown; half a character (a byte-level token) waits for its other half."""
        text = self._tokenizer.decode(self._tokens[row], skip_special_tokens=True)
        if not last and text.endswith("\ufffd"):
            return ""
        fresh = text[len(self._shown[row]) :]
        self._shown[row] = text
        return str(fresh)

    def _close(self, row: int, finish: Finish) -> None:
        total = time.monotonic() - self._began
        first = self._first[row]
        end = End(finish, len(self._run.prompts[row]), len(self._tokens[row]), total if first is None else first, total)
        self._run.end(row, end)


class _Ends(StoppingCriteria):  # type: ignore[misc]
    """Ends every row at once on stop or deadline; end tokens are generate's own affair."""

    def __init__(self, tap: _Tap):
        self._tap = tap

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        over = self._tap.over() is not None
        return torch.full((input_ids.shape[0],), over, dtype=torch.bool, device=input_ids.device)


def sweep_hooks(model: Any) -> int:
    """Remove mixed-batch hooks that PEFT left behind (peft#3475); returns how many there were."""
    swept = 0
    for module in model.modules():
        for key, hook in list(module._forward_pre_hooks.items()):
            if getattr(getattr(hook, "func", None), "__name__", "") == "_adapter_names_pre_forward_hook":
                del module._forward_pre_hooks[key]
                module._forward_pre_hooks_with_kwargs.pop(key, None)
                swept += 1
    return swept
