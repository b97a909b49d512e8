"""Reviews that lie in other runs of the same texts."""

from __future__ import annotations

from pathlib import Path

from rubricator.dataset import files
from rubricator.errors import StoreError
from rubricator.pipeline.label import open_store
from rubricator.pipeline.stage import RUNS, Run
from rubricator.review.reviews import newer, stored_reviews


def reviews_elsewhere(run: Run) -> dict[Path, int]:
    """How many texts of this run have reviews in another run that this one has not, by the folder of the run.

    Looked for are the runs beside this one and those in `runs`, where they lie by default.

    Raises:
        StoreError: The database of this run refused.
    """
    own = (run.folder / files.ANSWERS).resolve()
    beside = {
        place.resolve(): place
        for folder in (Path(RUNS), run.folder.parent)
        for place in sorted(folder.glob(f"*/{files.ANSWERS}"))
        if place.resolve() != own
    }
    if not beside:
        return {}
    from rubricator.store import Store  # half a second to import

    texts, counts = files.read_dataset(run.folder).texts, {}
    with open_store(run) as store:
        for place in beside.values():
            try:
                with Store.open(place) as other:
                    answers = stored_reviews(other, texts, run.taxonomy)
            except StoreError:  # of another version, or busy: it is not this run's
                continue
            if new := newer(answers, store.find(list(answers))):
                counts[place.parent] = len(new)
    return counts
