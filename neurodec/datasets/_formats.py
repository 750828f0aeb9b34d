"""From a file to MNE's raw or epochs, and errors that say what to do."""

import warnings

import mne

from ._fieldtrip import RefusedFileError, read_fieldtrip
from ._stored import HEADER

# What the documentation promises; other continuous formats that MNE knows pass too.
FORMATS = {
    ".set": "EEGLAB",
    ".vhdr": "BrainVision",
    ".edf": "EDF",
    ".bdf": "BDF",
    ".gdf": "GDF",
    ".fif": "FIF",
    ".fif.gz": "FIF",
    ".ds": "CTF",
    ".mat": "FieldTrip",
    ".npz": "NumPy",
    ".npy": "NumPy",
}
# Files that belong to another, which is the one to name.
_HEADERS = {
    **{".fdt": ".set", ".eeg": ".vhdr", ".vmrk": ".vhdr"},
    **{".meg4": ".ds", ".res4": ".ds"},
}
# What MNE remarks on files that end too early, and then reads what is there.
_CUT_OFF = (
    "Invalid tag with only",
    "Number of records from the header does not match",
    "Omitted .* annotation.* outside data range",
)


def kind_of(path):
    """The extension that tells the format, once the path makes sense."""
    lower = path.name.lower()
    kind = ".fif.gz" if lower.endswith(".fif.gz") else path.suffix.lower()
    if not path.exists():
        raise FileNotFoundError(f"{str(path)!r} does not exist; check the path.")
    header = path.with_suffix(_HEADERS.get(kind, kind))
    header = path.parent if header.suffix == ".ds" != kind else header
    if kind in _HEADERS and header.exists():
        raise ValueError(f"{path.name} belongs to {header.name}; give that instead.")
    if path.is_dir() and kind not in (".ds", ".mff"):
        if (path / HEADER).is_file():
            raise ValueError(f"{str(path)!r} holds trials; open it with load_trials.")
        if (path / "X.npy").is_file():
            return ".npy"
        raise ValueError(
            f"{str(path)!r} is a folder; name a file in it, or use trials_from_bids if "
            "it follows BIDS."
        )
    return kind


def read_recording(path, kind, variable, unit):
    """The recording in a file: raw, or epochs."""
    if kind == ".mat":
        return _careful(path, kind, lambda p: read_fieldtrip(p, variable, unit))
    refuse_given(path, variable=variable, unit=unit)
    if kind == ".set":
        return _careful(path, kind, _read_eeglab)
    if kind in (".fif", ".fif.gz"):
        return _careful(path, kind, _read_fif)
    return _careful(path, kind, lambda p: mne.io.read_raw(p, verbose="warning"))


def _careful(path, kind, read):
    """What a reader gives; what it raises, with the file and the remedy."""
    try:
        with warnings.catch_warnings():
            for message in _CUT_OFF:
                warnings.filterwarnings("error", message=message)
            return read(path)
    except RefusedFileError as error:
        raise ValueError(f"{path}: {error}") from error
    except RuntimeWarning as error:
        raise ValueError(
            f"{path} seems to be cut off ({first_line(error)}); get it again, or read "
            "it with mne.io.read_raw and take what is there with trials_from_raw."
        ) from error
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path} needs a file that is missing ({first_line(error)}); keep the "
            "files of a recording together, under their first names."
        ) from error
    except Exception as error:  # Each format has its own ways to be damaged.
        if "unsupported file type" in str(error).lower():
            raise ValueError(
                f"{path} has the extension {kind!r}, which is none of "
                f"{', '.join(FORMATS)}; read it yourself and use trials_from_raw, "
                "trials_from_epochs or trials_from_arrays."
            ) from error
        raise ValueError(
            f"{path} cannot be read as {FORMATS.get(kind, kind)} "
            f"({type(error).__name__}: {first_line(error)}); is it damaged, or of "
            "another format?"
        ) from error


def _read_eeglab(path):
    try:
        return mne.io.read_raw_eeglab(path, verbose="warning")
    except TypeError as error:
        if "trials" not in str(error):
            raise
        return mne.read_epochs_eeglab(path, verbose="warning")


def _read_fif(path):
    content = mne.what(path)
    if content == "raw":
        return mne.io.read_raw_fif(path, allow_maxshield=False, verbose="warning")
    if content == "epochs":
        return mne.read_epochs(path, proj=False, verbose="warning")
    if content == "evoked":
        raise RefusedFileError(
            "it holds an average over trials (evoked), and decoding needs the single "
            "trials; give the raw or the epochs that it was made of."
        )
    raise RefusedFileError(
        f"it holds {content} and no recording; give a raw or an epochs file, or get it "
        "again if it was cut off."
    )


def refuse_given(path, **given):
    for key, value in given.items():
        if value is not None:
            raise ValueError(
                f"{key} is given, but {path.name} is of a kind that has no use for it; "
                "leave it out."
            )


def stem_of(path):
    name = path.name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] if "." in name else name


def first_line(error):
    lines = str(error).splitlines()
    return lines[0] if lines else ""
