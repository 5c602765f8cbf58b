"""The log of a training: a table for people and programs, and TensorBoard's."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from torch.utils.tensorboard import SummaryWriter


class Epoch(NamedTuple):
    """What happened in an epoch (counted from 1); errors are on the 0..1 scale."""

    epoch: int
    train_loss: float
    validation_rmse: float
    validation_pcc: float
    learning_rate: float
    seconds: float


OnEpoch = Callable[[Epoch], None]


class Log:
    """Writes epochs to `log.csv` and, for TensorBoard, to `tensorboard/`.

    Rows after `resumed_at` epochs, which a resumed training does again, are taken out first.
    """

    def __init__(self, folder: Path, resumed_at: int = 0) -> None:
        self._path = folder / "log.csv"
        rows = [epoch for epoch in read_log(folder) if epoch.epoch <= resumed_at]
        with self._path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(Epoch._fields)
            writer.writerows(rows)
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=resumed_at + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._board.close()

    def add(self, epoch: Epoch) -> None:
        """Append an epoch."""
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(epoch)
        for name, value in zip(epoch._fields[1:], epoch[1:], strict=True):
            self._board.add_scalar(name, value, epoch.epoch)
        self._board.flush()


def read_log(folder: Path) -> list[Epoch]:
    """Read the epochs in `folder`'s `log.csv`; none when there is no such file."""
    path = folder / "log.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [Epoch(int(row[0]), *map(float, row[1:])) for row in rows]
