"""What all functions of this room share: backends, checks, eigenvalues."""

import numpy as np
from array_api_compat import array_namespace, is_numpy_array

from ._threads import run, split


def check_matrices(X, name="X", ndim=2):
    """The namespace of square, finite, real matrices.

    Raises
    ------
    ValueError
        If they are none; the message names the matrix and the remedy.
    """
    try:
        xp = array_namespace(X)
    except TypeError as error:
        raise ValueError(
            f"{name} is {type(X).__name__}; give a NumPy or torch array."
        ) from error
    if X.ndim < ndim or X.shape[-1] != X.shape[-2]:
        raise ValueError(
            f"{name} has shape {tuple(X.shape)}; give matrices of shape (..., n, n)"
            + (" and several of them." if ndim > 2 else ".")
        )
    if not xp.isdtype(X.dtype, "real floating"):
        raise ValueError(
            f"{name} holds {X.dtype}; give real matrices of float64 or float32 "
            "(pyriemann.geometry takes complex ones)."
        )
    finite = xp.all(xp.isfinite(X), axis=(-2, -1))
    if not bool(xp.all(finite)):
        raise ValueError(
            f"{name}: matrix {_first(~finite)} holds NaN or infinity; drop that trial."
        )
    return xp


def eigh(X, xp):
    """Eigenvalues and eigenvectors; chunks over threads for NumPy."""
    if not is_numpy_array(X) or X.ndim != 3:
        return xp.linalg.eigh(X)
    chunks = split(len(X), 10 * X.shape[-1] ** 3)
    if len(chunks) == 1:
        return run(np.linalg.eigh, [X])[0]
    parts = run(lambda chunk: np.linalg.eigh(X[chunk]), chunks)
    values, vectors = zip(*parts, strict=True)
    return np.concatenate(values), np.concatenate(vectors)


def check_definite(eigenvalues, xp, name="matrix", first=0):
    """Refuse matrices that are not positive definite to working precision.

    Parameters
    ----------
    eigenvalues : array, shape (..., n)
        Ascending.
    first : int, default=0
        Number of the first matrix, where they are a chunk of several.

    Raises
    ------
    ValueError
        Naming the first such matrix, its rank and the remedy.
    """
    n = eigenvalues.shape[-1]
    largest = xp.max(xp.abs(eigenvalues), axis=-1)
    floor = n * xp.finfo(eigenvalues.dtype).eps * largest
    definite = eigenvalues[..., 0] > floor
    if bool(xp.all(definite)):
        return
    where = _first(~definite)
    values = eigenvalues[where] if where != () else eigenvalues
    floor = floor[where] if where != () else floor
    rank = int(xp.sum(xp.astype(values > floor, xp.int64)))
    if where != ():
        name = f"{name} {', '.join(map(str, (where[0] + first, *where[1:])))}"
    if bool(values[0] < -floor):
        raise ValueError(
            f"{name} has a negative eigenvalue ({float(values[0]):.3g}); a covariance "
            "has none, use nearest_spd if rounding made it."
        )
    raise ValueError(
        f"{name} has rank {rank} of {n} (average reference, or fewer samples than "
        "channels?); use estimator='oas' or drop a channel."
    )


def symmetric(X):
    """Symmetric part: products of matrices are symmetric up to rounding only."""
    return (X + X.mT) / 2


def check_weights(weights, n, xp, like):
    """Weights of ``n`` matrices that sum to one, in the type and place of ``like``.

    Raises
    ------
    ValueError
        If their number is wrong, one is negative or not finite, or all are zero.
    """
    if weights is None:
        return xp.full((n,), 1 / n, dtype=like.dtype, device=like.device)
    plain = np.asarray(weights, dtype=np.float64)
    if plain.shape != (n,):
        raise ValueError(
            f"weights have shape {plain.shape}; give one for each of {n} matrices."
        )
    if not np.isfinite(plain).all() or plain.min() < 0 or plain.sum() == 0:
        raise ValueError(
            f"weights lie in [{plain.min():g}, {plain.max():g}]; give finite numbers "
            "from 0, not all of them 0."
        )
    plain = plain / plain.sum()
    return xp.asarray(plain, dtype=like.dtype, device=like.device)


def _first(mask):
    """Index of the first true element, as a tuple of int."""
    mask = np.asarray(mask.cpu() if hasattr(mask, "cpu") else mask)
    if mask.ndim == 0:
        return ()
    return tuple(int(i) for i in np.argwhere(mask)[0])
