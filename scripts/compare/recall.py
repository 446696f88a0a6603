#!/usr/bin/env python3
"""What approximate neighbours cost a map: KL and neighbours kept by maps of exact and of incomplete neighbour lists.

    make && python3 scripts/compare/recall.py --seeds 0,1,2

20,000 of MNIST's images, one start (principal components with 1 % of noise) a seed. A recall below 1 is made by
leaving out that share of each row's 91 exact neighbours at random, which is worse than what a search
misses: those are mostly far ones. `approximate` is latent's own search. All maps are judged against the exact P.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
ROOT = os.path.join(HERE, "..", "..")
RECALLS = [1, 0.98, 0.95, 0.9, 0.8]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "latent"), help="the latent command")
    parser.add_argument("--data", default=os.path.join(ROOT, "data"), help="folder of the data sets")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated")
    args = parser.parse_args()
    try:
        import numpy as np
        from sklearn.decomposition import PCA
        from sklearn.neighbors import NearestNeighbors
    except ImportError as err:
        sys.exit("recall.py needs NumPy and scikit-learn: %s" % err)
    from schedules import idx

    pixels = idx(os.path.join(args.data, "MNIST", "raw", "train-images-idx3-ubyte"), 16)
    if pixels is None:
        sys.exit("MNIST is missing in %s: run `latent data`, or give --data DIR" % args.data)
    x = (pixels.reshape(-1, 784)[::3] / np.float32(255)).astype(np.float32)
    distances, indices = NearestNeighbors(n_neighbors=91, algorithm="brute").fit(x).kneighbors()
    start = PCA(2, random_state=0).fit_transform(x)
    start = start / start[:, 0].std() * 1e-4
    print("| seed | neighbours | KL | 10 neighbours kept |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        file = lambda name: os.path.join(folder, name)  # noqa: E731
        np.save(file("x.npy"), x)
        for seed in map(int, args.seeds.split(",")):
            r = np.random.default_rng(seed)
            np.save(file("y0.npy"), (start + r.normal(size=start.shape) * 1e-6).astype(np.float32))
            for way in [*RECALLS, "approximate"]:
                if way == "approximate":
                    neighbors = ["--neighbors", way]
                else:
                    known = np.where(r.random(indices.shape) < way, indices, -1)
                    np.savez(file("knn.npz"), indices=known, distances=distances)
                    neighbors = ["--knn", file("knn.npz")]
                subprocess.run([args.binary, "tsne", "--quiet", "--input", file("x.npy"), "--init", file("y0.npy"), "-o", file("y.npy"), *neighbors], check=True)
                judged = json.loads(subprocess.run(["go", "run", "./scripts/compare/judge_tsne", "--input", file("x.npy"), file("y.npy")],
                                                   cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)
                print("| %d | %s | %.4f | %.4f |" % (seed, "recall %g" % way if way != "approximate" else way, judged["kl"], judged["neighbors_kept"]), flush=True)


if __name__ == "__main__":
    main()
