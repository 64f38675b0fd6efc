/** A page that loads a compiled package and generates: bundled and served by `serve.mjs`. */
import { HybError, loadTokenizer } from '@hyb/runtime';
import type { Model, Prompt, TextCodec } from '@hyb/runtime';
import { load } from 'tiny-hybrid';

/** Where `serve.mjs` puts the checkpoint's folder. */
const CHECKPOINT = new URL('checkpoint/', location.href);

const find = <E extends Element>(selector: string): E => document.querySelector<E>(selector)!;
const form = find<HTMLFormElement>('form');
const output = find<HTMLOutputElement>('output');
const status = find<HTMLElement>('[role=status]');
const stop = find<HTMLButtonElement>('#stop');
const start = find<HTMLButtonElement>('form button');

function tell(message: string, isError = false): void {
  status.textContent = message;
  status.classList.toggle('error', isError);
}

/** Messages of the runtime say what to do; anything else is a fault of this page. */
function tellError(error: unknown): void {
  tell(error instanceof HybError ? error.message : `Something went wrong: ${String(error)}`, true);
}

/** A checkpoint without a tokenizer is spoken to in token ids. */
async function findTokenizer(): Promise<TextCodec | undefined> {
  const { ok } = await fetch(new URL('tokenizer.json', CHECKPOINT), { method: 'HEAD' });
  return ok ? loadTokenizer(CHECKPOINT) : undefined;
}

function promptOf(text: string, model: Model): Prompt {
  return model.tokenizer === undefined
    ? text
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(Number)
    : text;
}

async function generate(model: Model): Promise<void> {
  const data = new FormData(form);
  const abort = new AbortController();
  stop.onclick = () => abort.abort();
  start.disabled = true;
  stop.disabled = false;
  output.textContent = '';
  tell('Generating …');
  const since = performance.now();
  let count = 0;
  try {
    const options = { maxTokens: Number(data.get('tokens')), temperature: Number(data.get('temperature')) };
    const tokens = model.generate(promptOf(String(data.get('prompt')), model), { ...options, signal: abort.signal });
    for await (const { token, text } of tokens) {
      output.append(model.tokenizer === undefined ? `${token} ` : text);
      count++;
    }
  } catch (error) {
    if (!abort.signal.aborted) return tellError(error);
  } finally {
    start.disabled = false;
    stop.disabled = true;
  }
  const rate = count / ((performance.now() - since) / 1000);
  tell(`${count} tokens, ${rate.toFixed(1)} a second, on ${model.device.name}.`);
}

try {
  const tokenizer = await findTokenizer();
  const model = await load({
    weights: CHECKPOINT,
    ...(tokenizer === undefined ? {} : { tokenizer }),
    onProgress: ({ loadedBytes, totalBytes }) => tell(`Loading: ${Math.round((100 * loadedBytes) / totalBytes)} %`),
  });
  tell(`${model.info.name} is ready. ${tokenizer === undefined ? 'Its prompt is token ids.' : ''}`);
  start.disabled = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void generate(model);
  });
} catch (error) {
  tellError(error);
}
