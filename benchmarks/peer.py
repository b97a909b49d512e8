"""One peer on one data set, in a process of its own: `python peer.py PEER JOB ANSWER`, called by peers.py.

Neither this nor rivals.py imports Rubricator, so that a peer whose dependencies exclude Rubricator's can run
in an environment of its own. JOB and ANSWER are JSON files.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import random
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rivals import PEERS, Task


def main() -> None:
    name, given, written = sys.argv[1:]
    peer = PEERS[name]
    if importlib.util.find_spec(peer.module) is None:
        answer: dict[str, Any] = {"status": "not installed"}
    else:
        answer = answered(name, json.loads(Path(given).read_text(encoding="utf-8")))
    Path(written).write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")


def answered(name: str, job: dict[str, Any]) -> dict[str, Any]:
    """Predictions for the tested texts of every split, seconds, versions and what the peer has to say."""
    texts, labels, splits = job.pop("texts"), job.pop("labels"), job.pop("splits")
    peer, task = PEERS[name], Task(**job)
    seed_all(task)
    predictions = []
    for train, test in splits:
        known = ([texts[row] for row in train], [labels[row] for row in train])
        predictions.append(peer.work(task, *known, [texts[row] for row in test]))
    return {
        "status": "ok",
        "predictions": predictions,
        "train_seconds": round(task.seconds["train"], 1),
        "predict_seconds": round(task.seconds["predict"], 2),
        "versions": {package: version(package) for package in peer.packages},
        "notes": task.notes,
    }


def seed_all(task: Task) -> None:
    """Seeds, as many threads as told; no warnings, no look-ups on a hub."""
    logging.disable(logging.WARNING)
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    random.seed(task.seed)
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(task.threads)
        torch.manual_seed(task.seed)


if __name__ == "__main__":
    main()
