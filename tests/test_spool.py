"""Temporary files: bytes written once and read any number of times."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from importsvc import spool
from importsvc.errors import DiskFull
from importsvc.spool import SpooledFile


@pytest.mark.parametrize("in_memory", [0, 5, 100], ids=["in a file", "in both", "in memory"])
def test_each_reader_has_a_position_of_its_own(monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", in_memory)
    content = SpooledFile("a.csv")
    for part in (b"abc", b"defg", b"", b"h"):
        content.write(part)

    with content.open() as one, content.open() as other:
        assert (one.read(4), other.read(2), one.read(), other.read()) == (b"abcd", b"ab", b"efgh", b"cdefgh")
        assert one.seek(-3, io.SEEK_END) == 5
        assert one.read() == b"fgh"
        assert one.seek(0) == 0
        assert one.seek(2, io.SEEK_CUR) == 2
        assert one.readline() == b"cdefgh"
        with pytest.raises(ValueError, match=r"position|negative seek"):
            one.seek(-1)
    assert (content.size, content.name) == (8, "a.csv")
    with content.open() as again:
        assert again.read() == b"abcdefgh"


def test_a_large_file_is_not_in_memory_and_has_no_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    content = SpooledFile()

    content.write(b"x" * (spool.IN_MEMORY + 1))

    assert not content._memory
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it takes a device that is full")
def test_a_full_disk_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_full_device(buffering: int) -> Any:
        return Path("/dev/full").open("wb", buffering=buffering)

    monkeypatch.setattr("tempfile.TemporaryFile", open_full_device)

    with pytest.raises(DiskFull):
        SpooledFile().write(b"x" * (spool.IN_MEMORY + 1))


def test_a_reader_outlives_what_it_was_opened_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", 0)
    content = SpooledFile()
    content.write(b"abc")
    reader = content.open()

    del content

    assert reader.read() == b"abc"
