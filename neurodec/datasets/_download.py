"""One file over HTTP: resumed, retried, and in place only when it is whole.

pooch downloads and hashes; what it lacks is here. The bytes go to ``NAME.part``, which
outlives an interruption; ``NAME.part.json`` says what they are the beginning of. The
file gets its name only after its hash is right or, where none is known, its length.
"""

import errno
import json
import os
import re
import shutil
import time

import pooch
import requests

from .._files import write_whole

# Answers that may be others a moment later; besides these, all from 500 upwards.
_PASSING = (408, 425, 429)
_NO_ADDRESS = (
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
)
_CHUNK = 2**16


def download(
    url, path, sha256=None, *, report=None, retries=3, timeout=30.0, pause=1.0
):
    """Download a file, or the rest of it.

    Parameters
    ----------
    url : str
    path : Path
        Where the file goes; its folder is made.
    sha256 : str or None
        Of the whole file; None if it is not known, then its length is checked.
    report : callable or None
        Called with the bytes that are there and the bytes of the whole file, or None.
    retries : int, default=3
        Further attempts in a row that bring nothing new. No answer that says that the
        file is not there is asked for again.
    timeout : float, default=30.0
        Longest wait for a connection, or for the next bytes (s).
    pause : float, default=1.0
        Wait before the second attempt (s); it doubles from one to the next.

    Raises
    ------
    FileNotFoundError
        If the server says that the file is not there (404, 410).
    ConnectionError
        If the file, or all of it, could not be had. What came is kept.
    ValueError
        If what came is not the published file; nothing of it is kept.
    """
    part = _Part(url, path, sha256, report)
    failed = wrong = 0
    while True:
        before = part.best
        try:
            part.fetch(timeout)
            if part.accept():
                return
            wrong += 1
            if not part.pieced or wrong > 1:
                raise ValueError(
                    f"{url} does not give the published file: SHA-256 "
                    f"{part.found[:12]}... instead of {sha256[:12]}...; nothing was "
                    "kept. Try later, or report the address."
                )
            # The beginning was wrong, or does not fit the rest: once more, whole.
        except (requests.RequestException, _PartialError) as error:
            final = final_error(error, url)
            if final is not None:
                raise final from None
            failed = 1 if part.best > before else failed + 1
            if failed > retries:
                raise ConnectionError(_why(error, url, part, failed, timeout)) from None
            time.sleep(pause * 2 ** (failed - 1))


class _PartialError(Exception):
    """An answer that is not the whole file, and cannot be made so by waiting."""


class _Part:
    """The unfinished file: where pooch writes, and where its answers are looked at."""

    def __init__(self, url, path, sha256, report):
        self.url, self.path, self.sha256 = url, path, sha256
        self.report = report or (lambda done, total: None)
        self.part = path.with_name(path.name + ".part")
        self.note = path.with_name(path.name + ".part.json")
        self.file = None
        self.known = self._read_note()
        self.best, self.found = self.size, None
        self.pieced = False

    @property
    def size(self):
        return self.part.stat().st_size if self.part.exists() else 0

    def _read_note(self):
        try:
            known = json.loads(self.note.read_text("utf-8"))
            total = known["total"]
            if (
                known["url"] == self.url
                and (self.sha256 or known["tag"] or known["modified"])
                and (total is None or self.size <= total)
            ):
                return known
        except (OSError, ValueError, TypeError, KeyError):
            pass  # Then nothing is known of the beginning.
        self.restart()
        return {}

    def restart(self):
        """Forget the beginning."""
        for file in (self.part, self.note):
            file.unlink(missing_ok=True)
        self.known = {}

    def fetch(self, timeout):
        """Ask for what is missing, and write it."""
        self.file = None
        size, total = self.size, self.known.get("total")
        self.pieced = size > 0
        if total is not None and size == total > 0:  # Killed before it was named.
            return
        # Compressed on the way, lengths and ranges would mean other bytes.
        headers = {"Accept-Encoding": "identity"}
        if self.pieced:
            headers["Range"] = f"bytes={size}-"
            same = self.known["tag"] or self.known["modified"]
            if same:
                headers["If-Range"] = same
        get = pooch.HTTPDownloader(
            chunk_size=_CHUNK,
            headers=headers,
            timeout=timeout,
            hooks={"response": self._look},
        )
        try:
            get(self.url, self, None)
            os.fsync(self.file.fileno())
        finally:
            if self.file is not None:
                self.file.close()
        total = self.known["total"]
        if total is None and self.sha256 is None and not self.known["chunked"]:
            raise _PartialError("the server does not say how long the file is")
        if total is not None and self.size != total:
            raise _PartialError(f"the answer ended after {self.size} of {total} bytes")

    def _look(self, response, *args, **kwargs):
        """Tell the rest from a new beginning, before the first byte is written."""
        if response.status_code == 416:
            self._start_over("the server has no such part of the file")
        if not response.ok or response.is_redirect:
            return
        new = _described(response, self.url)
        if response.status_code == 206 and self.pieced:
            self._check_rest(response, new)
            return
        if response.status_code != 200:
            raise _PartialError(f"the server answered {response.status_code}")
        if new["page"] and self.sha256 is None:
            raise _PartialError(
                "the server answered with a web page, not with the file"
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _check_room(self.path, new["total"])
        self.pieced = False
        self.file = self.part.open("wb")
        self.known = new
        write_whole(self.note, json.dumps(new))

    def _check_rest(self, response, new):
        text = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", text.strip())
        start, total = map(int, match.groups()) if match else (None, None)
        if (
            start != self.size
            or total != (self.known["total"] or total)
            or any(
                new[key] and self.known[key] and new[key] != self.known[key]
                for key in ("tag", "modified")
            )
        ):
            self._start_over("the file changed between two parts")
        self.known["total"] = total
        self.file = self.part.open("ab")

    def _start_over(self, why):
        self.restart()
        raise _PartialError(why)

    def write(self, chunk):
        self.file.write(chunk)
        self.file.flush()  # What came outlives a kill.
        size = self.file.tell()
        self.best = max(self.best, size)
        self.report(size, self.known["total"])

    def flush(self):
        """Each chunk is flushed as it is written."""

    def accept(self):
        """Give the file its name if it is the published one, else drop it."""
        self.found = self.sha256 and pooch.file_hash(str(self.part))
        if self.found == self.sha256:
            os.replace(self.part, self.path)
            self.note.unlink(missing_ok=True)
            return True
        self.restart()
        return False


def _described(response, url):
    headers = response.headers
    encoded = headers.get("Content-Encoding", "identity") != "identity"
    tag, length = headers.get("ETag", ""), headers.get("Content-Length", "")
    return {
        "url": url,
        # A weak tag stands for equal meaning, not for equal bytes.
        "tag": "" if tag.startswith("W/") or encoded else tag,
        "modified": "" if encoded else headers.get("Last-Modified", ""),
        "total": int(length) if length.isdigit() and not encoded else None,
        "chunked": headers.get("Transfer-Encoding", "").lower() == "chunked",
        "page": headers.get("Content-Type", "").startswith("text/html"),
    }


def _check_room(path, total):
    free = shutil.disk_usage(path.parent).free
    if total is not None and total > free:
        raise OSError(
            f"{path.name} has {total:,} bytes but {path.parent} has room for {free:,}; "
            "choose another folder with --to."
        )


def final_error(error, what):
    """What to raise at once for an error that would be the same at every attempt.

    Parameters
    ----------
    error : Exception
        Of a download, or caused by that of one.
    what : str
        Begins the message, such as the address.

    Returns
    -------
    error : OSError, ValueError or None
        None if another attempt may help.
    """
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return error
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (404, 410):
        return FileNotFoundError(f"{what} is not there (the server answered {status})")
    if status is not None and status < 500 and status not in _PASSING:
        return ConnectionError(f"{what} is refused (the server answered {status})")
    if isinstance(error, _NO_ADDRESS):
        return ValueError(f"{what} has no address: {error}")
    if "NameResolutionError" in repr(error):
        return ConnectionError(
            f"{what} cannot be reached: no connection, or no such server"
        )
    return None


def _why(error, url, part, failed, timeout):
    status = getattr(getattr(error, "response", None), "status_code", None)
    said = (
        f"the server answered {status}"
        if status
        else f"no bytes for {timeout:g} s"
        if "timed out" in str(error)
        else str(error)
        if isinstance(error, _PartialError)
        else "the connection broke off or was refused"
    )
    kept = f"; {part.size:,} bytes are kept, to go on from" if part.size else ""
    if not kept:
        part.restart()
    return f"{url} could not be had, {failed} attempts: {said}{kept}"
