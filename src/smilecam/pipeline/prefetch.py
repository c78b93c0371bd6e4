"""An iterator that runs in a thread of its own, a few items ahead of its consumer."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Self, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.5
"""On Windows, no signal interrupts a wait, so waits are short."""

JOIN_SECONDS = 2.0


class Prefetcher(Generic[T]):
    """Iterates ``items`` in a thread, at most ``size`` items ahead; use it in a ``with`` block.

    An exception of the items is raised where they are taken. Leaving the block ends the thread as soon as the current
    item is finished; the iterator is closed in the thread that ran it. ``cancel`` keeps that from taking long. A thread
    that is still busy after two seconds is left to itself, so what it reads must be safe to close meanwhile, as
    every ``Source`` is.
    """

    def __init__(
        self,
        items: Iterable[T],
        size: int,
        cancel: Callable[[], object] = lambda: None,
        weigh: Callable[[T], int] = lambda _item: 0,
        most: int = 0,
    ) -> None:
        """Prepare; the thread starts when the block is entered.

        Args:
            items: to iterate.
            size: maximum number of items that wait.
            cancel: called by ``stop``, in its thread: ends an item that takes long, as ``Source.close`` does.
            weigh: what an item takes of memory, in any unit.
            most: maximum weight of all items that wait; a single one may be heavier.
        """
        self._items, self._size, self._cancel, self._weigh, self._most = items, size, cancel, weigh, most
        self._weight = 0
        self._ready: deque[T] = deque()
        self._condition = threading.Condition()
        self._ended = self._stopped = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="smilecam-prefetch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        # Where a program ends inside the block, Python would kill the thread inside a library, which may then abort.
        atexit.register(self._end)
        return self

    def __exit__(self, *_: object) -> None:
        atexit.unregister(self._end)
        self._end()

    def _end(self) -> None:
        self.stop()
        self._thread.join(JOIN_SECONDS)

    def stop(self) -> None:
        """Produce no more items, and give none out."""
        with self._condition:
            self._stopped = True
            self._ready.clear()  # frames, which may be large
            self._condition.notify_all()
        self._cancel()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._condition:
                while not (self._ready or self._ended or self._stopped):
                    self._condition.wait(POLL_SECONDS)
                if self._stopped or not self._ready:
                    break
                item = self._ready.popleft()
                self._weight -= self._weigh(item)
                if len(self._ready) <= self._size // 2:  # a thread that is woken for each item costs more than it makes
                    self._condition.notify_all()
            yield item
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _run(self) -> None:
        try:
            self._produce()
        except BaseException as error:  # noqa: BLE001 - a thread's edge: raised where the items are taken
            self._failure = error
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def _produce(self) -> None:
        iterator = iter(self._items)
        try:
            for item in iterator:
                if not self._offer(item):
                    break
        finally:
            close = getattr(iterator, "close", None)
            if close:
                close()

    def _offer(self, item: T) -> bool:
        """Wait for room and add an item; False if nobody takes items any more."""
        weight = self._weigh(item)
        with self._condition:
            while self._is_full(weight) and not self._stopped:
                self._condition.wait()
            if not self._stopped:
                self._ready.append(item)
                self._weight += weight
                self._condition.notify_all()
            return not self._stopped

    def _is_full(self, weight: int) -> bool:
        """Whether there is no room for an item of a weight."""
        return len(self._ready) >= self._size or (bool(self._ready) and self._weight + weight > self._most > 0)
