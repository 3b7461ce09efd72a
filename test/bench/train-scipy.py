"""The same cross-occurrence by scipy on one thread, as a peer of the training kernel.

    pip install numpy scipy
    node test/bench/train-kernel.ts --weights llr --dump FOLDER
    python3 test/bench/train-scipy.py FOLDER

Reads the pairs that the kernel's bench wrote: users x items of `purchase` and `view`. LLR of pairs above chance, the 50 best of
each item; prints seconds, CPU and memory. Only the arithmetic is timed, as there.
"""
import resource
import sys
import time

import numpy as np
import scipy.sparse as sp

FOLDER, KEEP, BLOCK = sys.argv[1], 50, 4000
pairs = [np.fromfile(f"{FOLDER}/{name}.u32", dtype="<u4").reshape(-1, 2) for name in ("purchase", "view")]
USERS = int(max(p[:, 0].max() for p in pairs)) + 1
ITEMS = int(max(p[:, 1].max() for p in pairs)) + 1
started, cpu = time.time(), time.process_time()


def matrix(rows):
    m = sp.csr_matrix((np.ones(len(rows), np.float32), (rows[:, 0], rows[:, 1])), shape=(USERS, ITEMS))
    m.sum_duplicates()
    m.data[:] = 1
    return m


def x_log_x(x):
    return x * np.log(np.where(x > 0, x, 1))


def cross_occurrence(a, b, same):
    transposed = a.T.tocsr()
    n = int((np.diff(a.indptr) > 0).sum())
    row_counts = np.diff(transposed.indptr).astype(float)
    column_counts = np.bincount(b.indices, minlength=ITEMS).astype(float)
    kept = 0
    for start in range(0, ITEMS, BLOCK):
        counts = (transposed[start : start + BLOCK] @ b).tocsr()
        rows = np.repeat(np.arange(start, min(ITEMS, start + BLOCK)), np.diff(counts.indptr))
        k11 = counts.data.astype(float)
        r, c = row_counts[rows], column_counts[counts.indices]
        k12, k21, k22 = r - k11, c - k11, n - r - c + k11
        llr = x_log_x(k11) + x_log_x(k12) + x_log_x(k21) + x_log_x(k22) + x_log_x(float(n))
        llr = 2 * (llr - x_log_x(r) - x_log_x(n - r) - x_log_x(c) - x_log_x(n - c))
        wanted = (k11 * k22 > k12 * k21) & ((rows != counts.indices) if same else True)
        llr = np.where(wanted, llr, -1).astype(np.float32)
        for q in range(len(counts.indptr) - 1):
            values = llr[counts.indptr[q] : counts.indptr[q + 1]]
            if len(values) > KEEP:
                values = np.partition(values, len(values) - KEEP)[-KEEP:]
            kept += int((values > 0).sum())
    return kept


purchase, view = matrix(pairs[0]), matrix(pairs[1])
keep = sp.diags((np.diff(purchase.indptr) > 0).astype(np.float32)) @ view
keep.eliminate_zeros()
kept = cross_occurrence(purchase, purchase, True) + cross_occurrence(purchase, keep.tocsr(), False)
seconds, used = time.time() - started, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(f'{{"seconds": {seconds:.2f}, "cpuSeconds": {used:.2f}, "vmHwmMb": {peak}, "kept": {kept}}}')
