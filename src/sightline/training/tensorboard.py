"""TensorBoard's logs of a run, where the `tensorboard` extra is installed (Apache-2.0)."""

from pathlib import Path
from typing import Any, final

from sightline.errors import RecipeError
from sightline.training.callbacks import Callback
from sightline.training.run import Run


def require_tensorboard() -> Any:
    """The class that writes logs. Raises RecipeError where the extra is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"train.tensorboard needs {error.name}; install it with: "
            "pip install 'sightline[tensorboard]'"
        ) from None
    return SummaryWriter


@final
class TensorBoard(Callback):
    """Writes every figure of an epoch as a scalar: loss/train, loss/val, rate/model, seconds.

    Epochs that a resumed run trains again replace those written before. Raises RecipeError when
    made where the extra is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._writes = folder, require_tensorboard()
        self._writer: Any = None

    def on_start(self, run: Run) -> None:
        self._writer = self._writes(str(self.folder), purge_step=run.epoch + 1)

    def on_epoch(self, run: Run) -> None:
        last = run.history[-1]
        for part in ("train", "val", "rate"):
            for name, value in last.get(part, {}).items():
                tag = f"rate/{name}" if part == "rate" else f"{name}/{part}"
                self._writer.add_scalar(tag, value, last["epoch"])
        self._writer.add_scalar("seconds", last["seconds"], last["epoch"])
        self._writer.flush()

    def on_end(self, run: Run) -> None:  # noqa: ARG002
        self._writer.close()
