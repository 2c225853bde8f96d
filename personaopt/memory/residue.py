"""Overwrites what stands in the unused parts of a SQLite file's pages; run as a program of its own.

`PRAGMA secure_delete` overwrites what is deleted, but not the copies that stay behind where SQLite moved a row to
another page to balance its trees: they lie between the cell pointers and the cells, where nothing is read
(https://www.sqlite.org/fileformat2.html, section 1.6). Only those bytes are written here, and the bodies of free
blocks.

Whoever starts it holds the write lock and has emptied the write-ahead log, so that nobody else writes to the file. It
has to be another process: closing a file gives up all locks that a process holds on it, SQLite's too. It imports
nothing of the package, so that it starts quickly.
"""

from __future__ import annotations

import mmap
import os
import sys

_TREES = {0x02: 12, 0x05: 12, 0x0A: 8, 0x0D: 8}
"""The first byte of a page of a tree, and the size of its header. Other pages begin with the number of another one,
whose first byte is 0 in any file below 128 GB."""


def erase(path: str) -> int:
    """Overwrite the unused parts of all pages with zeros.

    Returns:
        How many bytes that were not zero before.

    Raises:
        OSError: The file cannot be written.
        ValueError: It is not a SQLite file.
    """
    with open(path, "r+b") as file:
        head = file.read(100)
        if head[:16] != b"SQLite format 3\x00":
            raise ValueError("not a SQLite file")
        size = int.from_bytes(head[16:18], "big")
        size = 65_536 if size == 1 else size
        usable = size - head[20]
        erased = 0
        with mmap.mmap(file.fileno(), 0) as pages:
            for start in range(0, len(pages) - size + 1, size):
                for begin, end in _unused(pages[start : start + usable], 100 if start == 0 else 0, usable):
                    left = pages[start + begin : start + end]
                    if left.count(0) != len(left):
                        erased += len(left) - left.count(0)
                        pages[start + begin : start + end] = bytes(len(left))
            if erased:
                pages.flush()
                os.fsync(file.fileno())
    return erased


def _unused(page: bytes, at: int, usable: int) -> list[tuple[int, int]]:
    """The unused parts of a page: from where to where. None of a page that is not as the format wants it."""
    header = _TREES.get(page[at])
    if header is None:
        return []
    cells = int.from_bytes(page[at + 3 : at + 5], "big")
    content = int.from_bytes(page[at + 5 : at + 7], "big") or 65_536
    gap = at + header + 2 * cells
    if not gap <= content <= usable:
        return []
    parts = [(gap, content)]
    block = int.from_bytes(page[at + 1 : at + 3], "big")
    while block:
        if not content <= block <= usable - 4:
            return []
        following, length = (int.from_bytes(page[place : place + 2], "big") for place in (block, block + 2))
        if length < 4 or block + length > usable or (following and following <= block):
            return []
        parts.append((block + 4, block + length))
        block = following
    return parts


if __name__ == "__main__":
    erase(sys.argv[1])
