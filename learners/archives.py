"""The files of a data set, read in place from its folder or its zip archive."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath

from grouping.errors import InputError


def read_files(path: str | os.PathLike[str], folder: str | None = None) -> dict[str, bytes]:
    """Read all files of one folder.

    Parameters
    ----------
    path : path-like
        The folder, or an archive that holds it.
    folder : str, optional
        Its name, where an archive or the folder given holds several.

    Returns
    -------
    files : dict of str to bytes
        By name, without folders.

    Raises
    ------
    InputError
        If there is no such folder or archive, or an archive holds several folders with files and
        none was named.
    """
    place = Path(path)
    if place.is_dir():
        inside = place / folder if folder is not None and (place / folder).is_dir() else place
        return {file.name: file.read_bytes() for file in inside.iterdir() if file.is_file()}
    if not place.is_file():
        raise InputError(f"{place}: there is no such folder or archive")
    try:
        with zipfile.ZipFile(place) as archive:
            names = [PurePosixPath(n) for n in archive.namelist() if not n.endswith("/")]
            folders = sorted({name.parent.name for name in names})
            if folder is None and len(folders) > 1:
                raise InputError(f"{place}: holds {', '.join(folders)}: say which one")
            wanted = folders[0] if folder is None and folders else folder
            return {n.name: archive.read(str(n)) for n in names if n.parent.name == wanted}
    except zipfile.BadZipFile as error:
        raise InputError(f"{place}: is neither a folder nor a zip archive") from error
