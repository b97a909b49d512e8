"""Asking language models: engines that generate, tasks that ask and read, prompts, limits."""
