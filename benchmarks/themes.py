"""How far themes found without labels agree with the categories that people gave.

    python benchmarks/themes.py --json benchmarks/results/themes.json

Adjusted mutual information (Vinh, Epps and Bailey, 2010) on texts with one golden category: 0 is what chance
gives, 1 is the same division. k-means of as many groups as there are categories stands beside it: it is told
what the themes have to find out.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from machine import ROOT, arguments, write

from rubricator.config import read_config
from rubricator.encode.vectors import encode_texts
from rubricator.explore.directions import directions
from rubricator.explore.themes import find_themes
from rubricator.pipeline.read import read
from rubricator.taxonomy import Taxonomy

DATA_SETS = ("sib200", "news", "reviews")


def measured(name: str, *, encoder: str, seed: int) -> dict[str, Any]:
    """Find the themes of one data set and compare them with its golden labels."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_mutual_info_score

    config = read_config(ROOT / "benchmarks/real" / f"{name}.yaml")
    taxonomy = Taxonomy.read(config.path(config.taxonomy))
    dataset = read(config, taxonomy)
    vectors = encode_texts(dataset.texts, config, encoder=encoder)
    ids, contents = [text.id for text in dataset.texts], [text.content for text in dataset.texts]
    started = time.monotonic()
    themes = find_themes(ids, contents, vectors, seed=seed)
    seconds = time.monotonic() - started
    golden = {row: dataset.golden.get(text_id, ()) for row, text_id in enumerate(ids)}
    single = {row: own[0] for row, own in golden.items() if len(own) == 1}
    rows, truth = list(single), list(single.values())
    told = KMeans(len(taxonomy.keys), n_init=5, random_state=seed).fit_predict(directions(vectors, seed=seed))
    return {
        "data": name,
        "texts": len(ids),
        "compared": len(rows),
        "categories": len(taxonomy.keys),
        "themes": len(themes.found),
        "ami": round(float(adjusted_mutual_info_score(truth, themes.of_text[rows])), 3),
        "ami_k_means": round(float(adjusted_mutual_info_score(truth, np.asarray(told)[rows])), 3),
        "seconds": round(seconds, 1),
        "titles": [theme.title for theme in themes.found],
    }


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--encoder", default="second", help="which encoder of the config (default: second)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = []
    for name in DATA_SETS:
        rows.append(measured(name, encoder=options.encoder, seed=options.seed))
        row = rows[-1]
        print(
            f"{name:<9}{row['texts']:>7,} texts {row['themes']:>3} themes, {row['categories']} categories  "
            f"AMI {row['ami']:.3f} on {row['compared']:,} texts, k-means {row['ami_k_means']:.3f}",
            flush=True,
        )
    write(options.json, {"rows": rows})


if __name__ == "__main__":
    main()
