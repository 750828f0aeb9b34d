"""Fit the resting activity that the simulators use by default.

Run 1 (eyes open) of six subjects of PhysioNet's EEG Motor Movement/Imagery Dataset.
Writes ``neurodec/datasets/simulated/backgrounds.json``: about 250 numbers a subject.

Needs NEURODEC_DATA with ``mne_data/MNE-eegbci-data``.
"""

import json
import os
from pathlib import Path

import mne

from neurodec._files import write_whole
from neurodec.datasets import fit_background, simulated
from neurodec.datasets.simulated.background import to_dict

SUBJECTS = (1, 2, 3, 4, 38, 40)
SOURCE = {
    "title": "EEG Motor Movement/Imagery Dataset 1.0.0, PhysioNet, run 1 (eyes open)",
    "authors": "Schalk, McFarland, Hinterberger, Birbaumer and Wolpaw (2004)",
    "doi": "10.13026/C28G6P",
    "licence": "Open Data Commons Attribution License 1.0",
    "note": "Parameters fitted by benchmarks/fit_backgrounds.py; no recording is kept.",
}


def rest(folder, subject, run):
    """A recording at rest, with the channel names of the 10-05 system."""
    name = f"S{subject:03d}"
    path = folder / "files/eegmmidb/1.0.0" / name / f"{name}R{run:02d}.edf"
    raw = mne.io.read_raw_edf(path, preload=True, verbose=False)
    mne.datasets.eegbci.standardize(raw)
    return raw


def main():
    """Fit, print and write."""
    folder = Path(os.environ["NEURODEC_DATA"]) / "mne_data" / "MNE-eegbci-data"
    backgrounds = []
    for subject in SUBJECTS:
        background = fit_background(rest(folder, subject, 1), name=f"S{subject:03d}")
        backgrounds.append(to_dict(background))
        print({k: v for k, v in backgrounds[-1].items() if "sources" not in k})
    path = Path(simulated.__file__).with_name("backgrounds.json")
    text = json.dumps({"source": SOURCE, "backgrounds": backgrounds}) + "\n"
    write_whole(path, text)
    print(f"wrote {path}, {len(text)} bytes")


if __name__ == "__main__":
    main()
