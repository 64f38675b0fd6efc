/** What a user of compiled packages writes; installed and bundled outside the repository by package.test.ts. */
import { load as loadA } from 'golden-nh-a-gqa-g2';
import { load as loadC } from 'golden-nh-c-realinit-g1';
import { load as loadLlama } from 'golden-llama-gqa';
import type { Model } from '@hyb/runtime';
import { openFile, readSafetensors, readTensor } from '@hyb/runtime';

interface Differences {
  readonly prompt: number;
  readonly decode: number;
  readonly dispatches: number;
  readonly generated: boolean;
}

const LOADERS = { nh_a_gqa_g2: loadA, nh_c_realinit_g1: loadC, llama_gqa: loadLlama } as const;

/** Largest differences of the logits from the recorded ones. */
async function compare(model: Model, recorded: (name: string) => Promise<ArrayLike<number>>): Promise<Differences> {
  const worst = (a: ArrayLike<number>, b: ArrayLike<number>, start = 0): number => {
    let most = 0;
    for (let i = 0; i < a.length; i++) {
      const difference = Math.abs(a[i]! - b[start + i]!);
      if (!(difference <= most)) most = difference;
    }
    return most;
  };
  const prompt = Array.from(await recorded('prompt.tokens'));
  const tokens = Array.from(await recorded('decode.tokens'));
  const [logits] = await model.logits([prompt]);
  const state = await model.state({ sequences: 1 });
  await model.prefill(state, [prompt]);
  const expected = await recorded('decode.logits');
  const before = model.counters.dispatches;
  let decode = 0;
  for (const [i, token] of tokens.entries()) {
    const [row] = await model.decode(state, [token]);
    decode = Math.max(decode, worst(row!, expected, i * model.info.vocab));
  }
  const dispatches = (model.counters.dispatches - before) / tokens.length;
  state.dispose();
  return {
    prompt: worst(logits!, await recorded('prompt.logits')),
    decode,
    dispatches,
    generated: await generates(model, prompt, tokens),
  };
}

/** Greedy generation gives the recorded tokens. */
async function generates(model: Model, prompt: readonly number[], expected: readonly number[]): Promise<boolean> {
  const tokens: number[] = [];
  for await (const { token } of model.generate(prompt, { maxTokens: expected.length, temperature: 0, stopTokens: [] }))
    tokens.push(token);
  return tokens.join() === expected.join();
}

export default async function main(_: unknown, { base }: { base: string }): Promise<Record<string, Differences>> {
  const results: Record<string, Differences> = {};
  for (const [name, load] of Object.entries(LOADERS)) {
    const model = await load({ weights: `${base}/golden/${name}/model.safetensors` });
    const file = await openFile(`${base}/golden/${name}/golden.safetensors`, undefined);
    const { tensors } = await readSafetensors(file);
    results[name] = await compare(model, async (tensor) => readTensor(tensors.get(tensor)!));
    model.dispose();
  }
  return results;
}
