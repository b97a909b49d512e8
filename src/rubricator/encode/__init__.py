"""Text to vector: encoders, the runtimes that run them, and the cache that remembers."""

from rubricator.encode.cache import VectorCache
from rubricator.encode.encoder import Encoder, open_encoder
from rubricator.encode.folders import cache_folder

__all__ = ["Encoder", "VectorCache", "cache_folder", "open_encoder"]
