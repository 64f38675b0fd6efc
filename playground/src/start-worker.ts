/**
 * A worker from one of the page's own scripts. A worker that is loaded by its address would not be held by the page's content
 * security policy; one that begins as a blob inherits it, so that nothing leaves from there either.
 */
export function startWorker(script: string): Worker {
  const address = new URL(`./${script}.js`, import.meta.url).href;
  const blob = new Blob([`import ${JSON.stringify(address)};`], { type: 'text/javascript' });
  const url = URL.createObjectURL(blob);
  const worker = new Worker(url, { type: 'module', name: script });
  // The worker has read it by the time of its first message.
  worker.addEventListener('message', () => URL.revokeObjectURL(url), { once: true });
  return worker;
}
