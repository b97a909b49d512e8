"""Language models as teachers: engines that generate, tasks that ask and read, prompts."""
