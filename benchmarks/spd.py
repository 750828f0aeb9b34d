"""Speed of the functions on covariance matrices, against pyRiemann's.

Both in this process, on the same arrays, with one BLAS thread; ours may spread matrices
over the cores, as a single caller's would. The two take turns, and the ratio is that of
their fastest runs. The numbers of both are compared, and the script exits with an error
if they differ or if a ratio is below its goal.

With ``--gpu``, the mean on the device against pyRiemann's on the processor.
"""

import sys
import time

import numpy as np
from pyriemann.geometry.covariance import covariances
from pyriemann.geometry.distance import distance
from pyriemann.geometry.mean import gmean
from pyriemann.geometry.tangentspace import tangent_space
from tables import show, write_table
from threadpoolctl import threadpool_limits

from neurodec import spd

SEED = 42
TURNS = 5
TOLERANCE = 1e-8  # Of the mean's gradient, pyRiemann's default.


def signals(n_trials, n_channels, n_times, rng):
    """Mixed sources of unequal strength, which changes from trial to trial."""
    mixing = np.eye(n_channels) + 0.3 * rng.standard_normal((n_channels, n_channels))
    strength = np.exp(rng.uniform(-2, 2, n_channels))
    strength = strength * np.exp(0.3 * rng.standard_normal((n_trials, n_channels)))
    return mixing @ (
        strength[..., None] * rng.standard_normal((n_trials, n_channels, n_times))
    )


def fastest(functions, turns=TURNS):
    """Fastest time and last result of each function; they take turns."""
    times, results = np.full(len(functions), np.inf), [None] * len(functions)
    for _ in range(turns):
        for i, function in enumerate(functions):
            started = time.perf_counter()
            results[i] = function()
            times[i] = min(times[i], time.perf_counter() - started)
    return times, results


def cases(rng):
    """What, shape, pyRiemann's call, our call, the ratio to reach."""
    for shape in ((1000, 64, 251), (288, 22, 1001)):
        X = signals(*shape, rng)
        for estimator, goal in (("oas", 6), ("lwf", None), ("sch", None)):
            yield (
                f"covariances, {estimator}", shape, goal,
                lambda X=X, e=estimator: covariances(X, e),
                lambda X=X, e=estimator: spd.covariances(X, e),
            )  # fmt: skip
    for n, goal in ((288, 2.5), (1000, 2.5)):
        C = spd.covariances(signals(n, 64, 251, rng), "oas")
        yield (
            "Riemannian mean", C.shape, goal,
            lambda C=C: gmean(C, metric="riemann", tol=TOLERANCE),
            lambda C=C: spd.gmean(C, tol=TOLERANCE),
        )  # fmt: skip
        reference = spd.gmean(C, "logeuclid")
        yield (
            "tangent space", C.shape, 2,
            lambda C=C, R=reference: tangent_space(C, R),
            lambda C=C, R=reference: spd.tangent_space(C, R),
        )  # fmt: skip
        yield (
            "distances to one", C.shape, None,
            lambda C=C, R=reference: distance(C, R).ravel(),
            lambda C=C, R=reference: spd.distance(C, R),
        )  # fmt: skip


def main():
    """Time all cases, write the table, fail where a goal is missed."""
    rng = np.random.default_rng(SEED)
    columns = ["what", "shape", "pyRiemann (ms)", "neurodec (ms)", "ratio", "goal"]
    columns.append("largest relative difference")
    table, missed = [], []
    with threadpool_limits(1):
        for what, shape, goal, theirs, ours in cases(rng):
            (slow, fast), (expected, found) = fastest([theirs, ours])
            difference = np.abs(found - expected).max() / np.abs(expected).max()
            table.append(
                [what, " x ".join(map(str, shape)), f"{1e3 * slow:.1f}",
                 f"{1e3 * fast:.1f}", f"{slow / fast:.1f}", goal or "",
                 f"{difference:.0e}"]
            )  # fmt: skip
            if difference > 1e-6 or (goal and slow / fast < goal):
                missed.append(f"{what} {shape}")
    show(columns, table)
    write_table(
        "spd",
        "Speed on covariance matrices",
        "Against pyRiemann in the same process, on the same arrays: one BLAS thread "
        f"for both, the fastest of {TURNS} runs each, taking turns. neurodec spreads "
        "matrices over the two cores of the machine. The mean stops at the same norm "
        "of the gradient.",
        columns,
        table,
    )
    if missed:
        sys.exit(f"below the goal, or other numbers: {', '.join(missed)}")


def on_device():
    """The mean of 1000 matrices on a GPU, against pyRiemann on the processor."""
    import torch

    rng = np.random.default_rng(SEED)
    C = spd.covariances(signals(1000, 64, 251, rng), "oas")
    on_gpu = torch.from_numpy(C).cuda()

    def ours():
        found = spd.gmean(on_gpu, tol=TOLERANCE)
        torch.cuda.synchronize()
        return found

    with threadpool_limits(1):
        theirs = lambda: gmean(C, metric="riemann", tol=TOLERANCE)  # noqa: E731
        (slow, fast), (expected, found) = fastest([theirs, ours], 3)
    difference = np.abs(found.cpu().numpy() - expected).max() / np.abs(expected).max()
    print(
        f"{torch.cuda.get_device_name()}: {1e3 * slow:.1f} ms on the processor, "
        f"{1e3 * fast:.1f} ms here, ratio {slow / fast:.1f}, "
        f"difference {difference:.0e}"
    )


if __name__ == "__main__":
    on_device() if "--gpu" in sys.argv else main()
