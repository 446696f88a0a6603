"""The .npz files of golden.py, by NumPy and SciPy (2.4.6 and 1.17.1 made the stored ones); the tests know their numbers."""
import numpy as np
import scipy.sparse as sp



def write(out):
    indices = np.array([[1, 2], [0, -1], [1, 0], [2, 1]])
    distances = np.array([[0.5, 1.5], [0.5, np.inf], [1, 1.5], [2, 2.25]])
    texts = {"name": np.array("nächste"), "code": np.array(b"csr"), "number": np.float64(0.25), "count": np.int64(7)}
    np.savez(out / "plain.npz", indices=indices, distances=distances, **texts)
    np.savez_compressed(out / "compressed.npz", indices=indices.astype(np.int32), distances=distances.astype(np.float32), **texts)
    np.savez(out / "refused.npz", fortran=np.asfortranarray(np.zeros((2, 3, 4))), turned=np.asfortranarray(distances), objects=np.array([{}], dtype=object), wide=np.array([2**31]),
             unsigned=np.array([2**64 - 1], np.uint64), empty=np.zeros((0, 3)), big=np.arange(3, dtype=">f4"), fraction=np.array([0.5]),
             long=np.array("x" * 5000))
    sp.save_npz(out / "csr.npz", sp.csr_matrix(([0.5, 1.5, 0.5, 1.0], ([0, 0, 1, 2], [1, 2, 0, 1])), shape=(3, 3)))
    np.savez_compressed(out / "zeros.npz", x=np.zeros(1 << 23, np.float32))
