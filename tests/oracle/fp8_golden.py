"""Records what ml_dtypes says of the two fp8 formats: the value of each of the 256 codes, and the codes that it rounds values to.

    python fp8_golden.py compiler/test/numeric/golden/fp8.json

At the root of the repository. Needs ml_dtypes and numpy, in a virtual environment outside of the repository.
"""

import json
import sys

import ml_dtypes
import numpy as np

FORMATS = {"e4m3": ml_dtypes.float8_e4m3fn, "e5m2": ml_dtypes.float8_e5m2}
RANDOM = 256
A_LINE = 16


def values_of(dtype):
    return np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)


def samples(dtype, seed):
    """Every value, the middle between neighbours and f32's next to either side, what lies beyond, and random magnitudes."""
    values = values_of(dtype)[:128]
    finite = values[np.isfinite(values)]
    middles = (finite[:-1].astype(np.float64) + finite[1:]) / 2
    middles = middles.astype(np.float32)
    step = finite[-1] - finite[-2]
    edges = np.float32([finite[-1] + step / 2, finite[-1] + step, 1e30, np.finfo(np.float32).max, 2.0**-126, 2.0**-149])
    around = [np.nextafter(x, np.float32(to), dtype=np.float32) for x in (middles, edges[:2]) for to in (0, np.inf)]
    draw = np.random.default_rng(seed)
    low, high = np.log2(finite[1]) - 3, np.log2(finite[-1]) + 1
    magnitudes = np.exp2(draw.uniform(low, high, RANDOM)).astype(np.float32)
    positive = np.concatenate([finite, middles, edges, *around, magnitudes])
    signs = np.where(np.arange(len(positive)) % 2 == 0, 1, -1).astype(np.float32)
    return np.concatenate([positive * signs, np.float32([0.0, -0.0])])


def lines(words, digits):
    texts = [f"{int(word):0{digits}x}" for word in words]
    return [" ".join(texts[i : i + A_LINE]) for i in range(0, len(texts), A_LINE)]


def record(dtype, seed):
    given = samples(dtype, seed)
    with np.errstate(over="ignore"):
        codes = given.astype(dtype).view(np.uint8)
    return {"values": lines(values_of(dtype).view(np.uint32), 8), "given": lines(given.view(np.uint32), 8), "codes": lines(codes, 2)}


golden = {"ml_dtypes": ml_dtypes.__version__}
for seed, (name, dtype) in enumerate(FORMATS.items()):
    golden[name] = record(dtype, seed)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(golden, file, indent=2)
    file.write("\n")
