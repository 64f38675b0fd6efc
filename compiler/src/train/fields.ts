/** The fields of a recipe. Checking, types, documentation, hover and completion all come from this table. */
import type { Choice, FieldSpec, Spec } from './spec.js';

const rate = { kind: 'number', above: 0 } as const satisfies Spec;
const share = { kind: 'number', min: 0, max: 1 } as const satisfies Spec;
const factor = { kind: 'number', min: 0 } as const satisfies Spec;
const count = { kind: 'number', integer: true, min: 1 } as const satisfies Spec;
const momentum = { kind: 'number', min: 0, below: 1 } as const satisfies Spec;
const often = {
  kind: 'quantity',
  units: ['steps', 'tokens', 'seconds'],
  plain: 'steps',
  min: 1,
} as const satisfies Spec;
const paths = { kind: 'list', of: { kind: 'string' } } as const satisfies Spec;

const weightDecay = {
  spec: factor,
  default: 0.1,
  doc: 'Decoupled weight decay; of matrices only, unless `decay` says otherwise.',
} as const satisfies FieldSpec;
const betas = {
  spec: { kind: 'pair', of: momentum },
  default: [0.9, 0.95],
  doc: 'Decay of the running means of gradients and their squares.',
} as const satisfies FieldSpec;
const eps = { spec: rate, default: 1e-8, doc: 'Added to the root of the second moment.' } as const satisfies FieldSpec;
const stochastic = {
  spec: { kind: 'boolean' },
  default: false,
  doc: 'Rounds moments that `precision` keeps in bf16 up or down at random, without bias.',
} as const satisfies FieldSpec;

export const OPTIMIZERS = [
  {
    name: 'AdamW',
    doc: 'Adam with decoupled weight decay (Loshchilov & Hutter 2019).',
    parameters: { betas, eps, weight_decay: weightDecay, stochastic_rounding: stochastic },
  },
  {
    name: 'Muon',
    doc: 'Orthogonalised momentum for matrices of the layers (Jordan et al. 2024); AdamW for everything else.',
    parameters: {
      momentum: { spec: momentum, default: 0.95, doc: 'Decay of the running mean of gradients.' },
      nesterov: { spec: { kind: 'boolean' }, default: true, doc: 'Looks one step ahead.' },
      iterations: { spec: count, default: 5, doc: 'Newton-Schulz steps.' },
      scale: {
        spec: {
          kind: 'choice',
          of: [
            {
              name: 'match_rms',
              doc: '0.2 sqrt(max(rows, columns)): about as large as an update of AdamW, so that rates fit both (Liu et al. 2025).',
              parameters: {},
            },
            { name: 'original', doc: 'sqrt(max(1, rows / columns)) (Jordan et al. 2024).', parameters: {} },
          ],
        },
        default: { name: 'match_rms', arguments: {} },
        doc: 'What the orthogonalised update of a matrix is multiplied by.',
      },
      weight_decay: weightDecay,
      adam_rate: { spec: factor, default: 1, doc: 'Learning rate of AdamW for the rest, as a multiple of `rate`.' },
      betas,
      eps,
      stochastic_rounding: stochastic,
    },
  },
  {
    name: 'SGD',
    doc: 'Gradient descent with momentum.',
    parameters: {
      momentum: { spec: momentum, default: 0, doc: 'Decay of the running mean of gradients.' },
      nesterov: { spec: { kind: 'boolean' }, default: false, doc: 'Looks one step ahead.' },
      weight_decay: { ...weightDecay, default: 0 },
    },
  },
] as const satisfies readonly Choice[];

const floor = {
  spec: share,
  default: 0,
  doc: 'Learning rate at the end, as a share of the peak.',
} as const satisfies FieldSpec;

export const SCHEDULES = [
  { name: 'constant', doc: 'The peak rate after the warm-up.', parameters: {} },
  { name: 'cosine', doc: 'Half a cosine from the peak to the floor.', parameters: { floor } },
  { name: 'linear', doc: 'A straight line from the peak to the floor.', parameters: { floor } },
  {
    name: 'wsd',
    doc: 'Warm-up, stable, decay (Hu et al. 2024): the peak rate, then a decay at the end.',
    parameters: {
      decay: {
        spec: {
          kind: 'any',
          of: [share, { kind: 'quantity', units: ['steps', 'tokens'] }],
          expected: 'a share of the run, or a number of steps or tokens',
        },
        default: 0.2,
        doc: 'Length of the decay: a share of the run, or steps or tokens.',
      },
      floor,
      shape: {
        spec: {
          kind: 'choice',
          of: [
            { name: 'linear', doc: 'A straight line.', parameters: {} },
            { name: 'cosine', doc: 'Half a cosine.', parameters: {} },
            { name: 'sqrt', doc: 'One minus the square root of the share of the decay.', parameters: {} },
          ],
        },
        default: { name: 'linear', arguments: {} },
        doc: 'Shape of the decay.',
      },
    },
  },
] as const satisfies readonly Choice[];

export const LOSSES = [
  {
    name: 'cross_entropy',
    doc: 'Mean cross-entropy of the next token over labels that are not ignored.',
    parameters: {
      z: { spec: factor, default: 0, doc: 'Weight of the squared log of the partition function (z-loss).' },
      smoothing: {
        spec: { kind: 'number', min: 0, below: 1 },
        default: 0,
        doc: 'Share of the label spread over all tokens.',
      },
    },
  },
] as const satisfies readonly Choice[];

const FAULT_POLICIES = [
  { name: 'stop', doc: 'Ends the run with an error.', parameters: {} },
  { name: 'skip', doc: 'Leaves the step out.', parameters: {} },
  { name: 'back', doc: 'Goes back to the last checkpoint and on past the data at fault.', parameters: {} },
] as const satisfies readonly Choice[];
const policy = { kind: 'choice', of: FAULT_POLICIES } as const satisfies Spec;

const mixture = { kind: 'named', of: { kind: 'number', above: 0 } } as const satisfies Spec;

/** Fields in the order in which a recipe is best written. */
export const TRAIN_FIELDS = {
  data: {
    spec: {
      kind: 'any',
      of: [paths, { kind: 'named', of: paths }],
      expected: 'a path, a tuple of paths, or `{ name = path … }`',
    },
    doc: 'Text, JSONL or folders of them, gzip included. Named sources can be mixed.',
    example: 'data = { web = "data/web", code = "data/code" }',
  },
  mix: {
    spec: {
      kind: 'any',
      of: [
        mixture,
        {
          kind: 'choice',
          of: [
            {
              name: 'phases',
              doc: 'Mixtures one after another.',
              parameters: {
                mixes: {
                  spec: {
                    kind: 'list',
                    of: {
                      kind: 'record',
                      fields: {
                        until: {
                          spec: {
                            kind: 'any',
                            of: [share, { kind: 'quantity', units: ['steps', 'tokens'] }],
                            expected: 'a share of the run, or a number of steps or tokens',
                          },
                          doc: 'End of the phase; the last one goes on to the end.',
                        },
                        of: { spec: mixture, required: true, doc: 'Weights of the sources, on any scale.' },
                      },
                    },
                  },
                  required: true,
                  doc: 'A tuple of `{ until = …, of = { … } }`.',
                },
              },
            },
          ],
        },
      ],
      expected: '`{ name = weight … }` or `phases((…))`',
    },
    doc: 'How much of each named source, on any scale; by default as much as there is.',
    example: 'mix = { web = 59, code = 20 }',
  },
  tokenizer: {
    spec: {
      kind: 'any',
      of: [
        { kind: 'string' },
        {
          kind: 'choice',
          of: [{ name: 'bytes', doc: 'One token a byte: vocabulary 256 and an end of text.', parameters: {} }],
        },
      ],
      expected: 'a path to a tokenizer.json, or `bytes`',
    },
    doc: 'A `tokenizer.json`, or `bytes`.',
    example: 'tokenizer = "tokenizer.json"',
  },
  sequence: {
    spec: { kind: 'quantity', units: ['tokens'], plain: 'tokens', min: 2 },
    doc: 'Tokens in a training sequence; by default the model’s context.',
    example: 'sequence = 8192',
  },
  batch: {
    spec: { kind: 'quantity', units: ['sequences', 'tokens'], plain: 'sequences', min: 1 },
    required: true,
    doc: 'Sequences or tokens a step, over all accumulated parts.',
    example: 'batch = 768 sequences',
  },
  accumulation: {
    spec: count,
    doc: 'Parts that a batch is computed in; by default what fits into `memory`.',
    example: 'accumulation = 4',
  },
  steps: {
    spec: { kind: 'quantity', units: ['steps'], plain: 'steps', min: 1 },
    doc: 'Length of the run in steps; or give `tokens`.',
    example: 'steps = 1000',
  },
  tokens: {
    spec: { kind: 'quantity', units: ['tokens'], plain: 'tokens', min: 1 },
    doc: 'Length of the run in tokens; or give `steps`.',
    example: 'tokens = 15e12',
  },
  rate: { spec: rate, required: true, doc: 'Peak learning rate.', example: 'rate = 8e-4' },
  rates: {
    spec: { kind: 'selected', of: factor },
    default: [],
    doc: 'Multiples of `rate` for parts of the model.',
    example: 'rates = { embedding = 0.1 }',
  },
  optimizer: {
    spec: { kind: 'choice', of: OPTIMIZERS },
    default: {
      name: 'AdamW',
      arguments: { betas: [0.9, 0.95], eps: 1e-8, weight_decay: 0.1, stochastic_rounding: false },
    },
    doc: 'The update rule.',
    example: 'optimizer = AdamW(betas = (0.9, 0.95), weight_decay = 0.1)',
  },
  decay: {
    spec: { kind: 'selected', of: factor },
    default: [],
    doc: 'Multiples of the weight decay for parts of the model; without, 1 for matrices and 0 for all else.',
    example: 'decay = { embedding = 0 }',
  },
  schedule: {
    spec: { kind: 'choice', of: SCHEDULES },
    default: { name: 'constant', arguments: {} },
    doc: 'The learning rate over the run.',
    example: 'schedule = cosine(floor = 0.01)',
  },
  warmup: {
    spec: { kind: 'quantity', units: ['steps', 'tokens'], plain: 'steps', min: 0 },
    default: { value: 0, unit: 'steps' },
    doc: 'Steps or tokens over which the rate rises from zero.',
    example: 'warmup = 8.3e9 tokens',
  },
  clip: {
    spec: { kind: 'optional', of: { kind: 'number', above: 0 } },
    default: 1,
    doc: 'Largest norm of all gradients together; `none` does not clip.',
    example: 'clip = 1',
  },
  loss: {
    spec: { kind: 'choice', of: LOSSES },
    default: { name: 'cross_entropy', arguments: { z: 0, smoothing: 0 } },
    doc: 'What is minimised.',
    example: 'loss = cross_entropy(z = 1e-4)',
  },
  loss_scale: {
    spec: {
      kind: 'any',
      of: [
        { kind: 'number', above: 0 },
        {
          kind: 'choice',
          of: [{ name: 'dynamic', doc: 'As large as gradients in f16 allow.', parameters: {} }],
        },
      ],
      expected: 'a number or `dynamic`',
    },
    default: 1,
    doc: 'Factor on the loss that keeps small gradients from vanishing in f16.',
    example: 'loss_scale = dynamic',
  },
  fp8_scale: {
    spec: {
      kind: 'any',
      of: [
        { kind: 'number', above: 0 },
        {
          kind: 'choice',
          of: [
            {
              name: 'current',
              doc: 'Of each tensor and step, so that its largest magnitude becomes the format’s largest value.',
              parameters: {},
            },
          ],
        },
      ],
      expected: 'a number or `current`',
    },
    default: { name: 'current', arguments: {} },
    doc: 'Factor on a tensor before it is rounded to e4m3 or e5m2, divided out again after it; a number is the same for all.',
    example: 'fp8_scale = current',
  },
  init: {
    spec: { kind: 'selected', of: { kind: 'initializer' } },
    default: [],
    doc: 'Initialisation of parts of the model, over what their parameters say.',
    example: 'init = { linears = normal(0.014) }',
  },
  seed: {
    spec: { kind: 'number', integer: true, min: 0, max: 2 ** 32 - 1 },
    default: 0,
    doc: 'Of initialisation and of the order of the data.',
    example: 'seed = 1',
  },
  memory: {
    spec: { kind: 'quantity', units: ['bytes'], min: 1 },
    doc: 'What the run may take on the device; decides what is recomputed. By default the device’s limit.',
    example: 'memory = 6 GB',
  },
  checkpoints: {
    spec: {
      kind: 'record',
      fields: {
        every: { spec: often, default: { value: 1000, unit: 'steps' }, doc: 'How often.' },
        keep: { spec: count, default: 2, doc: 'How many of the last ones stay.' },
        folder: { spec: { kind: 'string' }, doc: 'Where; by default beside the run’s log.' },
      },
    },
    default: { every: { value: 1000, unit: 'steps' }, keep: 2 },
    doc: 'Checkpoints of weights, optimizer, schedule, random numbers and place in the data.',
    example: 'checkpoints = { every = 500 steps, keep = 3 }',
  },
  evaluation: {
    spec: {
      kind: 'record',
      fields: {
        every: { spec: often, default: { value: 500, unit: 'steps' }, doc: 'How often.' },
        data: { spec: paths, doc: 'Held-out text; by default the end of the training data.' },
        tokens: {
          spec: { kind: 'quantity', units: ['tokens'], plain: 'tokens', min: 1 },
          doc: 'How much of it; by default all.',
        },
      },
    },
    doc: 'Loss, perplexity and bits per byte on held-out text.',
    example: 'evaluation = { every = 500 steps, data = "data/held-out.txt" }',
  },
  probes: {
    spec: {
      kind: 'record',
      fields: {
        every: { spec: often, default: { value: 10, unit: 'steps' }, doc: 'How often.' },
        of: {
          spec: {
            kind: 'list',
            of: {
              kind: 'choice',
              of: [
                { name: 'outputs', doc: 'Norms of the outputs of linear maps.', parameters: {} },
                { name: 'gradients', doc: 'Norms of the gradients of their inputs.', parameters: {} },
                { name: 'logits', doc: 'Largest attention logits.', parameters: {} },
                { name: 'entropy', doc: 'Entropy of attention.', parameters: {} },
              ],
            },
          },
          required: true,
          doc: 'What is measured.',
        },
      },
    },
    doc: 'Measurements inside the model, per layer.',
    example: 'probes = { every = 10 steps, of = (outputs, logits) }',
  },
  faults: {
    spec: {
      kind: 'record',
      fields: {
        not_finite: {
          spec: policy,
          default: { name: 'stop', arguments: {} },
          doc: 'When the loss or a gradient is not finite.',
        },
        spike: {
          spec: { kind: 'optional', of: policy },
          default: null,
          doc: 'When the loss is far over its running mean.',
        },
        spike_factor: {
          spec: { kind: 'number', above: 1 },
          default: 2,
          doc: 'What counts as a spike: this many times the mean.',
        },
      },
    },
    default: { not_finite: { name: 'stop', arguments: {} }, spike: null, spike_factor: 2 },
    doc: 'What to do when training goes wrong.',
    example: 'faults = { not_finite = skip, spike = back }',
  },
} as const satisfies Readonly<Record<string, FieldSpec>>;
