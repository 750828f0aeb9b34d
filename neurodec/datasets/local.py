"""Find recordings that are already on this machine, before any network call."""

import contextlib
import hashlib
import os
from pathlib import Path

import mne


def data_folders():
    """Folders to look in, best first: ``NEURODEC_DATA``, then MNE's own.

    Returns
    -------
    folders : list of Path
        Existing ones only.
    """
    folders = []
    if os.environ.get("NEURODEC_DATA"):
        root = Path(os.environ["NEURODEC_DATA"]).expanduser()
        if not root.is_dir():
            raise FileNotFoundError(
                f"NEURODEC_DATA is {str(root)!r}, which is no folder; correct it or "
                "unset it."
            )
        folders += [root, root / "mne_data"]
    mne_data = mne.get_config("MNE_DATA")
    if mne_data:
        folders.append(Path(mne_data).expanduser())
    folders.append(Path.home() / "mne_data")
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def find_folder(relative):
    """The first data folder that holds ``relative``, or None."""
    for folder in data_folders():
        if (folder / relative).is_dir():
            return folder / relative
    return None


def check_file(path, sha256):
    """Refuse a file that is missing or is not the published one.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file and the remedy.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; fetch the set again.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if sha256 is not None and found != sha256:
        raise ValueError(
            f"{path} is damaged or another version: SHA-256 {found[:12]}... instead of "
            f"{sha256[:12]}...; fetch it again."
        )


@contextlib.contextmanager
def moabb_reads_locally(sign, folder):
    """For one call, MOABB takes the files of ``folder`` and asks no mirror.

    MOABB tries its mirror five times (43 s per dataset offline) before it looks at
    local files, and writes the folder it used into MNE's configuration. Environment
    variables win over both and are put back afterwards.

    Parameters
    ----------
    sign : str
        MOABB's sign of the dataset, such as "EEGBCI".
    folder : Path or None
        The folder that holds ``MNE-<sign>-data``; None changes nothing.
    """
    values = {
        "MOABB_DOWNLOAD_PROVIDER": "upstream",
        f"MNE_DATASETS_{sign.upper()}_PATH": str(folder),
    }
    before = {key: os.environ.get(key) for key in values}
    try:
        if folder is not None:
            os.environ.update(values)
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
