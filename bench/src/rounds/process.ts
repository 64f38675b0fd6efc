/** A contender's process: answers requests one at a time. Started by `competitor.ts` with the contender's name. */
import type { Contender, ContenderName, Measured, Request, Response, Task } from './contender.js';

async function open(name: ContenderName): Promise<Contender> {
  switch (name) {
    case 'hyb':
      return (await import('../kernels/contenders/hyb.js')).hyb();
    case 'hyb-model':
      return (await import('../model/contender.js')).hybModel();
    case 'hyb-training':
      return (await import('../training/contenders/hyb.js')).hybTraining();
    case 'jax-js':
      return (await import('../kernels/contenders/jax.js')).jax();
    case 'jax-js-training':
      return (await import('../training/contenders/jax.js')).jaxTraining();
    case 'tensorflow-js':
      return (await import('../training/contenders/tensorflow.js')).tensorflowTraining();
    case 'onnxruntime-web':
      return (await import('../kernels/contenders/onnxruntime.js')).onnxruntime();
    case 'limit-matmul':
    case 'limit-arithmetic':
    case 'limit-stream':
    case 'limit-dispatch':
      return (await import('../limits/limits.js')).limit(name)();
  }
}

const contender = open(process.argv[2] as ContenderName);
let task: Task | undefined;

/** Times what a task does not time itself. */
async function timed(work: Task, repetitions: number): Promise<Measured> {
  const start = performance.now();
  const before = process.cpuUsage();
  const own = await work.run(repetitions);
  const milliseconds = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return own ?? { repetitions, milliseconds, cpu: (user + system) / 1e3 };
}

async function answer(request: Request): Promise<Response> {
  switch (request.type) {
    case 'version':
      return { type: 'version', version: (await contender).version };
    case 'prepare': {
      task?.dispose?.();
      task = undefined;
      task = await (await contender).prepare(request.case);
      await task?.run(1);
      return { type: 'prepared', amount: task?.amount, facts: task?.facts ?? {} };
    }
    case 'measure':
      return { type: 'measured', ...(await timed(task!, request.repetitions)) };
    case 'exit':
      process.exit(0);
  }
}

process.on('message', (request: Request) => {
  answer(request)
    .catch((error: unknown): Response => ({
      type: 'failed',
      message: error instanceof Error ? error.message : String(error),
    }))
    .then((response) => process.send!(response))
    .catch(() => process.exit(1));
});
// Its parent is gone.
process.on('disconnect', () => process.exit(0));
