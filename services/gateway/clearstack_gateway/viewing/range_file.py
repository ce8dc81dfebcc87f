"""An object of the store as a file that can be read anywhere, with little of it in memory."""

import io
from collections import OrderedDict
from collections.abc import Callable

_BLOCK_BYTES = 64 << 10
_MOST_BLOCKS = 64
# The heads of a file's pages are small and many; pixels are large and read once.
_LARGE_BYTES = 4 * _BLOCK_BYTES


class RangeFile(io.RawIOBase):
    """Reads on demand; small reads by blocks, which are kept for a while.

    Args:
        read_range: Gives the bytes from an offset, as many as asked for unless the object ends.
        size: Of the object in bytes.
    """

    def __init__(self, read_range: Callable[[int, int], bytes], size: int) -> None:
        super().__init__()
        self._read_range = read_range
        self._size = size
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to an offset."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise OSError(f"seek to byte {origin + offset}")
        self._position = origin + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes; fewer at the end alone."""
        left = max(self._size - self._position, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._large(wanted) if wanted >= _LARGE_BYTES else self._small(wanted)
        self._position += len(data)
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fills the buffer as far as there is something."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _large(self, size: int) -> bytes:
        return self._read_range(self._position, size)

    def _small(self, size: int) -> bytes:
        first, last = self._position // _BLOCK_BYTES, (self._position + size - 1) // _BLOCK_BYTES
        joined = b"".join(self._block(number) for number in range(first, last + 1))
        start = self._position - first * _BLOCK_BYTES
        return joined[start : start + size]

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * _BLOCK_BYTES
            self._blocks[number] = self._read_range(start, min(_BLOCK_BYTES, self._size - start))
            if len(self._blocks) > _MOST_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]
