#!/usr/bin/env node
// The command is a bundle that `npm run build` makes; this file exists before the build so that npm can link it.
import { existsSync } from 'node:fs';
import module from 'node:module';

// From Node 22 on: compiled code is kept between runs.
module.enableCompileCache?.();

const bundle = new URL('../dist/bundle/hyb.js', import.meta.url);
if (existsSync(bundle)) {
  const { main } = await import(bundle.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  console.error('hyb is not built yet: run `npm run build` at the root of the repository.');
  process.exitCode = 2;
}
