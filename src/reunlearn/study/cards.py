"""Cards: what the plan, the listings and the report know of a plugin without importing it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Value = bool | int | float | str | None  # of a setting or a hyper-parameter
When = bool | dict[str, list[Value]]  # always, never, or for these values of hyper-parameters
Reading = Literal["paper", "code"]
Modality = Literal["images", "text"]
Part = Literal["train", "test"]  # of a dataset, as it is published


class Card(BaseModel):
    """What every plugin says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str
    summary: str


class Needs(BaseModel):
    """The sets and the training-time state that a method may see."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    forget: When = False
    retain: When = False
    validation: When = False
    true_labels: When = False  # of samples that the original was taught with wrong ones
    state: dict[str, When] = {}  # kinds of training-time state
    weight_decay: When = False  # in the recipe that the original was trained with
    recipe: When = False  # that the original was trained with, or a number of it


class Divergence(BaseModel):
    """One point where a paper and its released code differ."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    where: str  # equation, algorithm line, section
    paper: str
    code: str


class Hyperparameter(BaseModel):
    """One hyper-parameter: type, default, range, meaning; `paper` and `code` where it follows the reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    type: Literal["bool", "int", "float", "str"]
    default: Value
    doc: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    choices: tuple[Value, ...] | None = None
    paper: Value = None
    code: Value = None

    @property
    def follows_reading(self) -> bool:
        """Whether it is one thing in the paper and another in the released code."""
        return self.paper is not None and self.code is not None

    def of_reading(self, reading: Reading) -> Value:
        """Return its value in a reading; the default where both readings share it."""
        if not self.follows_reading:
            return self.default
        return self.paper if reading == "paper" else self.code


class MethodCard(Card):
    """An unlearning method."""

    paper: str
    needs: Needs
    readings: tuple[Reading, ...]
    divergences: tuple[Divergence, ...]
    capabilities: dict[str, When]  # what it asks of the objective beyond the loss
    mixed: bool  # whether it follows the precision of the recipe: it takes steps by the objective's loss
    network: str | None  # an architecture around the original's, if it returns such models
    scenarios: tuple[str, ...] | None  # kinds that it is for; None: all
    logs: dict[str, When] = {}  # what it can log, of study/logs.py
    hyperparameters: dict[str, Hyperparameter]


class NumberCard(BaseModel):
    """What one number means: of a measure, or one that the report computes itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    title: str
    compares: str
    unit: str
    direction: str
    ideal: str
    column_of: str = ""  # whose paper's column it is: the papers' files say
    source: str = ""
    table: str = "others"  # which table of the report shows a measure's number, unless the first one does


class UserFile(BaseModel):
    """A file that a measure reads from a path of the user's: weights as safetensors, or Python code."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    words: str  # what is needed and where it comes from: the end of an error line
    layers: dict[
        str, tuple[int, ...]
    ] = {}  # of weights: shapes of some tensors, which tell it from other files
    function: str = ""  # of code: the function that it defines


class MeasureCard(Card):
    """Something that is measured on a model: an evaluation, a comparison, an attack."""

    title: str  # heading of its column
    compares: str  # what is compared with what
    unit: str
    direction: str  # which way leakage, or a difference, is
    ideal: str  # the value of a model that never saw the forget set, and why
    column_of: str = ""
    source: str = ""
    reads: tuple[str, ...]  # network, outputs, reference, weights, original, samples, classifier
    capabilities: tuple[str, ...] = ()  # what it asks of the objective
    pools: tuple[str, ...] = ()  # kinds of pools of shadow models that it needs
    optional_pools: tuple[str, ...] = ()  # that it reads where another measure of the study needs them, too
    sets: tuple[str, ...] = ()  # that it reads and not every study has: validation
    ordered: tuple[str, ...] = ()  # sets of which the first samples are taken, so that their order matters
    cost: str = ""  # what it takes: models to train, fits, memory
    recipe: bool = False  # whether it trains as the original was trained
    least: dict[str, int] = {}  # the fewest samples that it needs of a set
    settings: dict[str, Value] = {}  # with their defaults
    files: dict[str, UserFile] = {}  # settings that must name such a file
    numbers: dict[
        str, NumberCard
    ] = {}  # definitions of its numbers, where the card itself is not that of one number
    headline: tuple[str, ...] = ()  # numbers whose gap to Retrain the first table averages
    default: bool = False  # whether every run is measured so where the objective allows it
    attack: bool = False  # whether it is a membership-inference attack
    scenarios: tuple[str, ...] | None = None  # kinds that it is for; None: all


class WeightsCard(BaseModel):
    """Official pretrained weights of an architecture."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    words: str  # what is needed and where it can be fetched: the end of an error line
    files: tuple[str, ...]
    repository: str | None = None  # of the Hugging Face hub, for files in its cache; None: in torch hub's


class ModelCard(Card):
    """An architecture."""

    settings: dict[str, Value]
    inputs: Modality
    objectives: tuple[str, ...]  # names of the objectives that it serves
    sides: tuple[int, int | None]  # smallest and largest height and width of images
    alone: int | None  # smallest height and width at which one image can be a training batch; None: never
    multiples: dict[
        str, int | str
    ]  # of what a setting, or the images' side, is a multiple: a number or a setting
    pretrained: WeightsCard | None
    folders: dict[
        str, tuple[str, ...]
    ] = {}  # settings that name folders in diffusers' layout, with their parts
    comes_trained: When = False  # whether it starts from trained weights without `pretrained`
    reads_prompts: bool = False  # whether it draws from prompts, too, and not from classes alone
    maps: bool  # whether it computes classify(features(x)) with feature maps in between


class DatasetCard(Card):
    """A dataset."""

    class_names: tuple[str, ...]
    shape: tuple[int, ...]  # images: channels, height, width; texts: longest length, size of the vocabulary
    train: int  # samples of the official training set
    test: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str
    licence: str
    modality: Modality
    fine_classes: tuple[str, ...]
    class_counts: tuple[int, ...] | None  # training samples per class; None where all have as many
    needs_folder: bool
    open_side: bool  # the study chooses the size of the images, and the folder tells the rest
    drawn: bool = False  # whether the experiment's network draws it

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


class ObjectiveCard(Card):
    """An objective."""

    capabilities: tuple[str, ...]
    modalities: tuple[Modality, ...]
    settings: dict[str, Value]
    choices: dict[str, tuple[str, ...]] = {}  # of settings that take one of a few words
    numbers: tuple[str, ...] = ()  # settings that are any number from 0 on, not a probability


class StateCard(Card):
    """A kind of training-time state."""

    per_split: bool  # whether it depends on the forget set as well
    of_training: bool = False  # whether only the training tells it, and not the model that came of it


Scope = Literal[
    "experiment", "study", "paper"
]  # what a table or a figure is made from; paper: each of its tables


class ShownCard(Card):
    """Something that a report shows."""

    title: str
    scope: Scope = "experiment"
    order: int  # where it stands on the page among the others
    default: bool = True  # whether it is shown where a study names nothing
    log: str = ""  # what must be logged for that
    samples: bool = False  # whether it shows what generators draw
    audit: bool = True  # whether it says something of single models, without seeds and known costs


class TableCard(ShownCard):
    """A table; its summary is the caption."""

    folded: bool = False  # whether it is opened by a click
    opens: bool = False  # of a whole study: whether it stands above the experiments


class FigureCard(ShownCard):
    """A figure."""

    table: str  # the table that it is drawn from, or that says most about what it shows
    points: bool = False  # whether what it draws is in no table, and becomes a file of its own
    wide: bool = False
    legend: bool = False  # of forget and test


class Catalogue(BaseModel):
    """All cards, by the name of the plugin."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    methods: dict[str, MethodCard]
    measures: dict[str, MeasureCard]
    models: dict[str, ModelCard]
    datasets: dict[str, DatasetCard]
    objectives: dict[str, ObjectiveCard]
    states: dict[str, StateCard]
    tables: dict[str, TableCard]
    figures: dict[str, FigureCard]

    @property
    def attacks(self) -> dict[str, MeasureCard]:
        """The measures that are membership-inference attacks."""
        return {name: card for name, card in self.measures.items() if card.attack}
