#!/usr/bin/env python3
"""Classifies scikit-learn's tables with latent and with scikit-learn on the same split, and compares the accuracies.

    make && python3 scripts/compare/owndata.py

Wine, breast cancer and digits are written as CSV, a fifth of the rows to test, and classified as standardised rows
by `latent train --input` and `latent classify`: nearest centroid, k nearest neighbours, logistic regression. Beside them
stand scikit-learn's StandardScaler with the same classifiers, and PCA with nearest centroid as a baseline of
what a latent space may give. Fails where a pair differs by more than 0.5 points.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "latent"), help="the latent command")
    parser.add_argument("--epochs", type=int, default=50, help="of the autoencoder whose latents are shown too")
    args = parser.parse_args()
    try:
        from sklearn.datasets import load_breast_cancer, load_digits, load_wine
        from sklearn.decomposition import PCA
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import train_test_split
        from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as err:
        sys.exit("owndata.py needs scikit-learn: %s" % err)
    worst = 0
    print("| table, method | latent, % | scikit-learn, % | latent's latents, % |\n| --- | --- | --- | --- |")
    for name, load in (("wine", load_wine), ("breast cancer", load_breast_cancer), ("digits", load_digits)):
        frame = load(as_frame=True).frame
        rows, held = train_test_split(frame, test_size=0.2, random_state=0, stratify=frame["target"])
        x, y, xt, yt = (*split(rows), *split(held))
        with tempfile.TemporaryDirectory() as folder:
            train, test, run = (os.path.join(folder, f) for f in ("train.csv", "test.csv", "run"))
            rows.to_csv(train, index=False)
            held.to_csv(test, index=False)
            subprocess.run([args.binary, "train", "--quiet", "--input", train, "--label-column", "target", "--test-input", test,
                            "--scale", "standard", "--encoder-widths", "64,8", "--decoder-widths", "64", "--batch-size", "32",
                            "--epochs", str(args.epochs), "--out", run], check=True, stdout=subprocess.DEVNULL)
            for method, peer in (("centroid", NearestCentroid()), ("knn", KNeighborsClassifier(20)), ("linear", LogisticRegression(max_iter=1000))):
                said = json.loads(subprocess.run([args.binary, "classify", "--quiet", "--json", "--run", run, "--method", method],
                                                 check=True, stdout=subprocess.PIPE, text=True).stdout)
                if method == "knn":  # plain votes are scikit-learn's
                    said = next(v for v in said["variants"] if v["name"] == "knn 20, euclidean")
                ours, latents = (100 * said["accuracy"][s]["test"] for s in ("original", "latent"))
                theirs = 100 * make_pipeline(StandardScaler(), peer).fit(x, y).score(xt, yt)
                worst = max(worst, abs(ours - theirs))
                print("| %s, %s | %.2f | %.2f | %.2f |" % (name, method, ours, theirs, latents))
        pca = make_pipeline(StandardScaler(), PCA(8, random_state=0), NearestCentroid()).fit(x, y).score(xt, yt)
        print("| %s, PCA to 8 and nearest centroid | | %.2f | |" % (name, 100 * pca))
    if worst > 0.5:
        sys.exit("differs by %.2f points" % worst)


def split(frame):
    return frame.drop(columns="target").to_numpy(), frame["target"].to_numpy()


if __name__ == "__main__":
    main()
