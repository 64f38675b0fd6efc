/** The compiler at work on one file: what was checked last, and plans of its models once somebody asks for them. */
import { check, parameterPath, planModel, printKernel, printWgsl } from '@hyb/compiler';
import type { CheckedModel, Checked as CompilerChecked, Plan, SourceHost } from '@hyb/compiler';
import {
  decodeCost,
  findDevice,
  HYB_FORMATS,
  kernelTable,
  memoryNeeds,
  modelView,
  modelWork,
  parameterSum,
  promptCost,
  roofline,
  tensorTable,
} from '@hyb/compiler/inspect/index';
import { printStage } from '@hyb/compiler/inspect/print-stage';
import { isLibraryPath, parseLibraryFile } from '@hyb/compiler/sources/library';
import { format, SyntaxErrors } from '@hyb/grammar';
import type { ModelOptions, RequestName, Requests } from './protocol.js';
import { recipeNames, shownRecipe, trainable } from './recipes.js';
import type { SourceOf } from './recipes.js';

type Handlers = {
  readonly [N in RequestName]: (take: Requests[N]['take']) => Requests[N]['give'] | Promise<Requests[N]['give']>;
};

export class Session {
  #path = '';
  #text = '';
  #checked: CompilerChecked | undefined;
  /** By model and whether it is fused. */
  readonly #plans = new Map<string, Plan>();
  readonly #host: SourceHost;

  /** @param others texts of files that a source may use, by path */
  constructor(readonly others: Readonly<Record<string, string>>) {
    const texts = (path: string): string | undefined =>
      path === this.#path ? this.#text : Object.hasOwn(others, path) ? others[path] : undefined;
    this.#host = { read: texts, list: () => [...new Set([this.#path, ...Object.keys(others)])] };
  }

  async answer<N extends RequestName>(name: N, take: Requests[N]['take']): Promise<Requests[N]['give']> {
    return this.#handlers[name](take);
  }

  readonly #handlers: Handlers = {
    check: ({ path, text, model }) => {
      [this.#path, this.#text] = [path, text];
      this.#plans.clear();
      this.#checked = check(this.#host, path);
      const { diagnostics, models } = this.#checked;
      const shown = models.find((m) => m.model.name === model) ?? models[0];
      return {
        diagnostics,
        models: models.map((m) => m.model.name),
        view: shown === undefined ? null : modelView(this.#checked, shown),
        recipes: recipeNames(this.#checked),
      };
    },
    file: ({ path }) => (isLibraryPath(path) ? parseLibraryFile(path)?.text : this.#host.read(path)) ?? null,
    format: async ({ text }) => {
      try {
        return await format(text, { file: this.#path });
      } catch (error) {
        // What is wrong is marked in the editor already.
        if (error instanceof SyntaxErrors) return text;
        throw error;
      }
    },
    view: (options) => modelView(this.#checked!, this.#model(options), this.#plan(options)),
    shapes: (options) => tensorTable(this.#model(options).graph, this.#plan(options).program),
    stage: ({ stage, ...options }) =>
      printStage(stage, this.#checked!, this.#model(options), () => this.#plan(options)),
    kernels: ({ mode, sizes, ...options }) =>
      kernelTable(this.#model(options).graph, this.#plan(options).program, {
        ...sizes,
        mode,
        tokensPerSequence: mode === 'decode' ? 1 : sizes.context,
      }),
    kernel: ({ name, ...options }) => {
      const kernel = this.#plan(options).kernels.get(name);
      if (kernel === undefined) throw new Error(`There is no kernel ${name}.`);
      return { name, kernel: printKernel(kernel), wgsl: printWgsl(kernel) };
    },
    costs: ({ sizes, device, ...options }) => {
      const { graph, model } = this.#model(options);
      const { program } = this.#plan(options);
      const { context, sequences: batch, storage } = sizes;
      const work = modelWork(graph);
      const stored = storage === undefined ? {} : { storage };
      const limits = roofline(graph, program, { context, batch, device: findDevice(device)!, ...stored });
      const formats = { ...HYB_FORMATS, weights: limits.formats.weights };
      return {
        memory: memoryNeeds(program, sizes),
        parameters: parameterSum(graph, (layer) => model.layers[layer]!.block.declaration.name.text),
        roofline: limits,
        decode: decodeCost(work, { context, batch }, formats),
        prompt: promptCost(work, { tokens: context }, formats),
      };
    },
    runnable: (options) => {
      const { graph } = this.#model(options);
      const { program, kernels } = this.#plan(options);
      const initial = new Map(
        graph.instances.flatMap((instance) =>
          graph.graphs[instance.graph]!.parameters.map(({ path, type, init }) => {
            const full = parameterPath(instance, path);
            return [full, { path: full, shape: type.dims.map((d) => d.extent as number), init }] as const;
          }),
        ),
      );
      const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
      return { program, sources, initial: [...initial.values()] };
    },
    recipe: (options) => shownRecipe(this.#source, options),
    trainable: (options) => trainable(this.#source, options),
    package: async ({ recipe, ...options }) => {
      const { inferencePackage, trainingPackage } = await import('./package.js');
      return recipe === undefined
        ? inferencePackage(this.#source, this.#plan(options))
        : trainingPackage(this.#source, { ...options, recipe });
    },
  };

  get #source(): SourceOf {
    return { path: this.#path, host: this.#host, checked: this.#checked! };
  }

  #model({ model }: ModelOptions): CheckedModel {
    const found = this.#checked?.models.find((m) => m.model.name === model);
    if (found === undefined) throw new Error(`There is no model ${model} without errors.`);
    return found;
  }

  #plan(options: ModelOptions): Plan {
    const { model, fused = true } = options;
    const key = `${model} ${fused}`;
    const made = this.#plans.get(key) ?? planModel(this.#model(options), { fused });
    this.#plans.set(key, made);
    return made;
  }
}
