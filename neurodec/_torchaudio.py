"""Make ``import braindecode`` work where torchaudio's compiled library does not load.

braindecode imports torchaudio, whose import fails when its compiled library was built
for another torch: ``OSError`` beside a CPU torch or a newer torch, ``RuntimeError``
beside a torch built for another CUDA. torchaudio can do without that library, in pure
Python, but takes that road only where the library's file is missing.
:func:`ensure_torchaudio` leads it there, in memory: no file is touched.
"""

import functools
import importlib
import logging
import sys

_LOG = logging.getLogger(__name__)


def ensure_torchaudio():
    """Import torchaudio, in pure Python where its compiled library does not load.

    Does nothing more than ``import torchaudio`` where the compiled library loads.
    Calling it again, or after torchaudio was imported elsewhere, is harmless.

    Returns
    -------
    kind : {"compiled", "python"}
        What torchaudio's functions run on. With ``"python"``, recursive filters
        (``lfilter``, ``filtfilt``) give the same numbers and gradients but take a
        step of Python per sample; ``forced_align`` and ``rnnt_loss``, which have no
        Python version, raise when called.

    Raises
    ------
    ImportError
        If torchaudio is not installed, or fails for another reason than its
        compiled library.

    Examples
    --------
    >>> from neurodec._torchaudio import ensure_torchaudio
    >>> ensure_torchaudio() in ("compiled", "python")
    True
    """
    try:
        torchaudio = importlib.import_module("torchaudio")
    except Exception as error:
        if not _is_library_at_fault():
            raise ImportError(_explain(error)) from error
        _LOG.info("torchaudio falls back to pure Python: %s", error)
        torchaudio = _import_without_library()
    if getattr(torchaudio._extension, "_IS_TORCHAUDIO_EXT_AVAILABLE", True):
        return "compiled"
    _repair_lfilter_gradient()
    return "python"


def import_braindecode():
    """Import braindecode, after :func:`ensure_torchaudio`.

    Returns
    -------
    braindecode : module
        The package.

    Raises
    ------
    ImportError
        If braindecode or torchaudio is not installed or cannot be imported.

    Examples
    --------
    >>> from neurodec._torchaudio import import_braindecode
    >>> braindecode = import_braindecode()  # doctest: +SKIP
    """
    ensure_torchaudio()
    if "braindecode" not in sys.modules:
        # An earlier import that failed leaves submodules that break the next one.
        for name in [name for name in sys.modules if name.startswith("braindecode.")]:
            del sys.modules[name]
    try:
        return importlib.import_module("braindecode")
    except ModuleNotFoundError as error:
        if error.name != "braindecode":
            raise
        raise ImportError(
            "braindecode is not installed; run `pip install braindecode`"
        ) from error


def _is_library_at_fault():
    """Whether the failed import broke off in the loading of the compiled library.

    Python forgets a module whose import fails, and keeps the submodules that it had
    imported: here the loader is there and the package that calls it is not.
    """
    return (
        "torchaudio._extension.utils" in sys.modules
        and "torchaudio._extension" not in sys.modules
    )


def _import_without_library():
    """Import torchaudio while its loader reports that there is no library file."""
    kept = [name for name in sys.modules if name.startswith("torchaudio.")]
    loader = sys.modules["torchaudio._extension.utils"]
    load_lib = loader._load_lib
    loader._load_lib = lambda lib: False
    try:
        torchaudio = importlib.import_module("torchaudio")
    except Exception as error:
        raise ImportError(_explain(error)) from error
    finally:
        loader._load_lib = load_lib
    torchaudio._extension._load_lib = load_lib
    for name in kept:
        # A submodule that is already in sys.modules is not bound to its new parent.
        parent, _, child = name.rpartition(".")
        setattr(sys.modules[parent], child, sys.modules[name])
    return torchaudio


def _repair_lfilter_gradient():
    """Keep the Python loop of ``lfilter`` from writing into its input.

    The compiled loop only reads it. torchaudio 2.11's Python loop works in place on a
    tensor that autograd has saved, so that ``backward`` raises.
    """
    filtering = importlib.import_module("torchaudio.functional.filtering")
    loop = getattr(filtering, "_lfilter_core_generic_loop", None)
    if loop is None or filtering._lfilter_core_loop is not loop:
        return

    @functools.wraps(loop)
    def loop_on_copy(windows, a_coeffs_flipped, padded_output):
        loop(windows.clone(), a_coeffs_flipped, padded_output)

    filtering._lfilter_core_loop = loop_on_copy


def _explain(error):
    if isinstance(error, ModuleNotFoundError) and error.name == "torchaudio":
        return "torchaudio is not installed; run `pip install torchaudio`"
    return (
        f"torchaudio cannot be imported ({type(error).__name__}: {error}), and not "
        "because of its compiled library; run "
        "`pip install --force-reinstall --no-deps torchaudio` or choose a torchaudio "
        "release that fits the installed torch"
    )
