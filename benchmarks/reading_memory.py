"""Private memory of reading a large set, against the size of one of its subjects.

Six synthetic subjects of 164 MB of trials each are written to a temporary folder: as
FIF recordings (four runs each), as ``.npz`` and as ``.npy`` arrays. Each way in is then
walked by a process of its own, whose private memory (``RssAnon`` of Linux) is read from
outside all the time; what it held after its imports (and ten seconds of a recording,
because libraries import as they go) is subtracted. Exits with an error if a way that is
promised to be small takes more than 1.3 times one subject.

Needs 4 GB of disk, and Linux.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mne
import numpy as np
from tables import show, write_table

LIMIT = 1.3
SUBJECTS = [1, 2, 3, 4, 5, 6]
N_RUNS, N_CHANNELS, SFREQ, WINDOW, PAUSE = 4, 64, 250.0, 4.0, 2.0
TRIALS_PER_RUN = 80
N_TIMES = int(WINDOW * SFREQ)
SUBJECT_BYTES = N_RUNS * TRIALS_PER_RUN * N_CHANNELS * N_TIMES * 8
EVENT_ID = {"left": "left", "right": "right"}
# One sample less, because a window holds both of its ends.
RECIPE = {"band": [8, 30], "tmin": 0.0, "tmax": WINDOW - 1 / SFREQ}


# --- the set --------------------------------------------------------------------


def write_recordings(folder, n_runs=N_RUNS):
    """FIF files of continuous recordings; the runs of a subject hold all its trials."""
    step = int((WINDOW + PAUSE) * SFREQ)
    n_trials = N_RUNS * TRIALS_PER_RUN // n_runs
    info = mne.create_info([f"E{i}" for i in range(N_CHANNELS)], SFREQ, "eeg")
    for subject in SUBJECTS:
        for run in range(n_runs):
            rng = np.random.default_rng([subject, run])
            data = rng.standard_normal((N_CHANNELS, (n_trials + 2) * step), np.float32)
            raw = mne.io.RawArray(1e-5 * data, info, verbose=False)
            onsets = np.arange(1, n_trials + 1) * (WINDOW + PAUSE)
            cues = ["left", "right"] * (n_trials // 2)
            raw.set_annotations(mne.Annotations(onsets, WINDOW, cues))
            raw.save(folder / f"s{subject}_r{run}_raw.fif", verbose="error")


def write_arrays(folder):
    """One ``.npz`` and one folder of ``.npy`` for each subject, double precision."""
    n_trials = N_RUNS * TRIALS_PER_RUN
    for subject in SUBJECTS:
        rng = np.random.default_rng(subject)
        X = 1e-5 * rng.standard_normal((n_trials, N_CHANNELS, N_TIMES))
        arrays = {"y": np.array(["left", "right"] * (n_trials // 2)), "sfreq": SFREQ}
        np.savez(folder / f"s{subject}.npz", X=X, **arrays)
        (folder / f"s{subject}").mkdir()
        for key, array in {"X": X, **arrays}.items():
            np.save(folder / f"s{subject}" / f"{key}.npy", array)


# --- ways in, each for a process of its own ---------------------------------------


def recordings_of(folder, n_runs):
    """A function that reads a subject's runs one after the other."""
    from neurodec.datasets import trials_from_file

    def read(subject, recipe):
        for run in range(n_runs):
            path = folder / f"s{subject}_r{run}_raw.fif"
            yield trials_from_file(
                path, EVENT_ID, recipe, subject=subject, run=str(run), name="synthetic"
            )

    return read


def arrays_of(folder, ending):
    """A function that reads a subject's file of arrays."""
    from neurodec.datasets import trials_from_numpy

    def read(subject, recipe):
        path = folder / f"s{subject}{ending}"
        yield trials_from_numpy(path, subject=subject, name="synthetic")

    return read


def convert(read, target, recipe=None):
    from neurodec.datasets import memory_mapped

    return len(memory_mapped(read, target, SUBJECTS, recipe=recipe))


def use(target):
    """Open a converted set and read every sample, twice."""
    from neurodec.datasets import load_trials

    trials = load_trials(target)
    trials.fingerprint()
    for subject in SUBJECTS:
        trials.select(subject=subject).X.max()
    return len(trials)


def read_all(folder):
    """What the same recordings take without a memory map."""
    from neurodec.datasets import concatenate_trials
    from neurodec.preprocessing import Recipe

    read, recipe = recordings_of(folder, N_RUNS), Recipe.from_dict(RECIPE)
    parts = (part for subject in SUBJECTS for part in read(subject, recipe))
    return len(concatenate_trials(parts))


WAYS = {
    "recordings": lambda f: convert(recordings_of(f, N_RUNS), f / "of_raw", RECIPE),
    "npz": lambda f: convert(arrays_of(f, ".npz"), f / "of_npz"),
    "npy": lambda f: convert(arrays_of(f, ""), f / "of_npy"),
    "use": lambda f: use(f / "of_raw"),
    "one run": lambda f: convert(recordings_of(f / "long", 1), f / "of_long", RECIPE),
    "in memory": read_all,
}
TEXTS = {
    "recordings": "convert FIF recordings, four runs a subject",
    "npz": "convert one ``.npz`` a subject",
    "npy": "convert a folder of ``.npy`` a subject",
    "use": "open the converted set, read all of it",
    "one run": "convert FIF recordings, one long run a subject",
    "in memory": "read FIF recordings without a memory map",
}
# One long recording is in memory beside its trials; the last is for comparison.
UNBOUNDED = ("one run", "in memory")


def walk(way, folder):
    """The process that is measured: imports, a sign, the work, a sign."""
    from neurodec.datasets import memory_mapped, trials_from_file, trials_from_raw

    # MNE and SciPy import as they go: a recording of ten seconds asks for it all.
    info = mne.create_info(2, SFREQ, "eeg")
    noise = 1e-5 * np.random.default_rng(0).standard_normal((2, int(10 * SFREQ)))
    raw = mne.io.RawArray(noise, info, verbose=False)
    raw.set_annotations(mne.Annotations([1], 1, ["left"]))
    trials_from_raw(raw, {"left": "left"}, RECIPE)
    assert callable(memory_mapped) and callable(trials_from_file)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(WAYS[way](folder)), flush=True)


def measure(way, folder):
    """Peak of private memory above that after the imports (bytes), seconds, trials."""
    command = [sys.executable, __file__, "--walk", way, "--folder", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        before = peak = private_bytes(process.pid)
        started = time.perf_counter()
        process.stdin.write("go\n")
        process.stdin.flush()
        while process.poll() is None:
            peak = max(peak, private_bytes(process.pid))
            time.sleep(0.002)
        seconds = time.perf_counter() - started
        if process.returncode:
            sys.exit(f"{way} failed")
        return peak - before, seconds, json.loads(process.stdout.readline())


def private_bytes(pid):
    """``RssAnon`` of a process; 0 once it has ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return 1024 * int(line.split()[1])
    return 0


def main():
    """Write, measure, print; non-zero exit above the limit."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / "long").mkdir()
        write_recordings(folder)
        write_recordings(folder / "long", n_runs=1)
        write_arrays(folder)
        measured = {way: measure(way, folder) for way in WAYS}
    columns = ["way in", "peak, MB", "times one subject", "bound", "seconds"]
    ratios = {way: peak / SUBJECT_BYTES for way, (peak, _, _) in measured.items()}
    rows = [
        [TEXTS[way], f"{peak / 1e6:.0f}", f"{ratios[way]:.2f}",
         "none" if way in UNBOUNDED else LIMIT, f"{seconds:.0f}"]
        for way, (peak, seconds, _) in measured.items()
    ]  # fmt: skip
    show(columns, rows)
    write_table(
        "reading_memory",
        "Private memory of reading",
        f"Peak of private memory (RssAnon, seen from another process) above that after "
        f"the imports. {len(SUBJECTS)} synthetic subjects of "
        f"{SUBJECT_BYTES / 1e6:.0f} MB of trials in double precision each: "
        f"{N_CHANNELS} channels at {SFREQ:g} Hz, {N_RUNS * TRIALS_PER_RUN} trials of "
        f"{WINDOW:g} s; in the recordings {PAUSE:g} s lie between two trials.",
        columns,
        rows,
        "While a recording is cut, it is in memory beside its trials, so a subject "
        "that is one long recording takes both.",
    )
    expected = len(SUBJECTS) * N_RUNS * TRIALS_PER_RUN
    if any(n_trials != expected for _, _, n_trials in measured.values()):
        sys.exit(f"a way did not read {expected} trials")
    worst = max(ratio for way, ratio in ratios.items() if way not in UNBOUNDED)
    if worst > LIMIT:
        sys.exit(f"{worst:.2f} times one subject, above {LIMIT}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--walk", choices=list(WAYS))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    main() if given.walk is None else walk(given.walk, given.folder)
