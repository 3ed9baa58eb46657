"""What a brand's messages teach about its situations: the detector, learnt once and kept, or anew in seconds.

Run: python -m chatbot.taught, to write the vectors that the brand of the settings brings along anew after a change."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from adapters.errors import ExampleError
from adapters.examples import read_examples
from chatbot.brand import Brand
from chatbot.guide import Guide
from chatbot.head import Encoder, enough, kept, learn
from chatbot.situation import UNKNOWN, Detector, Situation
from knowledge.brought import brought, write
from knowledge.embed import Remembering, Vectors
from knowledge.kept import key_of

# situations whose training examples teach the head nothing. A message that nothing answers looks like a question, and
# whether the articles answer is not for the head to say; small talk's examples hold thanks, a situation of its own now
UNTAUGHT = (UNKNOWN, "small-talk")


def detector_for(brand: Brand, guide: Guide, encoder: Encoder, home: Path) -> Detector:
    """What tells `guide`'s situations apart; learnt once, then kept.

    Its encoder remembers the messages: an edit of the prompts, too, costs only what is new in it.
    """
    said = messages_of(brand, guide.situations)
    head = kept(said, Bringing(brand.prompts, encoder), home / "situations" / brand.key)
    known = zip((message for _, message in said), head.vectors, strict=True) if head else ()
    return Detector(guide.situations, Remembering(encoder, dict(known)), head=head)


class Bringing:
    """Embeds what `folder` does not bring along (knowledge/brought.py), which is read only where a head is learnt."""

    def __init__(self, folder: Path, encoder: Encoder):
        self.fingerprint, self._folder, self._encoder = encoder.fingerprint, folder, encoder

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32, each row of length 1."""
        known = dict(zip(*brought(self._folder, self.fingerprint), strict=True))
        here = {text: known[key] for text in texts if (key := key_of(text)) in known}
        return Remembering(self._encoder, here).encode(texts)


def messages_of(brand: Brand, situations: Sequence[Situation]) -> list[tuple[str, str]]:
    """(situation, message): the utterances, and the customers' messages of the training examples.

    Not all examples teach: see UNTAUGHT, and an example may say so itself ("detect": false).
    """
    said, keys = _shown(situations), [one.key for one in situations]
    with suppress(ExampleError):  # no examples, or bad ones: training says so; the utterances remain
        for one in read_examples(brand.examples, keys):
            if one.detect and one.situation not in UNTAUGHT:
                said.append((one.situation, one.turns[-2][1]))
    return said


def detector_from(near: Detector, brand: Brand, situations: Sequence[Situation]) -> Detector:
    """A detector for `situations` that differ a little from those of `near`; nothing of it is kept."""
    head = near.head
    if _shown(situations) != _shown(tuple(near.situations.values())):  # the training examples are the same for both
        said = messages_of(brand, situations)
        head = learn(said, near.encoder, near.head) if enough(said) else None
    return Detector(situations, near.encoder, head=head)


def _shown(situations: Sequence[Situation]) -> list[tuple[str, str]]:
    """(situation, message): what the files themselves say."""
    said = [(one.key, utterance) for one in situations for utterance in one.utterances]
    return said + [counter for one in situations for counter in one.counter]


def main() -> None:
    """Write the brand's file of vectors (knowledge/brought.py)."""
    from chatbot.bot import open_embedder, open_guide
    from chatbot.settings import read_settings

    settings = read_settings()
    brand, guide = open_guide(settings)
    said, encoder = messages_of(brand, guide.situations), open_embedder(settings)
    texts = sorted({message for _, message in said}, key=key_of)
    vectors = Bringing(brand.prompts, encoder).encode(texts)
    write(brand.prompts, encoder.fingerprint, [key_of(text) for text in texts], vectors)
    print(f"{len(texts)} vectors of messages in {brand.prompts}")


if __name__ == "__main__":
    main()
