"""The tables of a recipe, each a validated model; what they mean is in their docstrings."""

import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sightline.data.geometry import Border
from sightline.data.opening import MaskKind
from sightline.data.views import TestViews
from sightline.training.attack import Against
from sightline.types import Size


class Section(BaseModel):
    """A table of a recipe; keys it does not know are errors."""

    model_config = ConfigDict(extra="forbid", validate_default=True)


class Open(BaseModel):
    """A table with a name and the settings that belong to that name."""

    model_config = ConfigDict(extra="allow")
    name: str

    @property
    def settings(self) -> dict[str, Any]:
        """All but the name."""
        return dict(self.__pydantic_extra__ or {})


class Data(Section):
    """Which set, and how it is split.

    name, path  one of the two: a named set, or a folder or CSV
    split       stratified by class; "book", as scikit-learn's train_test_split; or a split file
                (a .csv as `sightline data split` writes it), whose parts are taken as they are
    val, test   shares of the whole, cut where the set has no such part of its own
    train_dev   share that is like the training part but not trained on
    folds, fold validation is one fold of so many; of a split file's, `fold` alone
    group       keeps the images of one person or place together: a regular expression searched in
                each member's name ("s\\d+"), or "folder"
    seed        of the split alone; `train.seed` does not move it
    label_from  a regular expression that finds the label in a file's name (of a path)
    masks       whether the values of masks are classes, or number the objects (of a path)
    negatives   keep images without objects, in sets of boxes: a detector learns from them where
                nothing is, and is tested on them for false alarms
    quarantine  go on without files that cannot be read
    root        where a named set is looked for first
    """

    name: str | None = None
    path: str | None = None
    split: str = "stratified"
    val: float = Field(0.15, ge=0, lt=1)
    test: float = Field(0.15, ge=0, lt=1)
    train_dev: float = Field(0.0, ge=0, lt=1)
    folds: int | None = Field(None, ge=2, le=1000)
    fold: int | None = Field(None, ge=1, le=1000)
    group: str | None = None
    seed: int = Field(0, ge=0, le=2**32 - 1)
    label_from: str | None = None
    masks: MaskKind = "classes"
    negatives: bool = True
    quarantine: bool = False
    root: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Data":
        if (self.name is None) == (self.path is None):
            raise ValueError("data needs either a name or a path")
        return self

    @property
    def split_file(self) -> Path | None:
        """The split file, where `split` names one."""
        return Path(self.split) if self.split.lower().endswith(".csv") else None

    @model_validator(mode="after")
    def _one_split(self) -> "Data":
        if self.split_file is None and self.split not in ("stratified", "book"):
            raise ValueError(f"split is {self.split!r}; expected stratified, book or a .csv file")
        if self.split != "stratified":
            for key in ("folds", "group"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} goes with split = stratified, not {self.split}")
        if self.fold is not None and self.folds is None and self.split_file is None:
            raise ValueError("fold needs folds, or a split file of folds")
        if self.folds is not None and not 1 <= (self.fold or 0) <= self.folds:
            raise ValueError(f"folds = {self.folds} needs fold, 1 to {self.folds}")
        return self


class ViewSettings(Section):
    """How canvases become inputs.

    size  of the model's input, the canvas's where not given
    top   pixel value that becomes 1
    test  views at evaluation; auto averages with the mirror image where training mirrors
    border  what training sees outside the canvas: its mirror image, its repeated edge, or grey
    """

    size: Size | None = None
    top: int = Field(255, ge=1, le=255)
    test: TestViews | Literal["auto"] = "center"
    border: Border = "mirror"


class Optimizer(Open):
    rate: float = Field(gt=0)


class PenaltySettings(Section):
    """What large weights cost, as Keras adds it to the loss: l1 * sum|w| + l2 * sum w²; biases and
    norms too where `everywhere`."""

    l1: float = Field(0.0, ge=0, lt=math.inf)
    l2: float = Field(0.0, ge=0, lt=math.inf)
    everywhere: bool = False


class KeepSettings(Section):
    """Whole models that are kept in `models/`, beside the best one.

    improvements  one for each epoch that was the best so far
    last          of the last so many epochs
    """

    improvements: bool = False
    last: int = Field(0, ge=0, le=10_000)


class PartSettings(Section):  # of one part of a model of several
    optimizer: Optimizer | None = None
    schedule: Open | None = None


class StageSettings(Section):
    """A stage of training.

    epochs  of it; the last stage has none of its own: it goes on to the end
    trains  all; head: the layers that give the outputs; or a layer's name: that one, all after it,
            and the head. What does not train keeps its weights, and its statistics of batch norm
    optimizer, schedule  of its own; else those of all
    """

    epochs: int | None = Field(None, ge=1, le=100_000)
    trains: str = Field("all", min_length=1)
    optimizer: Optimizer | None = None
    schedule: Open | None = None


class Train(Section):
    """How it is trained; `precision`, `device`, `threads`, `images` are decided once, at the start.

    batch          images an optimizer step, over all pieces and processes
    pieces         micro-batches into which a batch is divided, where memory is short
    parts          by the name of a part: what it has of its own
    stages         one after another, each a table; none: all trains from the first epoch on
    clip           largest norm of the gradients; 0: they are left alone
    average        decay of averaged weights, as 0.999, which are validated and kept; 0: none
    goal           what best means on validation, as "-loss"; the task's own where empty
    patience       epochs without a gain of more than `gain` after which training ends; 0: never
    smoothing      share of a label that is spread over all classes
    adversarial    learn from examples moved against the network: {eps = 4, steps = 1}
    class_weights  none, balanced (by the inverse of their images), or a table {cat = 2.0}
    loss_by        of landmarks: smooth, or the course's squared error
    images         held in memory where they fit, or decoded from files as they are needed
    test           score the test part at the end; false leaves it unseen, as a search must
    save_every     seconds between checkpoints; more where saving is slow, 0: after every step
    compile        let torch compile the network: slow to start, then quicker
    tensorboard    write its logs too
    """

    epochs: int = Field(ge=1, le=100_000)
    batch: int = Field(32, ge=1, le=65_536)
    pieces: int = Field(1, ge=1, le=65_536)
    optimizer: Optimizer
    schedule: Open = Open(name="constant")
    parts: dict[str, PartSettings] = {}
    stages: list[StageSettings] = []
    penalty: PenaltySettings = PenaltySettings()
    clip: float = Field(0.0, ge=0, lt=math.inf)
    average: float = Field(0.0, ge=0, lt=1)
    goal: str = Field("", pattern=r"^([+-]\w[\w./-]*)?$")
    patience: int = Field(0, ge=0, le=100_000)
    gain: float = Field(0.0, ge=0, lt=math.inf)
    keep: KeepSettings = KeepSettings()
    smoothing: float = Field(0.0, ge=0, lt=1)
    adversarial: Against | None = None
    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    loss_by: Literal["smooth", "squared"] = "smooth"
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: int = Field(0, ge=0, le=1024)
    images: Literal["auto", "memory", "files"] = "auto"
    test: bool = True
    save_every: float = Field(10.0, ge=0, le=86_400)
    compile: bool = False
    tensorboard: bool = False
    seed: int = Field(0, ge=0, le=2**62)

    @model_validator(mode="after")
    def _stages_fit(self) -> "Train":
        if self.stages and self.parts:
            raise ValueError("stages are of a network of one part; it has train.parts, too")
        for number, stage in enumerate(self.stages, 1):
            if number < len(self.stages) and stage.epochs is None:
                raise ValueError(f"stage {number} needs epochs")
            if number == len(self.stages) and stage.epochs is not None:
                raise ValueError("the last stage has no epochs: it ends with train.epochs")
        return self

    def in_stages(self) -> list[tuple[int, StageSettings]]:
        """Every stage after the epochs before it, nothing of it left open; one where no stages are
        given. A training that is too short for all of them ends in an earlier one."""
        found, start = [], 0
        for stage in self.stages or [StageSettings()]:
            epochs = stage.epochs or max(1, self.epochs - start)
            own = {
                "epochs": epochs,
                "optimizer": stage.optimizer or self.optimizer,
                "schedule": stage.schedule or self.schedule,
            }
            found.append((start, stage.model_copy(update=own)))
            start += epochs
        return found

    def optimizer_of(self, part: str) -> Optimizer:
        """A part's own, or that of all."""
        return self.parts.get(part, PartSettings()).optimizer or self.optimizer


class Expect(Section):
    """Figures that `reproduce` checks: ours, and what the book gives."""

    test: dict[str, float] = {}
    book: dict[str, Any] = {}


class Learner(Open):
    """A learner of `scratch` and its settings.

    values  what it sees: pixels as 0 to 1, or the bytes as they are
    """

    values: Literal["unit", "bytes"] = "unit"


class Pretrained(Section):
    """What a network begins with, but for its head, in place of weights drawn at random.

    model    a network's name, a run or a model file; a network like the recipe's own
    weights  of a network by its name: a file; by default the published ones
    mean, deviation  that those weights want, as `sightline predict` takes them
    """

    model: str
    weights: str | None = None
    mean: list[float] = []
    deviation: list[float] = []


class Features(Section):
    """What a learner sees instead of pixels: what a network makes of them.

    model    a network's name, a run or a model file
    weights  of a network by its name: a file; by default the published ones
    mean, deviation, resize  that those weights want, as `sightline predict` takes them
    size     pixels of the input's side; the network's own where not given
    layer    where it is cut; "": what its head is given
    pool     of maps: the mean or largest of each channel, or none
    mirror   the mean of what it makes of the image and of its mirror image: better, half as fast
    """

    model: str
    weights: str | None = None
    mean: list[float] = []
    deviation: list[float] = []
    resize: int | None = Field(None, ge=0, le=4096)
    size: int | None = Field(None, ge=8, le=4096)
    layer: str = ""
    pool: Literal["mean", "max", "none"] = "mean"
    mirror: bool = False
