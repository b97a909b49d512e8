"""Text to vector: encoders, the runtimes that run them, and the cache that remembers."""

from rubricator.encode.cache import VectorCache
from rubricator.encode.encoder import Encoder, open_encoder
from rubricator.encode.folders import cache_folder
from rubricator.encode.named import open_named
from rubricator.encode.trained import load_trained, open_trained

__all__ = [
    "Encoder",
    "VectorCache",
    "cache_folder",
    "load_trained",
    "open_encoder",
    "open_named",
    "open_trained",
]
