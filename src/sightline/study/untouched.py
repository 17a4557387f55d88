"""Whether images that one model was tested on are new to others, too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightline.artifact import Artifact
from sightline.data.dataset import Dataset
from sightline.data.split import Splits
from sightline.errors import DataError, SightlineError
from sightline.evaluation import own_splits
from sightline.talk import Silent, Talk

LEARNED = ("train", "train-dev", "val")  # parts that a model was trained or chosen on


@dataclass(frozen=True, eq=False)
class Parts:
    """The first model's parts, as far as all may be measured on them.

    own   whether they may be: no other was trained or chosen on the test images
    test  None where it may not be used, or is not to be looked at
    val, why_not  the validation part; or why it cannot be learned from
    """

    own: bool
    test: Dataset | None
    val: Dataset | None
    why_not: str

    def validation(self) -> Dataset:
        """Raises DataError where it cannot be learned from."""
        if self.val is None:
            raise DataError(f"weights cannot be learned: {self.why_not}")
        return self.val


def parts_of(names: Sequence[str], opened: Sequence[Artifact], talk: Talk) -> Parts:
    """The parts of the first model; why its test part is not used is said."""
    first = opened[0]
    if "recipe" not in first.header:
        why = f"{names[0]} was not trained here, so it has no parts of its own"
        talk.say(f"not tested: {why}")
        return Parts(False, None, None, why)
    try:
        splits = own_splits(first, talk)
    except SightlineError as error:
        talk.say(f"not tested: {error}")
        return Parts(False, None, None, str(error))
    val, why_not = splits.val, f"{names[0]} has no validation part; data.val = 0.15 makes one"
    if val is not None:
        found = _learned_from(names, opened, "val", splits)
        val, why_not = (None, found) if found else (val, "")
    if splits.test is None:
        talk.say(f"not tested: {names[0]} has no test part")
        return Parts(True, None, val, why_not)
    found = _learned_from(names, opened, "test", splits)
    if found:
        talk.say(f"not tested: {found}; measure it on other images: evaluate --data SET|FOLDER")
        return Parts(False, None, val, why_not)
    if not first.test:
        talk.say(f"not tested: {names[0]} was not, by train.test = false")
        return Parts(True, None, val, why_not)
    return Parts(True, splits.test, val, why_not)


def _learned_from(
    names: Sequence[str], opened: Sequence[Artifact], part: str, splits: Splits
) -> str:
    """Which of the others learned from images of the first one's part, and from how many; "" where
    none did. Equal hashes of the part say that without a look at its images."""
    dataset = splits.parts[part]
    hashed = hashes(opened[0].header).get(part)
    wanted: set[str] | None = None
    for name, artifact in zip(names[1:], opened[1:], strict=True):
        if hashed is not None and hashes(artifact.header).get(part) == hashed:
            continue
        if "recipe" not in artifact.header:
            return f"{name} was not trained here, so nobody knows what it learned from"
        try:
            others = own_splits(artifact, Silent()).parts
        except SightlineError as error:
            return f"what {name} learned from is not at hand: {error}"
        wanted = wanted or {dataset.source(i) for i in range(len(dataset))}
        learned = {key: each for key, each in others.items() if key in LEARNED and key != part}
        seen = {each.source(i) for each in learned.values() for i in range(len(each))}
        if seen & wanted:
            said = "trained or chosen" if part == "test" else "trained"
            count = f"{len(seen & wanted):,} of the {len(wanted):,}"
            return f"{name} was {said} on {count} {part} images of {names[0]}"
    return ""


def hashes(header: dict[str, Any]) -> dict[str, str]:
    """Of each part's rows and images, as a model file tells them; empty where it does not."""
    data = header.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("fingerprint"), str):
        return {}
    images, found = data.get("images"), data["fingerprint"].split("-")
    if not isinstance(images, dict) or len(images) != len(found):
        return {}
    return dict(zip(images, found, strict=True))
