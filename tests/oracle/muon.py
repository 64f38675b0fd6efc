"""Records 20 steps of PyTorch's Muon (2.9 or later), computed in double precision, on matrices with prescribed gradients.

    python tests/oracle/muon.py > tests/golden/muon.json

Gradients are made of the weights and of a formula, which the test that reads the recording has too. Needs torch.
"""

import json
import math

import torch
from torch.optim import Muon

# PyTorch rounds Newton-Schulz iterations to bfloat16; what is to be checked is the rule.
torch.bfloat16 = torch.float64

SHAPES = [(6, 10), (10, 6), (8, 8), (5, 3)]
STEPS = 20
CASES = [
    dict(scale="match_rms", adjust_lr_fn="match_rms_adamw", nesterov=True, momentum=0.95, weight_decay=0.1, lr=0.02, ns_steps=5),
    dict(scale="original", adjust_lr_fn="original", nesterov=False, momentum=0.9, weight_decay=0.01, lr=0.05, ns_steps=4),
]


def first(r, c):
    return math.cos(0.7 * r - 1.3 * c)


def pushed(step, r, c):
    return math.sin(1.7 * r + 0.9 * c * (step + 1) + 0.3 * step)


def matrix(shape, value):
    return torch.tensor([[value(r, c) for c in range(shape[1])] for r in range(shape[0])], dtype=torch.float64)


def run(scale, **settings):
    weights = [torch.nn.Parameter(matrix(shape, first)) for shape in SHAPES]
    optimizer = Muon(weights, **settings)
    for step in range(STEPS):
        for weight in weights:
            weight.grad = 0.5 * weight.detach() + matrix(weight.shape, lambda r, c: pushed(step, r, c))
        optimizer.step()
    return {
        "settings": {"scale": scale, **{k: v for k, v in settings.items() if k != "adjust_lr_fn"}},
        "weights": [{"shape": list(w.shape), "data": w.flatten().tolist()} for w in weights],
    }


print(json.dumps({"torch": torch.__version__.split("+")[0], "steps": STEPS, "runs": [run(**case) for case in CASES]}))
