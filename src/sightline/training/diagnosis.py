"""What the curves of a run say, in sentences, each with what to try next.

The shapes are those of the Starter book (17) and its chapters on rates (16) and monitoring; the
thresholds are ours, tried on the recorded histories of tests/training/histories. Where nothing is
wrong, nothing is said.
"""

from collections.abc import Callable

import numpy as np

from sightline.training.fitting import overfit, underfit, validation_better
from sightline.training.history import Curves, Facts, Floats, History, calm, read, steadiness
from sightline.training.remarks import RATE, Remark, dropped, higher, lower, rising, say


def diagnose(history: History, facts: Facts | None = None) -> list[Remark]:
    """What the history says, by epoch; nothing where all is well or it is too early to tell.

    history  a mapping an epoch: {"epoch", "train": {"loss", ...}, "val": {"loss", ...}, "rate":
             {part: value}}; all but the first may be missing, values may be anything
    """
    facts = facts or Facts()
    curves = read(history, facts)
    broken = [entry["epoch"] for entry in history if "loss" in (entry.get("train") or {})]
    lost = next((at for at in broken if at not in curves.epoch), None)
    if lost is not None:
        sentence = f"In epoch {lost} the training loss is no longer a number."
        return [Remark(int(lost), "rate very high", sentence, lower(curves, 10))]
    if len(curves) < 3:
        return []
    with np.errstate(all="ignore"):
        for alone in (_diverging, _not_learning):
            found = alone(curves, facts)
            if found is not None:
                return [found]
        rules: list[Callable[[Curves, Facts], Remark | None]] = [
            _spikes, _plateau, _slow, overfit, underfit, validation_better,
        ]  # fmt: skip
        remarks = [remark for rule in rules if (remark := rule(curves, facts)) is not None]
    kinds = {remark.kind for remark in remarks}
    if "rate low" in kinds:
        remarks = [remark for remark in remarks if remark.kind != "underfit"]
    return sorted(remarks, key=lambda remark: remark.epoch)


def _diverging(curves: Curves, facts: Facts) -> Remark | None:
    """The red curve of figure 17.2: it drops, then rises and stays up; or worse than guessing."""
    train, level = curves.train, curves.level
    lowest = int(np.argmin(train))
    after = level[lowest + 1 :]
    if len(after) >= 2 and after[-3:].min() > max(1.5 * level[lowest], level[lowest] + 0.25):
        up = lowest + 1 + int(np.argmax(after > 1.2 * level[lowest]))
        sentence = (
            f"Training loss fell to {say(train[lowest])} in epoch {curves.epoch[lowest]}, then "
            f"rose and stays up ({say(train[-1])} in epoch {curves.epoch[-1]}): the steps are so "
            "large that they lead away."
        )
        return Remark(int(curves.epoch[up]), "rate very high", sentence, lower(curves, 10))
    if facts.classes > 1 and not facts.mixed and level[-3:].min() > 1.15:
        if steadiness(train[-4:]) > 0.9:  # it comes down from a bad start
            return None
        guess = float(np.log(facts.classes))
        sentence = (
            f"Training loss is {say(train[-1])} in epoch {curves.epoch[-1]}, worse than guessing "
            f"({say(guess)} for {facts.classes} classes)."
        )
        return Remark(int(curves.epoch[0]), "rate very high", sentence, lower(curves, 10))
    return None


def _not_learning(curves: Curves, facts: Facts) -> Remark | None:
    """Flat at what guessing costs: thrown out by large steps, or hardly moved by small ones."""
    n = len(curves)
    end = slice(n - max(4, n // 2), n)
    if n < 5 or facts.classes < 2 or np.abs(curves.level[end] - 1).max() > 0.04:
        return None
    if dropped(curves, n // 2) or rising(curves):
        return None
    watched = curves.val if curves.validated else curves.train
    first, last = int(curves.epoch[0]), int(curves.epoch[-1])
    guess = f"guessing costs {np.log(facts.classes):.4g}"
    at = f"{curves.train[-1]:.4g} in epoch {last}, and {guess}"
    if steadiness(watched) > 0.6:
        sentence = f"Training loss hardly moves ({curves.train[0]:.4g} at first, {at})."
        return Remark(first, "rate low", sentence, higher(curves))
    leapt = np.nanmax(curves.height[1:], initial=0) > 1.02 or curves.level[1:].max() > 1.005
    if leapt and curves.validated:
        sentence = f"Training loss stays at guessing ({at}), and leaps about without falling."
        return Remark(first, "rate high", sentence, lower(curves, 10))
    sentence = f"Training loss stays at guessing ({at}): nothing is learnt."
    advice = (
        f"Try {RATE} ten times lower, then ten times higher; if neither learns, look at the labels "
        "and pictures (`sightline data show`)."
    )
    return Remark(first, "not learning", sentence, advice)


def _spikes(curves: Curves, facts: Facts) -> Remark | None:  # noqa: ARG001
    """Leaps of the training loss; of the validation loss where many come late."""
    n = len(curves)
    if n < 6:
        return None
    train = _leaps(curves.level, 1.3, 0.1)
    grown = np.flatnonzero(np.diff(curves.rate) > 0) + 1  # a warm restart explains what follows
    train = [at for at in train if at not in grown and at - 1 not in grown]
    late = [at for at in _leaps(curves.height, 2.0, 0.1) if at >= n // 2]
    if len(train) >= 2:
        at, values, what = train, curves.train, "Training"
    elif len(late) >= max(3, n // 8):
        at, values, what = late, curves.val, "Validation"
    else:
        return None
    worst = max(at, key=lambda i: float(values[i] - values[i - 1]))
    sentence = (
        f"{what} loss leaps up in {len(at)} epochs, most in epoch {curves.epoch[worst]} "
        f"({say(values[worst - 1])} to {say(values[worst])}), and comes down again."
    )
    return Remark(int(curves.epoch[at[0]]), "spikes", sentence, lower(curves, 3))


def _leaps(values: Floats, ratio: float, least: float) -> list[int]:
    """Indices of single values above both the ones before and the one after."""
    found = []
    for at in range(2, len(values) - 1):
        around = np.array([np.median(values[max(0, at - 3) : at]), values[at + 1]])
        top = float(around.max())
        if np.isfinite(top) and values[at] > ratio * top and values[at] - top > least:
            found.append(at)
    return found


def _flat_from(curves: Curves) -> int | None:
    """The index from which training stands still to the end, if for a good part of the run."""
    n, level = len(curves), calm(curves.level)
    end = float(np.median(level[-3:]))
    noise = 3 * float(np.median(np.abs(np.diff(level[n // 2 :]))))
    room = min(0.04 * float(level[-1]), max(0.1 * float(level[0] - level[-1]), noise))
    low = np.flatnonzero(level - end <= room)
    starts = [at for at in low if (level[at:] <= 1.04 * level[at]).all()]
    if not starts:
        return None
    start = int(starts[0])
    sank = end - float(level[start:].min())
    if n - start < max(6, 0.4 * n) or sank > max(room, 0.04 * float(level[-1])):
        return None
    return start


def _plateau(curves: Curves, facts: Facts) -> Remark | None:
    """Training stopped falling while its loss is high: a rate too high, or dropped too soon."""
    start, n = _flat_from(curves), len(curves)
    if facts.mixed or start is None:
        return None
    low = float(curves.level[-3:].min())
    if curves.validated:  # training that augments has a loss above what the network can do
        low = min(low, float(np.nanmin(curves.height[-3:], initial=np.inf)))
    factor = dropped(curves, min(start + 1, n - 1))
    epoch = int(curves.epoch[start])
    stays = f"From epoch {epoch} on training loss stays at {say(curves.train[-1])}"
    if factor and low >= 0.2:
        sentence = f"{stays}, soon after the rate has dropped to 1/{factor:.3g} of its highest."
        advice = (
            "The rate decays too fast: let it drop later or by less (train.schedule.factor = 0.5, "
            "a longer train.schedule.every, or a cosine)."
        )
        return Remark(epoch, "decay", sentence, advice)
    late = calm(curves.level)[(start + n) // 2 :]
    sinking = steadiness(late) > 0.6 and late[0] - late[-1] > 0.005 * late[-1]
    if factor or low < 0.3 or sinking or dropped(curves, n - 1):
        return None
    if start <= n / 3:
        sentence = f"{stays}, after a fast fall: it has levelled off high."
        advice = f"{lower(curves, 5)} If it levels off there too, the network is too small."
        return Remark(epoch, "rate high", sentence, advice)
    advice = (
        f"Divide {RATE} by 10 from here (Ctrl-C, then `sightline resume RUN --set {RATE}=…`); if "
        "that does not help, take a larger network or less regularization."
    )
    return Remark(epoch, "stagnation", f"{stays}, and that is high.", advice)


def _slow(curves: Curves, facts: Facts) -> Remark | None:
    """The blue curve of figure 17.2: it falls slowly, and nearly in a line."""
    n = len(curves)
    level = calm(curves.level)
    if n < 6 or facts.mixed or level[-1] < 0.5 or rising(curves):
        return None
    middle, pace = n // 2, float(level[0] - level[-1]) / (n - 1)
    first, second = float(level[0] - level[middle]), float(level[middle] - level[-1])
    linear = first > 0 and second >= 0.55 * first and steadiness(level) > 0.8
    left = max(0, facts.epochs - n)
    recent = float(level[-4] - level[-1]) / 3
    if not linear or max(pace, recent) > 0.03 or level[-1] - recent * left < 0.3:
        return None
    sentence = (
        f"Training loss falls slowly and nearly in a line, from {say(curves.train[0])} in epoch "
        f"{curves.epoch[0]} to {say(curves.train[-1])} in epoch {curves.epoch[-1]}."
    )
    return Remark(int(curves.epoch[0]), "rate low", sentence, higher(curves))
