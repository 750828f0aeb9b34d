"""Find recordings that are already on this machine, before any network call."""

import contextlib
import hashlib
import os
from pathlib import Path

import mne


def data_folders(sign=None):
    """Folders to look in, best first: ``NEURODEC_DATA``, then MNE's own.

    Parameters
    ----------
    sign : str or None
        MOABB's sign of a dataset, such as "EEGBCI", which MNE's configuration may
        give a folder of its own.

    Returns
    -------
    folders : list of Path
        Existing ones only.

    Raises
    ------
    FileNotFoundError
        If ``NEURODEC_DATA`` names no folder.
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
    configured = [mne.get_config(key) for key in (_path_key(sign), "MNE_DATA") if key]
    folders += [Path(path).expanduser() for path in configured if path]
    folders.append(Path.home() / "mne_data")
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _path_key(sign):
    return None if sign is None else f"MNE_DATASETS_{sign.upper()}_PATH"


def find_folder(relative):
    """The first data folder that holds ``relative``, or None."""
    for folder in data_folders():
        if (folder / relative).is_dir():
            return folder / relative
    return None


def download_folder(sign=None):
    """Where a download goes when nobody says otherwise: MNE's data folder.

    Never ``NEURODEC_DATA``, which may be somebody else's.

    Parameters
    ----------
    sign : str or None
        MOABB's sign of a dataset, which MNE's configuration may give its own folder.

    Returns
    -------
    folder : Path
        As configured for MNE, else ``~/mne_data``; it may not exist yet.
    """
    own = sign and mne.get_config(_path_key(sign))
    folder = own or mne.get_config("MNE_DATA") or Path.home() / "mne_data"
    return Path(folder).expanduser()


def check_file(path, sha256, remedy="fetch it again"):
    """Refuse a file that is missing or is not the published one.

    Parameters
    ----------
    path : Path
    sha256 : str or None
        Of the published file; None where nobody could compute it.
    remedy : str
        End of the message.

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file and the remedy.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {remedy}.")
    if sha256 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(
            f"{path} is damaged or another version: SHA-256 {found[:12]}... instead of "
            f"{sha256[:12]}...; {remedy}."
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
    folder : Path
        The folder that holds ``MNE-<sign>-data``.
    """
    values = {"MOABB_DOWNLOAD_PROVIDER": "upstream", _path_key(sign): str(folder)}
    with _environment(values):
        yield


@contextlib.contextmanager
def moabb_downloads(sign, folder=None, **values):
    """For one call, MOABB downloads into the configured folder, and configures none.

    Without a configured folder MOABB takes ``~/mne_data`` and writes that into MNE's
    configuration; here it is made and named by environment variables instead.

    Parameters
    ----------
    sign : str
        MOABB's sign of the dataset, such as "EEGBCI".
    folder : Path or None
        Another folder than the configured one.
    **values
        Further environment variables for this call.
    """
    general = mne.get_config("MNE_DATA") if folder is None else None
    if folder is None:
        folder = download_folder(sign)
        if folder == Path.home() / "mne_data":
            folder.mkdir(exist_ok=True)
    # Both, because MOABB asks for some folders by another name than the sign.
    with _environment(
        {_path_key(sign): str(folder), "MNE_DATA": general or str(folder), **values}
    ):
        yield


@contextlib.contextmanager
def _environment(values):
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
