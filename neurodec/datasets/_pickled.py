"""Arrays out of a pickle file that somebody else wrote, of which nothing is run.

A pickle is a small program: it may call whatever it names. Here the names that NumPy's
arrays need stand for plain records, every other name is refused, and no function of
NumPy's own is called. The samples of large arrays stay in the file, memory-mapped.
"""

import math
import pickle
import re
import struct

import numpy as np

# Larger runs of bytes are left in the file.
_MAPPED = 2**16
_NPY_MAGIC = b"\x93NUMPY"


def read_pickled(path, remedy):
    """What a pickle file holds: plain containers, text, numbers and arrays.

    Parameters
    ----------
    path : Path
        Written by ``pickle.dump``, or by ``numpy.save`` of something that is no array.
    remedy : str
        End of the messages: where to get the right file.

    Returns
    -------
    content : object
        Large arrays are read-only ``numpy.memmap``.

    Raises
    ------
    ValueError
        If the file asks for anything else (the message names it), is cut off, or is no
        pickle.
    """
    with path.open("rb") as file:
        try:
            _skip_npy_header(file)
            reader = _Reader(file)
            return _plain(reader.load(), path)
        except _RefusedError as error:
            raise ValueError(
                f"{path} asks for {error}, which arrays do not need; nothing of it was "
                f"run. {remedy}"
            ) from None
        except Exception as error:  # A damaged pickle fails in any way there is.
            said = str(error) or type(error).__name__
            raise ValueError(
                f"{path} is cut off, or no pickle of arrays ({said}). {remedy}"
            ) from error


def _skip_npy_header(file):
    """Stand behind the header that ``numpy.save`` writes, if there is one."""
    magic = file.read(len(_NPY_MAGIC))
    file.seek(0)
    if magic != _NPY_MAGIC:
        return
    np.lib.format.read_magic(file)
    _, _, dtype = np.lib.format.read_array_header_1_0(file)
    if not dtype.hasobject:
        raise ValueError(f"a plain array of {dtype}")


class _RefusedError(Exception):
    """A name that the file has no business with."""


class _Span:
    """Bytes that were left in the file."""

    __slots__ = ("offset", "size")

    def __init__(self, offset, size):
        self.offset, self.size = offset, size


class _Record:
    """What a call in the pickle was given; stands for its result."""

    __slots__ = ("kind", "arguments", "state")

    def __init__(self, kind, arguments):
        self.kind, self.arguments, self.state = kind, arguments, None

    def __setstate__(self, state):
        self.state = state


class _Name:
    """Stands for a function or class; calling it only writes down that it was."""

    __slots__ = ("kind",)

    def __init__(self, kind):
        self.kind = kind

    def __call__(self, *arguments):
        return _Record(self.kind, arguments)

    def __setstate__(self, state):
        raise _RefusedError(f"a change of {self.kind}")


_KINDS = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "bytes",  # How protocol 2 writes them.
    **{
        (f"numpy.{core}.{module}", name): kind
        for core in ("core", "_core")
        for module, name, kind in (
            ("multiarray", "_reconstruct", "array"),
            ("multiarray", "scalar", "scalar"),
            ("numeric", "_frombuffer", "buffer"),
        )
    },
}


# The one in Python, not the one in C: it can leave bytes in the file.
class _Reader(pickle._Unpickler):
    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, file):
        super().__init__(file, encoding="latin1")
        self.file = file

    def find_class(self, module, name):
        if (module, name) not in _KINDS:
            raise _RefusedError(f"{module}.{name}")
        return _Name(_KINDS[module, name])

    def persistent_load(self, pid):
        raise _RefusedError(f"an object outside of the file ({pid!r})")

    def load_frame(self):
        """A frame is a hint to read ahead; here it would read the samples."""
        self.read(8)

    def _load_bytes(self, size):
        if size < _MAPPED:
            self.append(self.read(size))
            return
        self.append(_Span(self.file.tell(), size))
        self.file.seek(size, 1)

    def load_binbytes(self):
        self._load_bytes(*struct.unpack("<I", self.read(4)))

    def load_binbytes8(self):
        self._load_bytes(*struct.unpack("<Q", self.read(8)))

    dispatch[pickle.FRAME[0]] = load_frame
    dispatch[pickle.BINBYTES[0]] = load_binbytes
    dispatch[pickle.BINBYTES8[0]] = load_binbytes8
    dispatch[pickle.BYTEARRAY8[0]] = load_binbytes8


def _plain(value, path):
    """Records turned into arrays, everywhere in a content."""
    if isinstance(value, dict):
        return {_plain(k, path): _plain(v, path) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item, path) for item in value)
    if not isinstance(value, _Record):
        return value
    if value.kind == "bytes":
        text, encoding = value.arguments
        if encoding != "latin1":
            raise _RefusedError(f"the encoding {encoding}")
        return text.encode("latin1")
    if value.kind == "dtype":
        return _dtype(value)
    if value.kind == "scalar":
        dtype, content = (_plain(item, path) for item in value.arguments)
        return _array(content, dtype, (), False, path)[()]
    if value.kind == "buffer":
        content, dtype, shape, order = (_plain(item, path) for item in value.arguments)
        return _array(content, dtype, shape, order == "F", path)
    if value.kind == "array":
        _, shape, dtype, fortran, content = (_plain(item, path) for item in value.state)
        return _array(content, dtype, shape, fortran, path)
    raise _RefusedError(f"a call of {value.kind}")


def _dtype(record):
    code = str(record.arguments[0])
    if not re.fullmatch(r"[biufSU]\d+|O\d*", code):
        raise _RefusedError(f"the data type {code}")
    order = record.state[1] if record.state else "="
    return np.dtype(code).newbyteorder("=" if order == "|" else order)


def _array(content, dtype, shape, fortran, path):
    shape = tuple(int(n) for n in shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"an array of shape {shape}")
    order = "F" if fortran else "C"
    if dtype.hasobject:
        if shape == ():
            return content[0]
        array = np.empty(len(content), object)
        array[:] = content
        return array.reshape(shape, order=order)
    size = math.prod(shape) * dtype.itemsize
    if isinstance(content, _Span):
        if size != content.size or content.offset + size > path.stat().st_size:
            raise ValueError(f"an array of {size} bytes in {content.size}")
        return np.memmap(path, dtype, "r", content.offset, shape, order)
    if isinstance(content, str):  # Bytes of Python 2.
        content = content.encode("latin1")
    array = np.frombuffer(content, dtype, math.prod(shape))
    return array.reshape(shape, order=order)
