"""Checksums of what is stored, so that a byte that changed on the disk is refused instead of believed.

SQLite notices when the structure of a file is damaged, and not when a value inside it is. A checksum covers the value
and the row it belongs to, so that neither can be taken for another's.
"""

from zlib import crc32


def item_checksum(row: int, name: str, text: str | None, payload: str) -> int:
    """CRC-32 of an item.

    >>> item_checksum(1, "a", None, "{}") == item_checksum(2, "a", None, "{}")
    False
    """
    return crc32(f"{row}\0{name}\0{text}\0{payload}".encode())


def vector_checksum(row: int, part: int, value: bytes) -> int:
    """CRC-32 of the bytes of a vector.

    >>> vector_checksum(1, 0, b"-1.5") == vector_checksum(1, 1, b"-1.5")
    False
    """
    return crc32(b"%d %d" % (row, part), crc32(value))


def meta_checksum(key: str, value: str) -> int:
    """CRC-32 of an entry of `meta`."""
    return crc32(f"{key}\0{value}".encode())
