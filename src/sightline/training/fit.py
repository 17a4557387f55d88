"""The training loop: the same for every task, and short enough to read at one sitting.

A task's `losses` yields (part, {name: loss}) one part at a time; after each, that part's gradients
are cleared, computed and applied (`step.py`), and the task goes on. The loop knows no more of it.
"""

import time
from collections.abc import Callable, Sequence

from sightline.data.loader import Loader
from sightline.errors import UnknownName
from sightline.tasks.task import is_better
from sightline.training.callbacks import Callback
from sightline.training.plateau import see_all
from sightline.training.run import Run
from sightline.training.step import step

READ_EVERY = 50  # steps between looks at the losses on the device; each look waits for it
Validate = Callable[[Run], dict[str, float]]


def fit(
    run: Run,
    train: Loader,
    validate: Validate | None,
    epochs: int,
    callbacks: Sequence[Callback] = (),
) -> Run:
    """Train until `epochs` are done or a callback sets `run.stop`; returns the run.

    `validate` gives the figures of the epoch, {"accuracy": ...}; without it nothing is chosen and
    the last epoch's weights stand. Interrupted between any two steps, the run goes on from there.
    """
    run.sources = lambda epoch, number: [
        train.dataset.source(int(row)) for row in train.rows(epoch, number)
    ]
    run.processes.share(list(run.model.state_dict().values()))
    see_all(run.rates.values(), run.history)
    run.enter_stage(run.epoch)
    for callback in callbacks:
        callback.on_start(run)
    _stopped(run)
    while run.epoch < epochs and not run.stop:
        _epoch(run, train, validate, callbacks)
    for callback in callbacks:
        callback.on_end(run)
    return run


def _epoch(
    run: Run, train: Loader, validate: Validate | None, callbacks: Sequence[Callback]
) -> None:
    started = time.perf_counter()
    run.model.train()
    for pieces in train.steps(run.epoch, start=run.batch):
        step(run, pieces)
        run.batch += 1
        look = run.batch % READ_EVERY == 0
        if look:
            run.read_losses()
        started = _clock(run, started)
        for callback in callbacks:
            callback.on_step(run)
        if _stopped(run, look):
            break
    run.read_losses()
    if run.batch >= len(train):  # else stopped inside the epoch; what is done stays done
        _share_statistics(run)
        record = {"epoch": run.epoch + 1} | _learned(run) | _validated(run, validate)
        run.epoch, run.batch, run.sums = run.epoch + 1, 0, {}
        run.history.append(record)
    _clock(run, started)
    if run.batch == 0:
        run.history[-1]["seconds"] = run.seconds
        see_all(run.rates.values(), run.history)
        run.enter_stage(
            run.epoch
        )  # before a checkpoint is written, which holds the optimizers of the next
        for callback in callbacks:
            callback.on_epoch(run)
        _stopped(run)


def _clock(run: Run, since: float) -> float:
    """Add the time that has passed to the run's, so that every checkpoint has it; the time now."""
    now = time.perf_counter()
    run.seconds += now - since
    return now


def _stopped(run: Run, look: bool = True) -> bool:
    """Whether it is time to stop; where one of several processes says so, all do at the same
    step. On GPUs they ask one another only now and then, since that waits for the device."""
    if run.processes.size > 1 and run.device.type != "cpu" and not look:
        return False
    run.stop = run.processes.any(run.stop or run.interrupted)
    return run.stop


def _share_statistics(run: Run) -> None:
    """Give all processes the first one's statistics of batch norm; figures would differ else."""
    buffers = dict(run.model.named_buffers())
    averaged = [value for name, value in run.average.items() if name in buffers]
    run.processes.share([*buffers.values(), *averaged])


def _learned(run: Run) -> dict[str, dict[str, float]]:
    """What the epoch's steps have shown."""
    losses = {name: total / max(count, 1e-12) for name, (total, count) in run.sums.items()}
    if run.rules.penalty:
        weights = [p for p in run.model.parameters() if p.requires_grad]
        losses["penalty"] = run.rules.penalty.value(weights).detach().item()
    rates = {part: run.rates[part](steps - 1) for part, steps in run.steps.items()}
    return {"train": losses, "rate": rates}


def _validated(run: Run, validate: Validate | None) -> dict[str, dict[str, float]]:
    """The epoch's figures; the weights that had the best ones are kept."""
    if validate is None:
        return {}
    with run.validated():
        figures = validate(run)
        if run.goal[1:] not in figures:
            raise UnknownName("figure in train.goal", run.goal[1:], figures)
        if is_better(run.goal, figures, run.best_figures):
            state = run.model.state_dict()
            run.best = {name: value.detach().to("cpu", copy=True) for name, value in state.items()}
            run.best_epoch, run.best_figures = run.epoch + 1, figures
    return {"val": figures}
