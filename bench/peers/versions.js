import { readFileSync } from 'node:fs';

/** Version of an installed package. Some packages do not export their package.json. */
export function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}
