#!/usr/bin/env python3
"""Write centroid/testdata/golden.json from PyTorch, scikit-learn and SciPy.

Needs MNIST, numpy, scipy, torch and scikit-learn (Debian: python3-numpy python3-scipy python3-torch python3-sklearn).
"""
import json
import pathlib
import sys

import numpy as np
import scipy
import sklearn
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (accuracy_score, adjusted_rand_score, confusion_matrix,
                             normalized_mutual_info_score, precision_recall_fscore_support,
                             silhouette_score)
from sklearn.metrics.cluster import contingency_matrix
from sklearn.neighbors import KNeighborsClassifier

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test"))
import goldens  # noqa: E402


def floats(a):
    """The values by their shortest decimals; float32 ones stay short that way."""
    return [float(str(v)) for v in np.asarray(a).ravel()]


def ints(a):
    return [int(v) for v in np.asarray(a).ravel()]


def nearest(x, labels, test):
    """Class means and predictions by both metrics."""
    x, test, y = torch.tensor(x), torch.tensor(test), torch.tensor(labels)
    classes = torch.unique(y)
    centers = torch.stack([x[y == c].double().mean(0) for c in classes]).float()
    euclidean = torch.cdist(test.double(), centers.double()).argmin(1)
    cosine = (F.normalize(test.double(), dim=1) @ F.normalize(centers.double(), dim=1).T).argmax(1)
    return {"x": floats(x), "rows": len(x), "labels": ints(labels), "test": floats(test),
            "test_rows": len(test), "classes": ints(classes), "centers": floats(centers),
            "euclidean": ints(classes[euclidean]), "cosine": ints(classes[cosine])}


def scores(a, b):
    """a: clusters, b: labels."""
    table = contingency_matrix(a, b)
    row, col = linear_sum_assignment(table, maximize=True)
    return {"a": ints(a), "b": ints(b), "nmi": float(normalized_mutual_info_score(b, a)),
            "ari": float(adjusted_rand_score(b, a)), "matched": int(table[row, col].sum())}


def kmeans(x, init, tol):
    k = KMeans(len(init), init=init, n_init=1, tol=tol, max_iter=300, algorithm="lloyd").fit(x)
    best = KMeans(len(init), n_init=10, tol=tol, random_state=0).fit(x)
    return {"x": floats(x), "rows": len(x), "init": floats(init), "k": len(init), "tol": tol,
            "centers": floats(k.cluster_centers_), "labels": ints(k.labels_),
            "inertia": float(k.inertia_), "best_inertia": float(best.inertia_)}


def knn(x, labels, test, k):
    """Votes of the k nearest, plain by the 2-norm and weighted by cosine, with the neighbours' lists."""
    x, test = x.astype(np.float64), test.astype(np.float64)
    plain = KNeighborsClassifier(k, algorithm="brute").fit(x, labels)
    weighted = KNeighborsClassifier(k, algorithm="brute", metric="cosine",
                                    weights=lambda d: np.exp((1 - d) / 0.07)).fit(x, labels)
    distance, index = weighted.kneighbors(test)
    return {"k": k, "labels": ints(labels), "euclidean": ints(plain.kneighbors(test, return_distance=False)),
            "plain": ints(plain.predict(test)), "cosine": ints(index), "similarity": floats(1 - distance),
            "weighted": ints(weighted.predict(test))}


def linear(x, labels, test, c):
    """Weights in softmax's form, rows that sum to 0; two classes have w / 2 and -w / 2."""
    m = LogisticRegression(C=c, tol=1e-12, max_iter=100000, solver="newton-cg").fit(x.astype(np.float64), labels)
    w, b = m.coef_, m.intercept_
    if len(w) == 1:
        w, b = np.vstack([-w, w]) / 2, np.hstack([-b, b]) / 2
    p = m.predict_proba(x.astype(np.float64))
    loss = -np.log(p[np.arange(len(x)), np.searchsorted(m.classes_, labels)]).sum()
    return {"x": floats(x), "rows": len(x), "labels": ints(labels), "test": floats(test), "c": c,
            "weights": floats(w), "intercepts": floats(b - b.mean()), "loss": float(loss / len(x)),
            "predicted": ints(m.predict(test.astype(np.float64)))}


def class_scores(predicted, labels):
    classes = np.union1d(predicted, labels)
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
    return {"predicted": ints(predicted), "labels": ints(labels), "classes": ints(classes), "precision": floats(precision),
            "recall": floats(recall), "f1": floats(f1), "support": ints(support)}


def mnist():
    x, y = goldens.idx("MNIST", "train-images-idx3-ubyte"), goldens.idx("MNIST", "train-labels-idx1-ubyte")
    tx, ty = goldens.idx("MNIST", "t10k-images-idx3-ubyte"), goldens.idx("MNIST", "t10k-labels-idx1-ubyte")
    x, tx = (torch.tensor(a.reshape(len(a), -1)).float() / 255 for a in (x, tx))
    y, ty = torch.tensor(y.astype(np.int64)), torch.tensor(ty.astype(np.int64))
    centers = torch.stack([x[y == c].mean(0) for c in range(10)])
    cosine = F.normalize(centers, dim=1).T
    k = KMeans(10, n_init=10, random_state=0).fit(tx.numpy())
    table = contingency_matrix(k.labels_, ty.numpy())
    row, col = linear_sum_assignment(table, maximize=True)
    return {"train_right": int((torch.cdist(x, centers).argmin(1) == y).sum()),
            "test_right": int((torch.cdist(tx, centers).argmin(1) == ty).sum()),
            "cosine_test_right": int(((F.normalize(tx, dim=1) @ cosine).argmax(1) == ty).sum()),
            "kmeans_test_inertia": float(k.inertia_),
            "kmeans_test_accuracy": float(table[row, col].sum() / len(ty))}


def write(folder):
    rng = np.random.default_rng(0)

    labels = rng.choice([-3, 5, 9, 1000], 60)
    x = (rng.normal(size=(60, 7)) + labels[:, None] % 7 * 0.3).astype(np.float32)
    test = np.vstack([rng.normal(size=(30, 7)), np.zeros((2, 7)), np.full((1, 7), 1e-20)]).astype(np.float32)
    zero = x.copy()
    zero[labels == 5] = 0

    groups = [scores(rng.integers(0, k, 80), rng.integers(0, m, 80)) for k, m in
              [(10, 10), (3, 10), (14, 4), (1, 5), (5, 1), (1, 1), (2, 2)]]
    b = rng.integers(0, 6, 90)
    groups += [scores((b * 7 + 3) % 11, b),
               scores(np.where(rng.random(90) < .8, b, rng.integers(0, 9, 90)), b),
               scores(np.arange(20), np.arange(20) % 3), scores(np.arange(20), np.arange(20))]

    predicted, truth = rng.integers(0, 5, 70), rng.integers(0, 5, 70)
    confusion = confusion_matrix(truth, predicted, labels=range(6))

    c = rng.normal(size=(5, 3)) * 3
    points = (c[rng.integers(0, 5, 300)] + rng.normal(size=(300, 3))).astype(np.float32)
    far = np.vstack([points[:3], [[40, 40, 40]]]).astype(np.float32)  # the last runs empty at once
    runs = [kmeans(points, points[:5], 0), kmeans(points, points[:5], 1e-2), kmeans(points, far, 0),
            kmeans((points + 1000).astype(np.float32), (points[:5] + 1000).astype(np.float32), 0)]

    groups3 = rng.choice([-3, 5, 9, 1000], 90)
    cloud = (rng.normal(size=(90, 5)) + groups3[:, None] % 7 * 0.4).astype(np.float32)
    skewed = (cloud * [1, 100, .01, 1, 1] + [0, 50, 3, 0, 0]).astype(np.float32)
    skewed[:, 3] = 7  # says nothing
    new = rng.normal(size=(40, 5)).astype(np.float32)
    pair = np.where(groups3 > 5, 1, 4)

    golden = {
        "versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__,
                     "torch": torch.__version__, "scikit-learn": sklearn.__version__},
        "nearest": [nearest(x, labels, test), nearest(zero, labels, test)],
        "scores": groups,
        "confusion": {"predicted": ints(predicted), "labels": ints(truth), "table": ints(confusion),
                      "accuracy": float(accuracy_score(truth, predicted)),
                      "per_class": floats(confusion.diagonal()[:5] / confusion.sum(1)[:5])},
        "kmeans": runs,
        "knn": [knn(cloud, groups3, new, k) for k in (1, 4, 20)],
        "linear": [linear(cloud, groups3, new, 1.0), linear(cloud, groups3, new, 0.01),
                   linear(skewed, groups3, (new * [1, 100, .01, 1, 1]).astype(np.float32), 1.0), linear(cloud, pair, new, 0.1)],
        "class_scores": [class_scores(predicted, truth), class_scores(predicted + 2, truth)],
        "silhouette": {"groups": ints(groups3), "x": floats(cloud),
                       "euclidean": float(silhouette_score(cloud.astype(np.float64), groups3)),
                       "cosine": float(silhouette_score(cloud.astype(np.float64), groups3, metric="cosine")),
                       "alone": float(silhouette_score(cloud[:20].astype(np.float64), np.minimum(np.arange(20), 7)))},
        "mnist": mnist(),
    }
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items())
    (folder / "golden.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    goldens.run(write, __file__)
