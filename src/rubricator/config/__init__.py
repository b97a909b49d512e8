"""`rubricator.yaml` as typed, frozen models: unknown keys refused, all faults reported at once."""

from rubricator.config.augment import Augment, AugmentModel, Judge
from rubricator.config.augment_pays import Cheap, CheapChange, Pays
from rubricator.config.decision import Cost, Decision
from rubricator.config.encode import ENCODER_NAMES, Encode, Encoders
from rubricator.config.export import Export, ExportPrecision, ExportRuntime, Serves
from rubricator.config.goals import Goal, Guardrail
from rubricator.config.kinds import Cascade, ColumnKind, Finetune, Hybrid, Imbalance, Lora, Static
from rubricator.config.label import (
    EncoderTeacherConfig,
    Examples,
    GgufEngineConfig,
    LlmTeacherConfig,
    OpenAIEngineConfig,
    Price,
    ReplayEngineConfig,
    RulesTeacherConfig,
    TransformersEngineConfig,
)
from rubricator.config.monitor import Email, Monitor
from rubricator.config.read import read_config, shown_arguments
from rubricator.config.sections import (
    Clean,
    Columns,
    Config,
    Data,
    DataFile,
    Duplicates,
    Evaluate,
    Golden,
    Part,
    Share,
    Split,
)
from rubricator.config.tracking import Tracking
from rubricator.config.train import KINDS, Kind, Metric, Train

__all__ = [
    "ENCODER_NAMES",
    "KINDS",
    "Augment",
    "AugmentModel",
    "Cascade",
    "Cheap",
    "CheapChange",
    "Clean",
    "ColumnKind",
    "Columns",
    "Config",
    "Cost",
    "Data",
    "DataFile",
    "Decision",
    "Duplicates",
    "Email",
    "Encode",
    "EncoderTeacherConfig",
    "Encoders",
    "Evaluate",
    "Examples",
    "Export",
    "ExportPrecision",
    "ExportRuntime",
    "Finetune",
    "GgufEngineConfig",
    "Goal",
    "Golden",
    "Guardrail",
    "Hybrid",
    "Imbalance",
    "Judge",
    "Kind",
    "LlmTeacherConfig",
    "Lora",
    "Metric",
    "Monitor",
    "OpenAIEngineConfig",
    "Part",
    "Pays",
    "Price",
    "ReplayEngineConfig",
    "RulesTeacherConfig",
    "Serves",
    "Share",
    "Split",
    "Static",
    "Tracking",
    "Train",
    "TransformersEngineConfig",
    "read_config",
    "shown_arguments",
]
