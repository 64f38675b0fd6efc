import { readFileSync, readdirSync } from 'node:fs';
import { loadProject, memoryHost, printModel, resolve, verifyModel } from '@hyb/compiler';
test('scratch', () => {
  const texts = Object.fromEntries(readdirSync('models').filter((n) => n.endsWith('.hyb')).map((n) => [n, readFileSync(`models/${n}`, 'utf8')]));
  for (const n of Object.keys(texts)) {
    const project = loadProject(memoryHost(texts), n);
    const r = resolve(project);
    console.log(n, JSON.stringify([...project.diagnostics, ...r.diagnostics].map((d) => `${d.code} ${d.message} @${d.span.file}:${d.span.start} ${texts[d.span.file]?.slice(d.span.start, d.span.end)}`), null, 1), r.models.map(printModel).join('\n'), r.models.flatMap(verifyModel));
  }
});
