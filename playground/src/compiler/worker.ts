/** The compiler in a worker of its own: long compilations never hold up typing. */
import { messageOf } from '@hyb/runtime/messages';
import { exampleTexts } from '../examples.js';
import type { Answer, Request } from './protocol.js';
import { Session } from './session.js';

const session = new Session(exampleTexts);
// One after another: later requests are about what an earlier one has checked.
let last: Promise<unknown> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<Request>) => {
  const { id, name, take } = data;
  last = last.then(async () => {
    const answer: Answer = await session.answer(name, take).then(
      (give) => ({ id, give }),
      (error: unknown) => ({ id, error: messageOf(error) }),
    );
    postMessage(answer);
  });
});
