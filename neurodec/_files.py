"""Files that appear whole or not at all."""

import os
from pathlib import Path


def write_whole(path, text):
    """Write a text file so that a reader never meets half of it.

    Parameters
    ----------
    path : str or pathlib.Path
        A missing parent folder is created.
    text : str

    Returns
    -------
    path : pathlib.Path

    Raises
    ------
    IsADirectoryError, NotADirectoryError
        If `path` is a folder, or its parent is a file.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f"{str(path)!r} is a folder; name a file, such as "
            f"{str(path / 'report.html')!r}"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(
            f"cannot make the folder {str(path.parent)!r}: a file is in its way; "
            "choose another path"
        ) from error
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        # Labels may hold lone surrogates, which UTF-8 cannot.
        temporary.write_text(text, "utf-8", errors="xmlcharrefreplace", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
