"""Archives from elsewhere: their regular files, written inside the cache folder and nowhere else."""

from __future__ import annotations

from pathlib import Path

from .files import Notify


def extract(archive: Path, dataset: str, say: Notify, *, hash: str = "") -> Path:
    """The folder of the cache with the files of a tar (plain, gzip, xz, bzip2) or zip, unpacked there once.

    dataset: whose folder in the cache; hash: of the archive where it is known ("sha256:…"), else its sha256 is computed, so
    that another content never meets an old folder. Any link, device file, absolute path or `..`, more than 250,000
    entries or 16 GiB refuses the archive as a whole, and nothing of it stays.
    Returns: DATASET/unpacked/STEM-HASH. Errors: InputError for an archive that is damaged or refused, MachineError where the folder
    cannot be written.
    """
    raise NotImplementedError
