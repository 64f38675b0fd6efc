/** The package's entry: typed, through ts-morph; JavaScript and declarations are made from the same structure. */
import type { Program } from '@hyb/runtime';

export interface Entry {
  readonly source: string;
  readonly javascript: string;
  readonly declaration: string;
}

/**
 * Imports ts-morph and Prettier only when called: they are most of a compilation's time.
 *
 * @param trained whether there is a recipe, and so a `train`
 */
export async function emitEntry(program: Program, trained: boolean): Promise<Entry> {
  const [{ Project, ts, VariableDeclarationKind }, { format }] = await Promise.all([
    import('ts-morph'),
    loadFormatter(),
  ]);
  const { model } = program;
  const project = new Project({ useInMemoryFileSystem: true, skipLoadingLibFiles: true });
  const layerNames = model.layers.map((l) => l.alias);
  const docs = [{ description: comment(model.doc ?? `The model ${model.name}.`) }];
  const facts = [
    ['vocab', String(model.vocab), 'Number of token ids.'],
    ['width', String(model.width), 'Width of the residual stream.'],
    ['context', String(model.context), 'Longest context the model was made for, in tokens.'],
    ['layers', JSON.stringify(layerNames), 'Name of each layer in the source, in order.'],
  ] as const;
  const types = {
    moduleSpecifier: '@hyb/runtime',
    isTypeOnly: true,
    namedImports: ['Device', 'LoadOptions', 'Model', ...(trained ? ['PackageTrainOptions', 'StepMetrics'] : [])],
  };
  const imports = [
    { moduleSpecifier: '@hyb/runtime', namedImports: ['createModel', ...(trained ? ['trainPackage'] : [])] },
    types,
    { moduleSpecifier: './kernels.js', namedImports: ['kernels'] },
    { moduleSpecifier: './program.js', namedImports: ['program'] },
    ...(trained
      ? [
          { moduleSpecifier: './recipe.js', namedImports: ['checkpointFiles', 'recipe'] },
          { moduleSpecifier: './training-kernels.js', namedImports: ['trainingKernels'] },
          { moduleSpecifier: './training.js', namedImports: ['trainingProgram'] },
        ]
      : []),
  ];
  const device = { name: 'device', type: 'Device | GPUDevice | undefined' };
  const options = { name: 'options', type: 'LoadOptions' };
  const returnType = 'Promise<Model>';
  const loadDocs = [
    {
      description:
        `Loads ${comment(model.name)} onto a device: opens it, compiles the kernels, and streams the weights.\n` +
        '@throws HybError when a feature, memory or a tensor is missing; the message says which.',
    },
  ];

  const training = {
    name: 'train',
    isExported: true,
    docs: [
      {
        description:
          `Trains ${comment(model.name)} as its recipe says, on texts that are given, and yields the metrics of each step.\n` +
          '@throws HybError when it cannot begin or go on; the message says why, and the last checkpoint stays.',
      },
    ],
    parameters: [{ name: 'options', type: 'PackageTrainOptions' }],
    returnType: 'AsyncGenerator<StepMetrics, void, undefined>',
  };
  const deviceDocs = [{ description: 'The same on a device that is open already; `undefined` opens one.' }];

  const source = project.createSourceFile('index.ts', {
    statements: [],
  });
  source.addImportDeclarations(imports);
  source.addVariableStatements(
    facts.map(([name, value, description]) => ({
      declarationKind: VariableDeclarationKind.Const,
      isExported: true,
      docs: [{ description }],
      declarations: [{ name, initializer: `${value}${name === 'layers' ? ' as const' : ''}` }],
    })),
  );
  source.addFunction({
    name: 'load',
    isExported: true,
    overloads: [
      { docs: loadDocs, parameters: [options], returnType },
      { docs: deviceDocs, parameters: [device, options], returnType },
    ],
    parameters: [
      { name: 'first', type: 'LoadOptions | Device | GPUDevice | undefined' },
      { name: 'second', type: 'LoadOptions', hasQuestionToken: true },
    ],
    returnType,
    statements: [
      'if (second === undefined) return createModel(program, kernels, first as LoadOptions);',
      'return createModel(program, kernels, { ...second, device: first as Device | GPUDevice | undefined });',
    ],
  });
  if (trained) {
    source.addFunction({
      ...training,
      statements: [
        'return trainPackage({ program: trainingProgram, kernels: trainingKernels, recipe, files: checkpointFiles }, options);',
      ],
    });
  }
  source.addExportDeclaration({ namedExports: ['program', 'kernels', ...(trained ? ['recipe'] : [])] });
  source.insertText(0, `/**\n * ${docs[0]!.description.replace(/\n/g, '\n * ')}\n */\n`);

  const declaration = project.createSourceFile('index.d.ts');
  declaration.addImportDeclarations([types]);
  declaration.addVariableStatements(
    facts.map(([name, value, description]) => ({
      declarationKind: VariableDeclarationKind.Const,
      isExported: true,
      hasDeclareKeyword: true,
      docs: [{ description }],
      declarations: [{ name, type: name === 'layers' ? `readonly ${value}` : value }],
    })),
  );
  declaration.addFunctions([
    { name: 'load', isExported: true, hasDeclareKeyword: true, docs: loadDocs, parameters: [options], returnType },
    {
      name: 'load',
      isExported: true,
      hasDeclareKeyword: true,
      docs: deviceDocs,
      parameters: [device, options],
      returnType,
    },
  ]);
  if (trained) declaration.addFunction({ ...training, hasDeclareKeyword: true });
  declaration.addExportDeclarations([
    { namedExports: ['program'], moduleSpecifier: './program.js' },
    { namedExports: ['kernels'], moduleSpecifier: './kernels.js' },
    ...(trained ? [{ namedExports: ['recipe'], moduleSpecifier: './recipe.js' }] : []),
  ]);

  const text = source.getFullText();
  const javascript = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  }).outputText;
  return {
    source: await format(text, 'typescript'),
    javascript: await format(javascript, 'babel'),
    declaration: await format(declaration.getFullText(), 'typescript'),
  };
}

async function loadFormatter(): Promise<{ format: (text: string, parser: 'typescript' | 'babel') => Promise<string> }> {
  const [prettier, typescript, babel, estree] = await Promise.all([
    import('prettier/standalone'),
    import('prettier/plugins/typescript'),
    import('prettier/plugins/babel'),
    import('prettier/plugins/estree'),
  ]);
  const plugins = [typescript, babel, estree as never];
  return { format: (text, parser) => prettier.format(text, { parser, plugins, printWidth: 120, singleQuote: true }) };
}

/** Text of the source inside a block comment. */
function comment(text: string): string {
  return text.replace(/\*\//g, '*\u200b/');
}
