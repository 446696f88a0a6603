#!/usr/bin/env python3
"""Writes the goldens of package tsne, tsne/testdata/: digits.gz, golden.json and, by golden_features.py, those of openTSNE.

Needs scikit-learn and openTSNE (1.9.1 and 1.0.4 made the files that are kept). digits.gz holds its digits set,
1797 rows of 64 bytes. golden.json holds what scikit-learn computes from it: P of the first
100 rows, slightly shifted, KL and gradient at a random Y, the PCA start, and the final KL of the whole set.
"""
import gzip
import json
import pathlib
import sys

import numpy as np
import scipy.sparse
import sklearn
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.manifold._t_sne import _joint_probabilities_nn, _kl_divergence_bh
from sklearn.neighbors import NearestNeighbors

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test"))
import golden_features  # noqa: E402
import goldens  # noqa: E402

ROWS, PERPLEXITY = 100, 10


def joint(x, perplexity):
    k = min(len(x) - 1, int(3 * perplexity + 1))
    d = NearestNeighbors(n_neighbors=k).fit(x).kneighbors_graph(mode="distance")
    d.data **= 2
    p = _joint_probabilities_nn(d, perplexity, 0)
    p.sort_indices()
    return p


def write(folder):
    digits = load_digits().data
    (folder / "digits.gz").write_bytes(gzip.compress(digits.astype(np.uint8).tobytes(), mtime=0))
    x = digits.astype(np.float32)

    # A small shift of each value, so that no two distances are equal.
    shift = (np.arange(ROWS * 64) * 37 % 101).reshape(ROWS, 64) / 1000
    p = joint((digits[:ROWS] + shift).astype(np.float32), PERPLEXITY)
    y = np.random.RandomState(7).normal(scale=3, size=(ROWS, 2)).astype(np.float32)
    kl, grad = _kl_divergence_bh(y.ravel(), p.copy(), 1, ROWS, 2, angle=0.0)

    pca = PCA(n_components=2, random_state=3).fit_transform(x)
    pca = pca / np.std(pca[:, 0]) * 1e-4
    final = {}
    for seed in range(3):
        final[str(seed)] = float(TSNE(random_state=seed).fit(x).kl_divergence_)
    exact = float(TSNE(random_state=0, method="exact").fit(x[:500]).kl_divergence_)
    golden = {
        "made_by": "tsne/testdata/golden.py",
        "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "sklearn": sklearn.__version__,
                     "scipy": scipy.__version__},
        "rows": ROWS, "perplexity": PERPLEXITY,
        "start": p.indptr.tolist(), "columns": p.indices.tolist(), "p": [float("%.9g" % v) for v in p.data],
        "y": [float(v) for v in y.ravel()],
        "kl": float(kl), "gradient": [float("%.7g" % v) for v in grad],
        "pca": [[float("%.8g" % v) for v in row] for row in pca[:20]],
        "digits_kl": final, "digits_500_exact_kl": exact,
    }
    (folder / "golden.json").write_text(json.dumps(golden, indent=0) + "\n")
    golden_features.write(folder)


if __name__ == "__main__":
    # A map of the whole set grows the last bit of its start, which differs from one CPU to another.
    goldens.run(write, __file__, below={"digits_kl": 1e-3, "digits_500_exact_kl": 1e-3})
