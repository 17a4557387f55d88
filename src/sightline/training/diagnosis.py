"""What the curves of a run say, in sentences, each with what to try next.

The shapes are those of the Starter book (17) and its chapters on rates (16) and monitoring; the
thresholds are ours, tried on the recorded histories of tests/training/histories. Where nothing is
wrong, nothing is said.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from sightline.training.history import Curves, Facts, Floats, History, calm, read, steadiness

CONFIRM = 10  # epochs that the book lets a suspected overfitting go on before it is stopped
RATE = "train.optimizer.rate"


@dataclass(frozen=True)
class Remark:
    """One thing that a curve says.

    epoch     that it refers to, from 1
    kind      rate very high, rate high, rate low, spikes, not learning, stagnation, decay, underfit,
              overfit, validation better
    sentence  what is seen, with figures
    advice    what to try next
    """

    epoch: int
    kind: str
    sentence: str
    advice: str

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


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
        return [Remark(int(lost), "rate very high", sentence, _lower(curves, 10))]
    if len(curves) < 3:
        return []
    with np.errstate(all="ignore"):
        for alone in (_diverging, _not_learning):
            found = alone(curves, facts)
            if found is not None:
                return [found]
        rules: list[Callable[[Curves, Facts], Remark | None]] = [
            _spikes, _plateau, _slow, _overfit, _underfit, _validation_better,
        ]  # fmt: skip
        remarks = [remark for rule in rules if (remark := rule(curves, facts)) is not None]
    kinds = {remark.kind for remark in remarks}
    if "rate low" in kinds:
        remarks = [remark for remark in remarks if remark.kind != "underfit"]
    return sorted(remarks, key=lambda remark: remark.epoch)


def _say(value: float) -> str:
    """Three digits: 0.614, 2.31, 9e-05."""
    return f"{value:.3g}"


def _lower(curves: Curves, factor: int) -> str:
    rates = curves.rate[np.isfinite(curves.rate)]
    if not len(rates) or rates.max() <= 0:
        return f"Lower {RATE} by a factor of {factor}; gradient clipping or a warm-up also help."
    return (
        f"Lower {RATE} from {_say(rates.max())} to about {_say(rates.max() / factor)}; gradient "
        "clipping or a warm-up also help."
    )


def _higher(curves: Curves) -> str:
    rates = curves.rate[np.isfinite(curves.rate)]
    now = f" from {_say(rates.max())}" if len(rates) and rates.max() > 0 else ""
    return f"Raise {RATE}{now} by a factor of 10; `sightline rate find` suggests one."


def _diverging(curves: Curves, facts: Facts) -> Remark | None:
    """The red curve of figure 17.2: it drops, then rises and stays up; or is worse than guessing."""
    train, level = curves.train, curves.level
    lowest = int(np.argmin(train))
    after = level[lowest + 1 :]
    if len(after) >= 2 and after[-3:].min() > max(1.5 * level[lowest], level[lowest] + 0.25):
        up = lowest + 1 + int(np.argmax(after > 1.2 * level[lowest]))
        sentence = (
            f"Training loss fell to {_say(train[lowest])} in epoch {curves.epoch[lowest]}, then "
            f"rose and stays up ({_say(train[-1])} in epoch {curves.epoch[-1]}): the steps are so "
            "large that they lead away."
        )
        return Remark(int(curves.epoch[up]), "rate very high", sentence, _lower(curves, 10))
    if facts.classes > 1 and not facts.mixed and level[-3:].min() > 1.15:
        if steadiness(train[-4:]) > 0.9:  # it comes down from a bad start
            return None
        guess = float(np.log(facts.classes))
        sentence = (
            f"Training loss is {_say(train[-1])} in epoch {curves.epoch[-1]}, worse than guessing "
            f"({_say(guess)} for {facts.classes} classes)."
        )
        return Remark(int(curves.epoch[0]), "rate very high", sentence, _lower(curves, 10))
    return None


def _not_learning(curves: Curves, facts: Facts) -> Remark | None:
    """Flat at what guessing costs: thrown out by large steps, or hardly moved by small ones."""
    n = len(curves)
    end = slice(n - max(4, n // 2), n)
    if n < 5 or facts.classes < 2 or np.abs(curves.level[end] - 1).max() > 0.04:
        return None
    if _dropped(curves, n // 2) or _rising(curves):
        return None
    watched = curves.val if curves.validated else curves.train
    first, last = int(curves.epoch[0]), int(curves.epoch[-1])
    at = f"{_say(curves.train[-1])} in epoch {last}, and guessing costs {_say(np.log(facts.classes))}"
    if steadiness(watched) > 0.6:
        sentence = f"Training loss hardly moves ({_say(curves.train[0])} at first, {at})."
        return Remark(first, "rate low", sentence, _higher(curves))
    leapt = np.nanmax(curves.height[1:], initial=0) > 1.02 or curves.level[1:].max() > 1.005
    if leapt and curves.validated:
        sentence = f"Training loss stays at guessing ({at}), and leaps about without falling."
        return Remark(first, "rate high", sentence, _lower(curves, 10))
    sentence = f"Training loss stays at guessing ({at}): nothing is learnt."
    advice = (
        f"Try {RATE} ten times lower, then ten times higher; if neither learns, look at the labels "
        "and pictures (`sightline data show`)."
    )
    return Remark(first, "not learning", sentence, advice)


def _rising(curves: Curves) -> bool:
    """Whether the rate still warms up."""
    rate = curves.rate
    return bool(np.isfinite(rate[-2:]).all() and rate[-1] > rate[-2] * 1.001)


def _dropped(curves: Curves, at: int) -> float:
    """By what factor the rate has fallen at an index; 0 where by less than two."""
    before = curves.rate[: at + 1]
    before = before[np.isfinite(before)]
    if not len(before) or before[-1] <= 0:
        return 0.0
    factor = float(before.max() / before[-1])
    return factor if factor >= 2 else 0.0


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
        f"({_say(values[worst - 1])} to {_say(values[worst])}), and comes down again."
    )
    return Remark(int(curves.epoch[at[0]]), "spikes", sentence, _lower(curves, 3))


def _leaps(values: Floats, ratio: float, least: float) -> list[int]:
    """Indices of single values above both the ones before and the one after."""
    found = []
    for at in range(2, len(values) - 1):
        around = np.array([np.median(values[max(0, at - 3) : at]), values[at + 1]])
        top = float(around.max())
        if np.isfinite(top) and values[at] > ratio * top and values[at] - top > least:
            found.append(at)
    return found


def _plateau(curves: Curves, facts: Facts) -> Remark | None:
    """Where training stopped falling while its loss is high: a rate too high or dropped too soon."""
    n = len(curves)
    level, lowest = calm(curves.level), float(curves.level[-3:].min())
    if curves.validated:  # training that augments has a loss above what the network can do
        lowest = min(lowest, float(np.nanmin(curves.height[-3:], initial=np.inf)))
    noise = 3 * float(np.median(np.abs(np.diff(level[n // 2 :]))))
    room = min(0.04 * float(level[-1]), max(0.1 * float(level[0] - level[-1]), noise))
    flat = np.flatnonzero(level - float(np.median(level[-3:])) <= room)
    after = [at for at in flat if (level[at:] <= 1.04 * level[at]).all()]
    if facts.mixed or not after:
        return None
    start = int(after[0])
    length = n - start
    sank = float(np.median(level[-3:])) - float(level[start:].min())
    if length < max(6, 0.4 * n) or sank > max(room, 0.04 * level[-1]):
        return None
    dropped = _dropped(curves, min(start + 1, n - 1))
    epoch = int(curves.epoch[start])
    stays = f"From epoch {epoch} on training loss stays at {_say(curves.train[-1])}"
    if dropped:
        if lowest < 0.2:
            return None
        sentence = f"{stays}, soon after the rate has dropped to 1/{dropped:.3g} of its highest."
        advice = (
            "The rate decays too fast: let it drop later or by less (train.schedule.factor = 0.5, a "
            "longer train.schedule.every, or a cosine)."
        )
        return Remark(epoch, "decay", sentence, advice)
    if lowest < 0.3 or _dropped(curves, n - 1) or steadiness(level[start:]) > 0.6:
        return None
    if start <= n / 3:
        sentence = f"{stays}, after a fast fall: it has levelled off high."
        advice = f"{_lower(curves, 5)} If it levels off there too, the network is too small."
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
    if n < 6 or facts.mixed or level[-1] < 0.5 or _rising(curves):
        return None
    middle, pace = n // 2, float(level[0] - level[-1]) / (n - 1)
    first, second = float(level[0] - level[middle]), float(level[middle] - level[-1])
    linear = first > 0 and second >= 0.55 * first and steadiness(level) > 0.8
    left = max(0, facts.epochs - n)
    recent = float(level[-4] - level[-1]) / 3
    if not linear or max(pace, recent) > 0.03 or level[-1] - recent * left < 0.3:
        return None
    sentence = (
        f"Training loss falls slowly and nearly in a line, from {_say(curves.train[0])} in epoch "
        f"{curves.epoch[0]} to {_say(curves.train[-1])} in epoch {curves.epoch[-1]}."
    )
    return Remark(int(curves.epoch[0]), "rate low", sentence, _higher(curves))


def _overfit(curves: Curves, facts: Facts) -> Remark | None:  # noqa: ARG001
    """Validation loss rises, or stands still for long, while training loss goes on falling."""
    there = np.isfinite(curves.height)
    if there.sum() < 5:
        return None
    val, height, epoch = curves.val[there], curves.height[there], curves.epoch[there]
    train, level, goal = curves.train[there], curves.level[there], curves.goal[there]
    smooth = calm(height)
    best = int(np.argmin(smooth))
    best = best - 1 + int(np.argmin(height[max(0, best - 1) : best + 2])) if best else best
    last = len(height) - 1
    since, end = last - best, float(np.median(height[-3:]))
    gap, fell = end - float(level[-1]), 1 - float(level[-1] / max(level[best], 1e-12))
    rose = end - float(smooth[best])
    late = float(np.median(height[-max(3, since // 3) :]))
    clear = since >= 4 and min(end, late) > 1.1 * smooth[best] and rose > 0.04 and fell > 0.15
    figures = f"{_say(train[best])} to {_say(train[last])}"
    if clear and gap > 0.1:
        sentence = (
            f"After epoch {epoch[best]} validation loss rises ({_say(val[best])} to "
            f"{_say(val[last])} in epoch {epoch[last]}) while training loss still falls "
            f"({figures}): the network memorizes."
        )
        return Remark(int(epoch[best]), "overfit", sentence + _still_better(goal, best), _cure(since))
    if since < CONFIRM or fell < 0.3 or gap < 0.15 or _still_better(goal, best):
        return None
    sentence = (
        f"Since epoch {epoch[best]} validation loss has not improved ({_say(val[best])}, now "
        f"{_say(val[last])}) while training loss still falls ({figures}): overfitting begins."
    )
    return Remark(int(epoch[best]), "overfit", sentence, _cure(since))


def _still_better(goal: Floats, best: int) -> str:
    """A clause where the figure that counts went on improving after the loss did not."""
    before, after = goal[: best + 1], goal[best + 1 :]
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    spread = float(np.abs(before).max()) if len(before) else 0.0
    if not len(before) or not len(after) or after.max() <= before.max() + 0.02 * spread:
        return ""
    return (
        f" The figure to be bettered still rose ({_say(abs(before.max()))} to "
        f"{_say(abs(after.max()))}): answers grow too sure before they grow worse."
    )


def _cure(since: int) -> str:
    wait = f"Give it {CONFIRM - since} more epochs to be sure, then stop. " if since < CONFIRM else ""
    return (
        f"{wait}Try more augmentation, dropout or decay, more images, or a smaller network; or stop "
        "earlier and drop the rate later. The weights kept are those of the best epoch."
    )


def _underfit(curves: Curves, facts: Facts) -> Remark | None:
    """At the end the loss is high, and all still fall: more epochs, or a larger network."""
    n = len(curves)
    if n < 5 or facts.mixed or curves.epoch[-1] < facts.epochs:
        return None
    window = max(3, n // 5)
    level, height = calm(curves.level), calm(curves.height)
    lowest = float(level[-1])
    if curves.validated:
        lowest = min(lowest, float(height[-1])) if np.isfinite(height[-1]) else lowest
        if not height[-1] < 0.97 * height[-1 - window]:
            return None
    fell = 1 - float(level[-1] / level[-1 - window])
    annealed = (_dropped(curves, n - 1) or 1) > 3
    if lowest < (0.4 if annealed else 0.2) or fell < 0.08:
        return None
    both = "training and validation loss are" if curves.validated else "training loss is"
    figures = _say(curves.train[-1])
    figures += f" and {_say(curves.val[-1])}" if curves.validated else ""
    sentence = f"In epoch {curves.epoch[-1]} {both} high ({figures}) and still falling: it underfits."
    advice = (
        f"Train longer (`sightline resume RUN --set train.epochs={int(curves.epoch[-1]) * 2}`); "
        "then a larger network or less regularization."
    )
    return Remark(int(curves.epoch[-1]), "underfit", sentence, advice)


def _validation_better(curves: Curves, facts: Facts) -> Remark | None:
    """Validation above training to the end, by more than what is switched off there explains."""
    n = len(curves)
    if n < 6 or not curves.validated or facts.mixed:
        return None
    # a training figure is a mean over its epoch: half an epoch older than the validation's
    level = (curves.level[:-1] + curves.level[1:]) / 2
    own, goal = (curves.own[:-1] + curves.own[1:]) / 2, curves.goal[:-1]
    half = slice((n - 1) // 2, n - 1)
    height = curves.height[:-1]
    harder = bool(facts.regularizers) or facts.smoothing > 0
    share = facts.goal in ("+accuracy", "+f1")
    steps = np.abs(np.diff(curves.level))[half]
    if share and np.isfinite(own[half]).all() and np.isfinite(goal[half]).all():
        gaps = goal[half] - own[half]
        small = np.median(gaps) < (0.1 if harder else 0.03)
        figures = f"{goal[-1]:.1%} against {own[-1]:.1%} {facts.goal[1:]}"
    else:
        gaps = level[half] - height[half]
        small = np.median(height[half] / level[half]) > (0.5 if harder else 0.8)
        small = small or np.median(gaps) < (0.1 if harder else 0.05)
        figures = f"loss {_say(curves.val[-1])} against {_say(curves.train[-1])}"
    if small or not (gaps > 0).mean() >= 0.8 or np.median(steps) > np.median(level[half]) * 0.15:
        return None
    sentence = f"Validation is better than training to the end ({figures} in epoch {curves.epoch[-1]})."
    why = [*facts.regularizers, *(["label smoothing"] if facts.smoothing > 0 else [])]
    if why:
        advice = (
            f"{', '.join(why).capitalize()} make training harder than validation, here more than "
            "is needed: try less. Or the validation part is the easier one: draw it anew "
            "(--set data.seed=1). Or training is not hard enough: a higher rate."
        )
    else:
        advice = (
            "Nothing in the recipe makes training harder, so the validation part is probably the "
            "easier one: draw it anew (--set data.seed=1) and look for copies of training images "
            "(`sightline data check`). Or training is not hard enough: a higher rate."
        )
    return Remark(int(curves.epoch[half][0]), "validation better", sentence, advice)
