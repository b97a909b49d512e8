"""An artifact behind LitServe: `python litserve_peer.py ARTIFACT PORT`, called by http_overhead.py."""

from __future__ import annotations

import sys
from typing import Any

import litserve

from rubricator.predict import Predictor


class Classify(litserve.LitAPI):  # type: ignore[misc]
    """One text in, its categories and probabilities out."""

    def __init__(self, artifact: str) -> None:
        super().__init__()
        self._artifact = artifact

    def setup(self, device: str) -> None:  # noqa: ARG002 - its name is LitServe's
        self._predictor = Predictor.load(self._artifact)

    def decode_request(self, request: dict[str, str]) -> str:
        return request["text"]

    def predict(self, text: str) -> Any:
        return self._predictor.predict([text])[0]

    def encode_response(self, prediction: Any) -> dict[str, Any]:
        return {"labels": prediction.categories, "probabilities": dict(prediction.probabilities)}


if __name__ == "__main__":
    litserve.LitServer(Classify(sys.argv[1]), accelerator="cpu").run(
        host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False
    )
