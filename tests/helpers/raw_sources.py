"""Sources of labelled pictures, made small: folders, archives and CSVs."""

import io
import tarfile
import zipfile

import numpy as np
from support import draw_face, encode

FACE = encode(draw_face("sad", np.random.default_rng(1)))
USABLE = {"train/happy/1.png": FACE, "train/sad/2.png": FACE, "test/happy/3.png": FACE}


def make_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def make_folder(path, files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def pixel_csv(path, header="emotion,pixels,Usage", rows=None):
    grey = np.arange(48 * 48) % 256
    usual = [(code, " ".join(map(str, (grey + code) % 256)), usage) for code in range(7)
             for usage in ("Training", "PublicTest")]  # fmt: skip
    separator = ", " if ", " in header else ","
    lines = [separator.join(map(str, row)) for row in (usual if rows is None else rows)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def found(source):
    """{file: (emotion, label, split)}"""
    entries = source.layout.entries
    return dict(
        zip(entries["file"], zip(entries["emotion"], entries["label"], entries["split"], strict=True), strict=True)
    )


def make_tar(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def read_ignored(source):
    """{file: reason}"""
    return dict(source.layout.ignored.to_numpy())
