"""Makes small checkpoints of other architectures with transformers, has `hyb export` write them again from what it imports,
and compares the logits of both in transformers: they must be equal, and every tensor must find its place.

    python exported_equals_original.py

At the root of the repository, after `npm run build`. Needs torch, transformers and safetensors.
"""

import os
import subprocess
import sys
import tempfile

import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Mamba2Config,
    Mamba2ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

VOCAB = 128
ATTENTION = dict(
    vocab_size=VOCAB,
    hidden_size=64,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
)
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=10000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=128,
)
MAMBA = dict(
    vocab_size=VOCAB, hidden_size=64, num_hidden_layers=2, num_heads=8, head_dim=16, state_size=16, n_groups=2, expand=2, chunk_size=16
)
CASES = {
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**ATTENTION, max_position_embeddings=256, tie_word_embeddings=False)),
    "qwen2_tied": (Qwen2ForCausalLM, Qwen2Config(**ATTENTION, max_position_embeddings=256, tie_word_embeddings=True)),
    "llama3_rope": (LlamaForCausalLM, LlamaConfig(**ATTENTION, max_position_embeddings=1024, rope_parameters=LLAMA3)),
    "mamba2": (Mamba2ForCausalLM, Mamba2Config(**MAMBA, tie_word_embeddings=True)),
}


def compare(name, model_class, config, folder):
    source, exported = os.path.join(folder, name), os.path.join(folder, f"{name}-exported")
    model = model_class(config).float().eval()
    model.save_pretrained(source)
    subprocess.run(["node", "cli/bin/hyb.js", "export", source, exported], check=True)
    other, info = AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32, output_loading_info=True)
    ids = torch.randint(0, VOCAB, (1, 40))
    with torch.no_grad():
        difference = (model(ids, use_cache=False).logits - other.eval()(ids, use_cache=False).logits).abs().max().item()
    unmatched = {kind: names for kind, names in info.items() if names}
    print(f"{name}: difference {difference}, unmatched {unmatched}")
    return difference == 0 and not unmatched


def main():
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        good = [compare(name, *case, folder) for name, case in CASES.items()]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
