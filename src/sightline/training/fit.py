"""The training loop: the same for every task, and short enough to read at one sitting.

A task's `losses` yields (part, {name: loss}) one part at a time; after each, that part's gradients
are cleared, computed and applied, and the task goes on. That is all the loop knows of a task.
"""

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sightline import chance
from sightline.data.loader import Batch, Loader
from sightline.errors import Diverged
from sightline.tasks.task import is_better
from sightline.training.callbacks import Callback
from sightline.training.run import Run

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
    for callback in callbacks:
        callback.on_start(run)
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
    for batch in train.epoch(run.epoch, start=run.batch):
        step(run, batch)
        run.batch += 1
        if run.batch % READ_EVERY == 0:
            check_finite(run, train)
        for callback in callbacks:
            callback.on_step(run)
        if run.stop:
            break
    check_finite(run, train)
    if run.batch < len(train):  # stopped inside the epoch; what is done stays done
        run.seconds += time.perf_counter() - started
        return
    record = {
        "epoch": run.epoch + 1,
        "train": {name: float(total) / len(train) for name, total in run.sums.items()},
        "rate": {part: run.rates[part](steps - 1) for part, steps in run.steps.items()},
    }
    if validate is not None:
        record["val"] = figures = validate(run)
        if is_better(run.task.goal, figures, run.best_figures):
            state = run.model.state_dict()
            run.best = {name: value.detach().to("cpu", copy=True) for name, value in state.items()}
            run.best_epoch, run.best_figures = run.epoch + 1, figures
    run.epoch, run.batch, run.sums = run.epoch + 1, 0, {}
    run.seconds += time.perf_counter() - started
    run.history.append(record | {"seconds": run.seconds})
    for callback in callbacks:
        callback.on_epoch(run)


def step(run: Run, batch: Batch) -> None:
    """One batch: every part the task yields is stepped once."""
    # Chance inside the model is a function of (seed, step): resuming needs no generator's state.
    seed = chance.seed_of(run.seed, sum(run.steps.values()), "model")
    if run.device.type == "cpu":
        torch.default_generator.manual_seed(seed)  # 1 µs; the general one costs ten times that
    else:
        torch.manual_seed(seed)
    with run.autocast():
        for part, losses in run.task.losses(run.model, batch):
            with torch.autocast(run.device.type, enabled=False):
                _apply(run, part, losses)


def _apply(run: Run, part: str, losses: dict[str, Tensor]) -> None:
    optimizer, done = run.optimizers[part], run.steps.get(part, 0)
    rate = run.rates[part](done)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    optimizer.step()
    torch.clear_autocast_cache()  # it holds the weights as they were; the next part must not
    run.steps[part] = done + 1
    for name, loss in losses.items():
        key = name if part == "model" else f"{part}/{name}"
        value = loss.detach()
        value = value if value.device.type == "mps" else value.double()
        run.sums[key] = run.sums[key] + value if key in run.sums else value


def check_finite(run: Run, train: Loader) -> None:
    """Raise Diverged once any loss has become nan or infinite; the sums on the device show it."""
    bad = [name for name, total in run.sums.items() if not bool(torch.isfinite(total))]
    if not bad:
        return
    first = max(0, run.batch - READ_EVERY)
    sources = ", ".join(train.dataset.source(int(i)) for i in train.rows(run.epoch, first)[:3])
    raise Diverged(
        f"{', '.join(bad)} became nan or infinite in epoch {run.epoch + 1}, between batches "
        f"{first + 1} and {run.batch} (which begin with {sources}); lower train.optimizer.rate"
    )
