"""How training and validation compare: overfitting, underfitting, validation the better one."""

import numpy as np

from sightline.training.history import Curves, Facts, Floats, calm
from sightline.training.remarks import Remark, dropped, say

CONFIRM = 10  # epochs that the book lets a suspected overfitting go on before it is stopped


def overfit(curves: Curves, facts: Facts) -> Remark | None:
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
    figures = f"{say(train[best])} to {say(train[last])}"
    if clear and gap > 0.1:
        sentence = (
            f"After epoch {epoch[best]} validation loss rises ({say(val[best])} to "
            f"{say(val[last])} in epoch {epoch[last]}) while training loss still falls "
            f"({figures}): the network memorizes."
        )
        return Remark(
            int(epoch[best]), "overfit", sentence + _still_better(goal, best, facts), _cure(since)
        )
    if since < CONFIRM or fell < 0.2 or gap < 0.15 or _still_better(goal, best, facts):
        return None
    sentence = (
        f"Since epoch {epoch[best]} validation loss has not improved ({say(val[best])}, now "
        f"{say(val[last])}) while training loss still falls ({figures}): overfitting begins."
    )
    return Remark(int(epoch[best]), "overfit", sentence, _cure(since))


def _still_better(goal: Floats, best: int, facts: Facts) -> str:
    """A clause where the figure that counts went on improving after the loss did not."""
    before, after = goal[: best + 1], goal[best + 1 :]
    before, after = before[np.isfinite(before)], after[np.isfinite(after)]
    spread = float(np.abs(before).max()) if len(before) else 0.0
    if not len(before) or not len(after) or after.max() <= before.max() + 0.02 * spread:
        return ""
    return (
        f" Validation {facts.goal[1:]} still improved ({say(abs(before.max()))} to "
        f"{say(abs(after.max()))}): answers grow too sure before they grow worse."
    )


def _cure(since: int) -> str:
    wait = f"Give it {CONFIRM - since} more epochs to be sure, then stop. "
    return (wait if since < CONFIRM else "") + (
        "Try more augmentation, dropout or decay, more images, or a smaller network; or stop "
        "earlier. The weights kept are those of the best epoch."
    )


def underfit(curves: Curves, facts: Facts) -> Remark | None:
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
    annealed = (dropped(curves, n - 1) or 1) > 3
    if lowest < (0.4 if annealed else 0.2) or fell < 0.08:
        return None
    both = "training and validation loss are" if curves.validated else "training loss is"
    figures = say(curves.train[-1])
    figures += f" and {say(curves.val[-1])}" if curves.validated else ""
    sentence = (
        f"In epoch {curves.epoch[-1]} {both} high ({figures}) and still falling: it underfits."
    )
    advice = (
        f"Train longer (`sightline resume RUN --set train.epochs={int(curves.epoch[-1]) * 2}`); "
        "then a larger network or less regularization."
    )
    return Remark(int(curves.epoch[-1]), "underfit", sentence, advice)


def validation_better(curves: Curves, facts: Facts) -> Remark | None:
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
        figures = f"loss {say(curves.val[-1])} against {say(curves.train[-1])}"
    if small or not (gaps > 0).mean() >= 0.8 or np.median(steps) > np.median(level[half]) * 0.15:
        return None
    sentence = (
        f"Validation is better than training to the end ({figures} in epoch {curves.epoch[-1]})."
    )
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
