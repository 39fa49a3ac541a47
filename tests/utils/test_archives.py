"""Tar archives, and archives that are not opened; test_ingest.py has the rest on folders and zips."""

import gzip
import io
import tarfile

import pytest
from raw_sources import FACE, USABLE, found, make_folder, make_tar, make_zip, read_ignored

from utils.csv_files import SourceError
from utils.data.ingest import inspect_source, read_pictures
from utils.data.sources import find_decisions


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("ending", [".tar", ".tgz", ""])
def test_tar_archives_are_read_whatever_packs_them(tmp_path, mode, ending):
    files = {f"./faces/{name}": data for name, data in USABLE.items()} | {"./faces/._x.png": b""}
    path = make_tar(tmp_path / f"faces{ending}", files, mode)
    source = inspect_source(path)
    assert set(found(source)) == {f"faces/{name}" for name in USABLE}
    records, pixels, skipped = read_pictures(source)
    assert len(records) == len(pixels) == 3
    assert skipped.empty


def test_decisions_lie_beside_a_tar_archive_without_its_two_endings(tmp_path):
    path = make_tar(tmp_path / "faces.tar.gz", USABLE | {"train/sad/4.png": FACE})
    (tmp_path / "faces.decisions.csv").write_text("file,decision,label,why\ntrain/sad/4.png,drop,,\n")
    assert find_decisions(path) == tmp_path / "faces.decisions.csv"
    assert "train/sad/4.png" not in found(inspect_source(path))


def with_member(name="x.png", **attributes):
    def write(path):
        make_tar(path, USABLE, "w")
        member = tarfile.TarInfo(name)
        for key, value in attributes.items():
            setattr(member, key, value)
        with tarfile.open(path, "a") as archive:
            archive.addfile(member, io.BytesIO(bytes(member.size)))

    return write


def write_bomb(path):
    with gzip.open(path, "wb") as file:
        for _ in range(60):
            file.write(bytes(2**20))


@pytest.mark.parametrize(
    ("write", "message"),
    [(with_member("../x.png"), "'../x.png' leads outside"), (with_member("/etc/x.png"), "leads outside"),
     (with_member(type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
     (with_member(type=tarfile.LNKTYPE, linkname="train/sad/2.png"), "is a link"),
     (with_member(type=tarfile.FIFOTYPE), "or a device"), (with_member("train/sad/2.png"), "occurs twice"),
     (with_member("caf\udce9.png"), "is no UTF-8"), (write_bomb, "taken for a bomb"),
     (lambda path: path.write_bytes(make_tar(path, USABLE).read_bytes()[:-30]), "no whole archive"),
     (lambda path: path.write_bytes(make_tar(path, USABLE, "w").read_bytes()[:700]), "no whole archive"),
     (lambda path: path.write_bytes(gzip.compress(b"emotion,pixels\n")), "no whole archive"),
     (lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c\0\4"), "a 7z archive.* unpack it and give the folder"),
     (lambda path: path.write_bytes(b"Rar!\x1a\x07\x01\0"), "a rar archive.* unpack it")],
)  # fmt: skip
def test_unusable_archives(tmp_path, write, message):
    path = tmp_path / "a.tar"
    write(path)
    with pytest.raises(SourceError, match=message) as error:
        inspect_source(path)
    assert "\n" not in str(error.value)


def test_a_sparse_member_is_taken_for_a_bomb(tmp_path):
    path = tmp_path / "a.tar"
    # GNU's old format: a file of 2 GB of which nothing is stored
    header = bytearray(tarfile.TarInfo("train/sad/huge.png").tobuf(tarfile.GNU_FORMAT))
    header[156:157], header[483:495] = b"S", b"%011o\0" % 2**31
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    kept = make_tar(path, USABLE, "w").read_bytes().rstrip(b"\0")
    path.write_bytes(kept + bytes(-len(kept) % 512) + header + bytes(10240))
    with pytest.raises(SourceError, match=r"'train/sad/huge.png' unpacks to 2,147,483,648 bytes"):
        inspect_source(path)


@pytest.mark.parametrize("make", [make_zip, make_folder, make_tar])
@pytest.mark.parametrize("inner", ["fer.zip", "a/fer.tar.gz", "sad/more.7z", "x.rar"])
def test_an_archive_within_is_named(tmp_path, make, inner):
    source = inspect_source(make(tmp_path / "raw", USABLE | {inner: b"PK"}))
    assert set(found(source)) == set(USABLE)
    assert read_ignored(source) == {inner: "an archive, which is not opened: unpack it"}
    with pytest.raises(SourceError, match=r"no picture .*unpack it"):
        inspect_source(make(tmp_path / "only", {inner: b"PK"}))
