"""From the settings of an engine to the engine; those that are the same share one."""

from __future__ import annotations

from pathlib import Path

from rubricator.config import GgufEngineConfig, OpenAIEngineConfig, TransformersEngineConfig
from rubricator.config.expand import expand
from rubricator.llm.engines.engine import Engine
from rubricator.llm.engines.gguf import GgufEngine
from rubricator.llm.engines.openai import OpenAIEngine
from rubricator.llm.engines.transformers import TransformersEngine

AnyEngineConfig = OpenAIEngineConfig | GgufEngineConfig | TransformersEngineConfig


class OpenedEngines:
    """Makes engines as they are asked for, one for those who reach a model the same way.

    Paths of their settings begin at `folder`. No model is started before it is asked.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engines: dict[str, Engine] = {}

    def of(self, config: AnyEngineConfig) -> Engine:
        """The engine that these settings describe.

        Raises:
            ConfigError: An environment variable without a default is not set.
        """
        key = config.model_dump_json()
        if key not in self._engines:
            self._engines[key] = self._new(config)
        return self._engines[key]

    def close(self) -> None:
        """Stop the engines that were started."""
        for engine in self._engines.values():
            engine.close()

    def _new(self, config: AnyEngineConfig) -> Engine:
        if isinstance(config, OpenAIEngineConfig):
            return OpenAIEngine(config)
        if isinstance(config, GgufEngineConfig):
            return GgufEngine(config.model_copy(update={"file": expand(config.file)}), folder=self._folder)
        return TransformersEngine(
            config.model_copy(update={"model": expand(config.model)}), folder=self._folder
        )
