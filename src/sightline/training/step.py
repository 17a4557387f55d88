"""One optimizer step, whole or divided among micro-batches and processes, to the same result.

Alone, losses are divided by their counts and followed backward. Divided, the gradients of totals
are added up over pieces and processes, and divided once by the count of the whole step: a mean over
images, known labels or matched boxes is then the mean of the step, not of its pieces.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline import chance
from sightline.data.loader import Batch
from sightline.data.transfer import sent
from sightline.processes import Processes
from sightline.tasks import Losses
from sightline.tasks.task import Ratio
from sightline.training.attack import Attack
from sightline.training.run import Run, Seen

Yielded = tuple[str, Losses]
Shown = dict[str, tuple[Tensor, Tensor | int]]  # total and count of each loss, by its name


def step(run: Run, pieces: Sequence[Batch]) -> None:
    """One batch in its pieces: every part that the task yields is stepped once."""
    # Chance inside the model is a function of (seed, step, rank): resuming needs no state of it.
    done, rank = sum(run.steps.values()), run.processes.rank
    seed = chance.seed_of(run.seed, done, f"model-{rank}" if rank else "model")
    if run.device.type == "cpu":
        torch.default_generator.manual_seed(seed)  # 1 µs; the general one costs ten times that
    else:
        torch.manual_seed(seed)
    if run.rules.attack is not None:
        pieces = [_attacked(run, run.rules.attack, piece) for piece in pieces]
    turns = [run.task.losses(run.model, piece) for piece in pieces]
    with run.autocast():
        while _turn(run, turns, pieces):
            torch.clear_autocast_cache()  # it holds the weights as they were before the step
    _average(run)


def _attacked(run: Run, attack: Attack, batch: Batch) -> Batch:
    """The batch with its inputs moved against the network as it is now: in evaluation, so that
    batch norm learns nothing on the way there and dropout leaves all as it is."""
    labels = batch.labels
    assert labels is not None, "of classification, which was checked when the run was made"

    def loss(inputs: Tensor) -> Tensor:
        with run.autocast():
            outputs = run.model(inputs)
        return F.cross_entropy(outputs.float(), labels, reduction="sum")

    run.model.eval()
    try:
        return replace(batch, inputs=attack.examples(loss, batch.inputs))
    finally:
        run.model.train()


def _turn(run: Run, turns: Sequence[Iterator[Yielded]], pieces: Sequence[Batch]) -> bool:
    """Step the part that every piece yields next; False once they yield no more.

    Each piece's graph is gone before the next one's forward pass, which is what pieces are for.
    """
    divided = len(pieces) > 1 or run.processes.size > 1
    part = ""
    shown: Shown = {}
    count: Tensor | int = 0
    for number, (turn, piece) in enumerate(zip(turns, pieces, strict=True)):
        found = next(turn, None)
        if found is None:
            return False
        part, losses = found
        with torch.autocast(run.device.type, enabled=False):
            if number == 0:
                run.optimizers[part].zero_grad(set_to_none=True)
            images = len(piece.indices)
            more = _backward(losses, images, divided)
            count = count + more
            _show(shown, part, losses, images)
    with torch.autocast(run.device.type, enabled=False):
        if divided:
            _bring_together(run, part, count, shown)
        _follow(run, part)
    run.seen.append(Seen(run.batch, shown))
    return True


def _backward(losses: Losses, images: int, divided: bool) -> Tensor | int:
    """Add a piece's gradients, of means or, if the step is divided, of totals; their count."""
    trained = {n: v for n, v in losses.items() if _total(v).requires_grad}
    counts = {id(v.count): v.count for v in trained.values() if isinstance(v, Ratio)}
    plain = any(isinstance(v, Tensor) for v in trained.values())
    if not trained or len(counts) + plain > 1:
        raise ValueError(
            f"the losses {', '.join(trained or losses)} need gradients, and one count for all"
        )
    totals = [_total(value) for value in trained.values()]
    total = totals[0] if len(totals) == 1 else torch.stack(totals).sum()
    if plain:
        (total * images if divided else total).backward()
        return images
    (count,) = counts.values()
    (total if divided else total / _divisor(count)).backward()
    return count


def _total(value: Tensor | Ratio) -> Tensor:
    return value.total if isinstance(value, Ratio) else value


def _divisor(count: Tensor) -> Tensor:
    """The count, or 1 where nothing was counted and the total is 0."""
    return torch.where(count > 0, count, 1)


def _show(shown: Shown, part: str, losses: Losses, images: int) -> None:
    """Add a piece's losses to those of the step; nothing is read from the device."""
    for name, value in losses.items():
        key = name if part == "model" else f"{part}/{name}"
        total = value.total.detach() if isinstance(value, Ratio) else value.detach() * images
        count = value.count if isinstance(value, Ratio) else images
        if key in shown:
            total, count = shown[key][0] + total, shown[key][1] + count
        shown[key] = total, count


def _bring_together(run: Run, part: str, count: Tensor | int, shown: Shown) -> None:
    """Add up a part's gradients over all processes, and divide them by the count of the step."""
    parameters = _parameters(run, part)
    if run.processes.size > 1:
        for parameter in parameters:  # every process must bring the same ones
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        count = _added(run.processes, parameters, count, shown)
    gradients = [p.grad for p in parameters if p.grad is not None]
    divisor = _divisor(count) if isinstance(count, Tensor) else torch.tensor(float(count))
    torch._foreach_div_(gradients, sent(divisor.to(torch.float32), gradients[0].device))


def _added(
    processes: Processes, parameters: Sequence[Tensor], count: Tensor | int, shown: Shown
) -> Tensor:
    """The count over all processes; gradients and what is shown are added up on the same way."""
    device = parameters[0].device
    numbers = [value for pair in shown.values() for value in pair]
    words = torch.stack(
        [sent(torch.as_tensor(v, dtype=torch.float32), device) for v in (count, *numbers)]
    )
    processes.add([*(p.grad for p in parameters if p.grad is not None), words])
    for place, name in enumerate(shown):
        shown[name] = words[1 + 2 * place], words[2 + 2 * place]
    return words[0]


def _parameters(run: Run, part: str) -> list[Tensor]:
    return [p for group in run.optimizers[part].param_groups for p in group["params"]]


def _follow(run: Run, part: str) -> None:
    """Step a part's optimizer at the rate of its own step."""
    optimizer, done, rules = run.optimizers[part], run.steps.get(part, 0), run.rules
    rate = run.rates[part](done)
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)
    if rules.penalty or rules.clip:
        parameters = _parameters(run, part)
        if rules.penalty:
            rules.penalty.add_to_gradients(parameters)
        if rules.clip:
            torch.nn.utils.clip_grad_norm_(parameters, rules.clip, foreach=True)
    optimizer.step()
    run.steps[part] = done + 1


def _average(run: Run) -> None:
    """Move the averaged weights towards the weights; quickly at first, so that the start is
    forgotten."""
    if not run.rules.average:
        return
    state = run.model.state_dict()
    state = {name: value for name, value in state.items() if value.is_floating_point()}
    if not run.average:
        run.average = {name: value.clone() for name, value in state.items()}
        return
    done = sum(run.steps.values())
    decay = min(run.rules.average, (1 + done) / (10 + done))
    now = [state[name] for name in run.average]
    torch._foreach_lerp_(list(run.average.values()), now, 1 - decay)
