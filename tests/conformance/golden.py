"""Writes the outputs by which the battery notices a change of numbers."""

import json
import pathlib

from .subjects import MODELS, inputs

if __name__ == "__main__":
    outputs = {
        name: subject.model(inputs(subject.shape)).numpy().tolist()
        for name, subject in MODELS.items()
    }
    path = pathlib.Path(__file__).parent / "golden.json"
    path.write_text(json.dumps(outputs, indent=1) + "\n")
