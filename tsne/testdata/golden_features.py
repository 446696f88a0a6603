"""The goldens of golden.py that openTSNE has a part in: features.json, knn.npz, csr.npz and model.npz.

Needs scikit-learn and openTSNE (1.9.1 and 1.0.4 made the stored ones). Rows are the 100 slightly
shifted digits of golden.json. P of the cosine metric is scikit-learn's; P of several perplexities, of
uniform affinities, and KL and gradient with a degree of freedom are openTSNE's.
"""
import json
import os

import numpy as np
import openTSNE
import scipy.sparse as sp
import sklearn
from openTSNE import affinity
from openTSNE.tsne import kl_divergence_bh
from sklearn.datasets import load_digits
from sklearn.manifold._t_sne import _joint_probabilities_nn
from sklearn.neighbors import NearestNeighbors

ROWS = 100


class Index:
    """Exact neighbours for openTSNE's affinities."""

    def __init__(self, x, k):
        self.distances, self.neighbors = NearestNeighbors(n_neighbors=k).fit(x).kneighbors()
        self.k, self.n_samples = k, len(x)

    def build(self):
        return self.neighbors, self.distances


def sparse(p):
    p = sp.csr_matrix(p)
    p.sort_indices()
    return {"start": p.indptr.tolist(), "columns": p.indices.tolist(), "p": [float("%.9g" % v) for v in p.data]}


def write(out):
    shift = (np.arange(ROWS * 64) * 37 % 101).reshape(ROWS, 64) / 1000
    x = (load_digits().data[:ROWS] + shift).astype(np.float32)

    cosine = NearestNeighbors(n_neighbors=31, metric="cosine").fit(x.astype(np.float64)).kneighbors_graph(mode="distance")
    cosine.data **= 2
    wide = Index(x, 61)
    golden = {
        "made_by": "tsne/testdata/golden.py",
        "versions": {"numpy": np.__version__, "sklearn": sklearn.__version__, "openTSNE": openTSNE.__version__},
        "cosine": sparse(_joint_probabilities_nn(cosine, 10, 0)),
        "multiscale": sparse(affinity.Multiscale._calculate_P(wide.neighbors, wide.distances, [5, 20])),
        "uniform": sparse(affinity.Uniform(k_neighbors=15, symmetrize="mean", knn_index=Index(x, 15)).P),
    }

    y = np.random.RandomState(7).normal(scale=3, size=(ROWS, 2)).astype(np.float32)
    p = affinity.Multiscale._calculate_P(*Index(x, 31).build(), [10])
    golden["y"] = [float(v) for v in y.ravel()]
    golden["alpha"] = {}
    for alpha in (0.5, 0.8, 2.0):
        kl, gradient = kl_divergence_bh(y.astype(np.float64), p, alpha, {"theta": 0.0}, should_eval_error=True)
        golden["alpha"][str(alpha)] = {"kl": float(kl), "gradient": [float("%.7g" % (4 * v)) for v in gradient.ravel()]}
    with open(os.path.join(out, "features.json"), "w") as f:
        json.dump(golden, f)
        f.write("\n")

    # The 31 nearest rows as other programs give them: each row itself first, float64, one repeated, some missing.
    distances, indices = NearestNeighbors(n_neighbors=32).fit(x).kneighbors(x)
    indices, distances = np.c_[indices, indices[:, 5], np.full(ROWS, -1)], np.c_[distances, distances[:, 5], np.full(ROWS, np.inf)]
    order = np.random.RandomState(0).permutation(indices.shape[1])
    np.savez_compressed(os.path.join(out, "knn.npz"), indices=indices[:, order], distances=distances[:, order])
    graph = NearestNeighbors(n_neighbors=31).fit(x).kneighbors_graph(mode="distance")
    sp.save_npz(os.path.join(out, "csr.npz"), graph)

    # A model as Embedding.Save documents it, by NumPy.
    np.savez(os.path.join(out, "model.npz"), format="latent t-SNE embedding", version=1, embedding=y, data=x, metric="cosine",
             theta=0.5, alpha=0.8, kl=1.5, iterations=10, stop="iterations", seconds=0.25, seconds_neighbors=0.125)
