"""A mode is two levers: is the prompt layer on, is the adapter on. Nothing else may differ."""

from dataclasses import dataclass

from chatbot.errors import TurnError


@dataclass(frozen=True)
class Mode:
    """One column. `key` is its name on the command line, `label` its name on the screen."""

    key: str
    label: str
    prompted: bool
    tuned: bool
    colour: str = "#888888"  # of its column wherever it is drawn, on light and on dark ground

    @property
    def lever(self) -> str:
        """What this column adds to the plain base, in a reader's words."""
        if self.prompted and self.tuned:
            return "prompt layer + adapter"
        if self.prompted:
            return "prompt layer"
        return "adapter" if self.tuned else "neither lever"


PLAIN = Mode("plain", "Plain base", prompted=False, tuned=False, colour="#7a7f86")
BASE_PROMPTED = Mode("base-prompted", "Base-prompted", prompted=True, tuned=False, colour="#4a7fa7")
FINE_TUNED = Mode("fine-tuned", "Fine-tuned", prompted=False, tuned=True, colour="#c07a2c")
COMBINED = Mode("combined", "Combined", prompted=True, tuned=True, colour="#3d8b66")

THREE = (BASE_PROMPTED, FINE_TUNED, COMBINED)
EVERY = (PLAIN, *THREE)


def mode_of(key: str) -> Mode:
    """The mode of that key; a stand-in, grey and named by its key, for one that the program no longer has."""
    known = {mode.key: mode for mode in EVERY}
    return known.get(key, Mode(key, key, prompted=False, tuned=False))


def modes_named(name: str) -> tuple[Mode, ...]:
    """The modes that `--mode NAME` means: one of the four, or "all" for the three compared ones."""
    if name == "all":
        return THREE
    for mode in EVERY:
        if mode.key == name:
            return (mode,)
    known = ", ".join(mode.key for mode in EVERY)
    raise TurnError(f"There is no mode {name!r}. Choose one of {known}, or all.")
