"""Loads what `hyb train` wrote with Hugging Face transformers, and compares the loss on a text of bytes with `hyb eval`'s.

    python trained_loss.py TEXT LOSS FOLDER [FOLDER ...]

Each FOLDER is a checkpoint, or what `hyb export` made of it; LOSS is the mean cross-entropy in windows of 32 tokens. Prints a
line of JSON for each; exits with 1 if a loss is further than 1e-5 from LOSS, or a tensor has no place. Needs torch,
transformers and safetensors.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

WINDOW = 32
END_OF_TEXT = 256


def loss_of(model, tokens):
    total, count = 0.0, 0
    for start in range(0, len(tokens) - 1, WINDOW - 1):
        ids = torch.tensor([tokens[start : start + WINDOW]])
        with torch.no_grad():
            logits = model(ids, use_cache=False).logits[0]
        total += torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:], reduction="sum").item()
        count += ids.shape[1] - 1
    return total / count


def main(text, expected, folders):
    with open(text, "rb") as file:
        tokens = [*file.read(), END_OF_TEXT]
    good = True
    for folder in folders:
        model, info = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
        # Where dt is clamped from below, transformers' own paths disagree; training knows no clamp.
        for module in model.modules():
            if hasattr(module, "time_step_min"):
                module.time_step_min = 0.0
        loss = loss_of(model.double().eval(), tokens)
        unmatched = sorted(str(name) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for name in info[kind])
        ok = abs(loss - float(expected)) <= 1e-5 and not unmatched
        good = good and ok
        print(json.dumps({"folder": folder, "class": type(model).__name__, "unmatched": unmatched, "loss": loss, "expected": float(expected), "ok": ok}))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
