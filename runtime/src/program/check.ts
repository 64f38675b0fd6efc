import { ProgramError } from '../errors.js';
import { stepsOf } from './steps.js';
import type { Operand, Program, StageInstance, Step } from './program.js';

/**
 * Checks that everything a program refers to exists, so that a damaged package says so instead of failing somewhere.
 *
 * @throws ProgramError `bad-program`
 */
export function checkProgram(program: Program): void {
  if ((program as { format: number }).format !== 1) {
    fail(
      `it has format ${String(program.format)}, this runtime knows 1: compiler and runtime are of different versions`,
    );
  }
  const stages = new Map(program.stages.map((stage) => [stage.id, stage]));
  const matrices = new Set(program.matrices.map(({ id }) => id));
  const vectors = new Set(program.vectors.map(({ id }) => id));
  const states = new Set(program.states.map(({ id }) => id));
  if (program.schedule.length === 0) fail('its schedule is empty');
  for (const instance of [...program.schedule, program.sample]) {
    const { label, stage } = instance;
    const steps = stages.get(stage) ?? fail(`${label} runs the stage ${stage}, which does not exist`);
    for (const id of Object.values(instance.matrices)) if (!matrices.has(id)) fail(`${label} names no matrix: ${id}`);
    for (const id of Object.values(instance.states)) if (!states.has(id)) fail(`${label} names no state: ${id}`);
    if (instance.vectors !== undefined && !vectors.has(instance.vectors)) {
      fail(`${label} names no vectors: ${instance.vectors}`);
    }
    for (const step of stepsOf(steps)) checkStep(program, instance, step);
  }
}

function checkStep(program: Program, instance: StageInstance, step: Step): void {
  const place = `${instance.label}: ${step.label}`;
  const kernel = program.kernels[step.kernel] ?? fail(`${place} runs the kernel ${step.kernel}, which does not exist`);
  if (kernel.bindings.length !== step.bind.length)
    fail(`${place} binds ${step.bind.length} of ${kernel.bindings.length}`);
  if (kernel.uniforms.length !== step.uniforms.length) fail(`${place} has another number of uniforms than its kernel`);
  step.bind.forEach((operand, i) => checkOperand(program, instance, operand, kernel.bindings[i]!.weights, place));
  if (!step.split) return;
  const { binding, base, count } = step.split;
  const operand = step.bind[binding];
  if (!operand || !('matrix' in operand)) fail(`${place} splits what is no matrix`);
  for (const index of [base, count]) {
    if (step.uniforms[index] === undefined) fail(`${place} splits by a uniform that does not exist`);
  }
}

function checkOperand(
  program: Program,
  instance: StageInstance,
  operand: Operand,
  weights: boolean,
  place: string,
): void {
  const exists =
    'matrix' in operand
      ? instance.matrices[operand.matrix] !== undefined && weights
      : 'state' in operand
        ? instance.states[operand.state] !== undefined
        : 'vectors' in operand
          ? instance.vectors !== undefined
          : 'activation' in operand
            ? program.activations.some(({ id }) => id === operand.activation)
            : 'table' in operand
              ? program.tables.some(({ id }) => id === operand.table)
              : true;
  if (!exists) fail(`${place} binds ${JSON.stringify(operand)}, which does not exist`);
  if (weights && !('matrix' in operand)) fail(`${place} binds ${JSON.stringify(operand)} where weights belong`);
}

function fail(problem: string): never {
  throw new ProgramError('bad-program', `The program is damaged: ${problem}.`);
}
