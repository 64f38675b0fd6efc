/** A contender's process: answers requests one at a time. Started by `rounds.ts` with the contender's name. */
import type { Contender, ContenderName, Request, Response, Task } from './contender.js';

async function open(name: ContenderName): Promise<Contender> {
  switch (name) {
    case 'hyb':
      return (await import('./contenders/hyb.js')).hyb();
    case 'jax-js':
      return (await import('./contenders/jax.js')).jax();
    case 'onnxruntime-web':
      return (await import('./contenders/onnxruntime.js')).onnxruntime();
    case 'limit-matmul':
    case 'limit-arithmetic':
    case 'limit-stream':
      return (await import('./contenders/limits.js')).limit(name)();
  }
}

const contender = open(process.argv[2] as ContenderName);
let task: Task | undefined;

async function answer(request: Request): Promise<Response> {
  switch (request.type) {
    case 'version':
      return { type: 'version', version: (await contender).version };
    case 'prepare': {
      task?.dispose?.();
      task = undefined;
      task = await (await contender).prepare(request.case);
      await task?.run(1);
      return { type: 'prepared', amount: task?.amount };
    }
    case 'measure': {
      const start = performance.now();
      const before = process.cpuUsage();
      await task!.run(request.repetitions);
      const milliseconds = performance.now() - start;
      const { user, system } = process.cpuUsage(before);
      return { type: 'measured', milliseconds, cpu: (user + system) / 1e3 };
    }
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
