"""Loads folders that `hyb export` wrote with Hugging Face transformers, and compares its logits with recorded ones.

    python transformers_logits.py EXPORTED RECORDED [EXPORTED RECORDED ...]

EXPORTED is an exported folder, RECORDED a golden.safetensors. Prints a line of JSON for each; exits with 1 if any logit
is further than 1e-4 from the recorded one. Needs torch, transformers and safetensors.
"""

import json
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

TOLERANCE = 1e-4


def compare(folder, recorded):
    golden = load_file(recorded)
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    # Where dt is clamped from below, transformers' own paths disagree; NVIDIA's weights are made without a clamp.
    model.config.time_step_min = 0.0
    for module in model.modules():
        if hasattr(module, "time_step_min"):
            module.time_step_min = 0.0
    # As the recording was made: in double precision.
    model = model.double().eval()
    with torch.no_grad():
        logits = model(golden["prompt.tokens"].long()[None], use_cache=False).logits[0]
    difference = (logits - golden["prompt.logits"].double()).abs().max().item()
    unmatched = sorted(str(name) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") for name in info[kind])
    return {
        "folder": folder,
        "class": type(model).__name__,
        "parameters": sum(p.numel() for p in model.parameters()),
        "unmatched": unmatched,
        "difference": difference,
        "ok": difference <= TOLERANCE and not unmatched,
    }


def main(pairs):
    if not pairs or len(pairs) % 2:
        sys.exit(__doc__)
    good = True
    for folder, recorded in zip(pairs[::2], pairs[1::2]):
        result = compare(folder, recorded)
        good = good and result["ok"]
        print(json.dumps(result))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
