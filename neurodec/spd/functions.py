"""Functions of symmetric positive definite matrices, through their eigenvalues."""

from ._arrays import check_definite, check_matrices, eigh, symmetric


def sqrtm(X):
    """Symmetric square root of each matrix.

    Parameters
    ----------
    X : array, shape (..., n, n)
        Positive definite, NumPy or torch.

    Returns
    -------
    root : array, shape (..., n, n)

    Raises
    ------
    ValueError
        If a matrix is not finite or not positive definite; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> sqrtm(np.diag([4.0, 9.0])).round(12).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    return powm(X, 0.5)


def invsqrtm(X):
    """Inverse of the symmetric square root of each matrix; see :func:`sqrtm`.

    Examples
    --------
    >>> import numpy as np
    >>> invsqrtm(np.diag([4.0, 16.0])).round(12).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return powm(X, -0.5)


def powm(X, power):
    """Real power of each matrix.

    Parameters
    ----------
    X : array, shape (..., n, n)
        Positive definite, NumPy or torch.
    power : float

    Returns
    -------
    raised : array, shape (..., n, n)

    Raises
    ------
    ValueError
        If a matrix is not finite or not positive definite; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> powm(np.diag([2.0, 3.0]), -1).round(3).tolist()
    [[0.5, 0.0], [0.0, 0.333]]
    """
    return _through_eigenvalues(X, lambda values, xp: values**power)


def logm(X):
    """Symmetric logarithm of each matrix.

    Parameters
    ----------
    X : array, shape (..., n, n)
        Positive definite, NumPy or torch.

    Returns
    -------
    logarithm : array, shape (..., n, n)
        Symmetric, of any sign.

    Raises
    ------
    ValueError
        If a matrix is not finite or not positive definite; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> logm(np.eye(2)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    return _through_eigenvalues(X, lambda values, xp: xp.log(values))


def expm(X):
    """Exponential of each symmetric matrix, of any sign; undoes :func:`logm`.

    Parameters
    ----------
    X : array, shape (..., n, n)
        Symmetric, NumPy or torch.

    Returns
    -------
    exponential : array, shape (..., n, n)
        Positive definite.

    Raises
    ------
    ValueError
        If a matrix is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> expm(np.zeros((2, 2))).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    xp = check_matrices(X)
    values, vectors = eigh(X, xp)
    return symmetric((vectors * xp.exp(values)[..., None, :]) @ vectors.mT)


def nearest_spd(X, floor=1e-6):
    """Nearest symmetric matrix whose eigenvalues are not below a floor.

    Parameters
    ----------
    X : array, shape (..., n, n)
        Square, real; its symmetric part counts.
    floor : float, default=1e-6
        Smallest eigenvalue of the result, as a share of the largest.

    Returns
    -------
    nearest : array, shape (..., n, n)
        Nearest in the Frobenius norm [1]_.

    Raises
    ------
    ValueError
        If a matrix has no positive eigenvalue, or the floor is not in (0, 1).

    References
    ----------
    .. [1] Higham (1988), Computing a nearest symmetric positive semidefinite matrix.

    Examples
    --------
    >>> import numpy as np
    >>> nearest_spd(np.diag([2.0, -1.0]), floor=0.1).tolist()
    [[2.0, 0.0], [0.0, 0.2]]
    """
    xp = check_matrices(X)
    if not 0 < floor < 1:
        raise ValueError(f"floor is {floor!r}; give a share between 0 and 1.")
    values, vectors = eigh(symmetric(X), xp)
    largest = values[..., -1:]
    if bool(xp.any(largest <= 0)):
        raise ValueError(
            f"the largest eigenvalue is {float(xp.min(largest)):.3g}; no positive "
            "definite matrix is near, check the sign."
        )
    return symmetric(
        (vectors * xp.maximum(values, floor * largest)[..., None, :]) @ vectors.mT
    )


def _through_eigenvalues(X, function):
    xp = check_matrices(X)
    values, vectors = eigh(X, xp)
    check_definite(values, xp)
    return symmetric((vectors * function(values, xp)[..., None, :]) @ vectors.mT)
