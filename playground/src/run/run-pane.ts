/** The model at work in the tab: weights at random, from a checkpoint or from training, then text. */
import { element } from '@hyb/view';
import { formatBytes, threeDigits } from '@hyb/compiler/inspect/units';
import { messageOf } from '@hyb/runtime/messages';
import { startWorker } from '../start-worker.js';
import { amount, controls } from '../tabs/controls.js';
import { ModelPane } from '../tabs/model-pane.js';
import type { ShownModel } from '../tabs/model-pane.js';
import { TrainSection } from '../train/train-section.js';
import { bytesOf, MOST_BYTES } from './initial-weights.js';
import type { Files, RunCommand, RunEvent } from './protocol.js';

const NO_WEBGPU =
  'This browser has no WebGPU, so models cannot run in it; everything else here works. Chrome and Edge from version 113, ' +
  'Safari from 26 and Firefox from 141 on Windows have it. On Linux, Chrome may need chrome://flags/#enable-unsafe-webgpu. ' +
  'In Node: npx hyb build, and the package runs there.';

/** Prompts that are there before anybody writes one. */
const TOKENS = '1 2 3';
const PROMPTS = new Set([TOKENS, 'Once upon a time', 'The whale ']);

export class RunPane extends ModelPane {
  readonly id = 'run';
  readonly title = 'Run';
  readonly #status = element('p', { role: 'status' });
  readonly #progress = element('progress', { max: '1', hidden: true, 'aria-label': 'Progress' });
  readonly #files = element('input', {
    type: 'file',
    multiple: true,
    accept: '.safetensors,.json',
    onchange: () => this.#chosen(),
  });
  readonly #load = element(
    'button',
    { type: 'button', onclick: () => void this.#loadModel() },
    'Load with random weights',
  );
  readonly #prompt = element('input', { type: 'text', value: TOKENS, size: '30' });
  readonly #tokens = amount('tokens', [32, 1, 65_536]);
  readonly #temperature = element('input', { type: 'number', value: '0.8', min: '0', max: '5', step: '0.1' });
  readonly #seed = amount('seed', [1, 0, 2 ** 31 - 1]);
  readonly #generate = element('button', { type: 'button', disabled: true, onclick: () => this.#start() }, 'Generate');
  readonly #stop = element(
    'button',
    { type: 'button', disabled: true, onclick: () => this.#send({ kind: 'stop' }) },
    'Stop',
  );
  readonly #training = new TrainSection({
    send: (command) => {
      this.#stop.disabled = false;
      this.#send(command);
    },
    began: (text) => {
      this.#loaded = false;
      this.#busy(true);
      this.#status.textContent = text;
    },
    failed: (error) => this.#failed(messageOf(error)),
  });
  readonly #output = element('output', { class: 'generated', 'aria-label': 'Generated tokens' });
  #worker: Worker | undefined;
  #loaded = false;
  #shown: ShownModel | undefined;

  protected prepare(shown: ShownModel): Promise<() => void> {
    return Promise.resolve(() => {
      if ('gpu' in navigator) void this.#training.show(shown);
      const changed = this.#shown?.checked !== shown.checked;
      this.#shown = shown;
      if (!('gpu' in navigator)) this.body.replaceChildren(element('p', { class: 'note' }, NO_WEBGPU));
      else if (this.body.childElementCount === 0) this.#layOut();
      else if (changed && this.#loaded) this.#status.textContent = 'The source has changed: load it again.';
    });
  }

  #layOut(): void {
    const drop = element(
      'div',
      { class: 'drop' },
      element(
        'label',
        {},
        'Checkpoint (safetensors, with its index and tokenizer.json if there are any): ',
        this.#files,
      ),
    );
    drop.addEventListener('dragover', (event) => event.preventDefault());
    drop.addEventListener('drop', (event) => {
      event.preventDefault();
      if (event.dataTransfer !== null) this.#files.files = event.dataTransfer.files;
      this.#chosen();
    });
    this.body.append(
      element(
        'p',
        {},
        'Files are read in this tab and sent nowhere. Without a checkpoint, weights are drawn as @init says.',
      ),
      drop,
      controls(this.#load, this.#seed.element),
      this.#training.element,
      this.#status,
      this.#progress,
      controls(this.#stop),
      this.#training.curve,
      controls(
        element('label', {}, 'Prompt ', this.#prompt),
        this.#tokens.element,
        element('label', {}, 'temperature ', this.#temperature),
        this.#generate,
      ),
      this.#output,
    );
  }

  #chosen(): void {
    const count = this.#files.files?.length ?? 0;
    this.#load.textContent = count === 0 ? 'Load with random weights' : `Load ${count} file${count === 1 ? '' : 's'}`;
  }

  async #loadModel(): Promise<void> {
    const { compiler, model } = this.#shown!;
    this.#loaded = false;
    this.#busy(true);
    this.#status.textContent = 'Compiling';
    try {
      const runnable = await compiler.ask('runnable', { model });
      const chosen = [...(this.#files.files ?? [])];
      const files: Files | null = chosen.length === 0 ? null : Object.fromEntries(chosen.map((f) => [f.name, f]));
      const bytes = bytesOf(runnable.initial);
      if (files === null && bytes > MOST_BYTES) {
        return this.#failed(
          `Random weights of ${model} would take ${formatBytes(bytes)}, more than a tab should. Choose its checkpoint, or a smaller model.`,
        );
      }
      this.#send({ kind: 'load', runnable, files, seed: this.#seed.value() });
    } catch (error) {
      this.#failed(messageOf(error));
    }
  }

  #start(): void {
    this.#output.replaceChildren();
    this.#busy(true);
    this.#stop.disabled = false;
    this.#send({
      kind: 'generate',
      prompt: this.#prompt.value,
      maxTokens: this.#tokens.value(),
      temperature: Math.max(0, this.#temperature.valueAsNumber || 0),
      seed: this.#seed.value(),
    });
  }

  #send(command: RunCommand): void {
    if (this.#worker === undefined) {
      this.#worker = startWorker('run-worker');
      this.#worker.addEventListener('message', ({ data }: MessageEvent<RunEvent>) => this.#happened(data));
    }
    this.#worker.postMessage(command);
  }

  #happened(event: RunEvent): void {
    switch (event.kind) {
      case 'progress':
        this.#status.textContent = event.text;
        this.#progress.hidden = false;
        this.#progress.value = event.share;
        return;
      case 'loaded':
        this.#loaded = true;
        this.#busy(false);
        this.#status.textContent = `Loaded on ${event.adapter}: ${formatBytes(event.bytes)}.`;
        this.#suggest(event.text, 'Once upon a time');
        return;
      case 'step':
        this.#progress.hidden = false;
        this.#progress.value = event.step / event.steps;
        this.#status.textContent = `Step ${event.step} of ${event.steps}: loss ${event.loss.toFixed(3)}, ${threeDigits(event.tokensPerSecond)} tokens/s.`;
        this.#training.step(event);
        return;
      case 'trained':
        this.#loaded = true;
        this.#training.reached(event.step);
        this.#busy(false);
        this.#status.textContent = `${event.stopped ? 'Stopped after' : 'Trained to'} step ${event.step} on ${event.adapter}. Generate writes with what it has learnt.`;
        this.#suggest(true, 'The whale ');
        return;
      case 'token':
        this.#output.append(event.text === '' ? `${event.token} ` : event.text);
        return;
      case 'done': {
        this.#busy(false);
        const rate = threeDigits(event.tokens / event.seconds);
        this.#status.textContent = `${event.stopped ? 'Stopped after' : 'Generated'} ${event.tokens} tokens, ${rate} tokens/s with the prompt.`;
        return;
      }
      case 'failed':
        this.#failed(event.message);
    }
  }

  /** A prompt in place of the one that nobody has changed. */
  #suggest(text: boolean, prompt: string): void {
    if (!PROMPTS.has(this.#prompt.value)) return;
    this.#prompt.value = text ? prompt : TOKENS;
  }

  #failed(message: string): void {
    this.#busy(false);
    this.#status.textContent = message;
  }

  #busy(busy: boolean): void {
    this.#load.disabled = busy;
    this.#training.busy(busy);
    this.#stop.disabled = true;
    this.#progress.hidden = true;
    this.#generate.disabled = busy || !this.#loaded;
  }
}
