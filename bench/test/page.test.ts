import { updatePage } from '../src/report/page.js';
import type { Conditions } from '../src/report/conditions.js';
import type { Measurement, Section } from '../src/report/section.js';

const section = (name: string, onAdapter: boolean): Section => ({
  name,
  title: `Title of ${name}`,
  about: `About ${name}.`,
  parts: [],
  onAdapter,
  peers: false,
  seconds: 1,
  run: () => Promise.resolve(undefined),
  report: (result) => String(result),
});
const [plain, device] = [section('plain', false), section('device', true)];
const SECTIONS = [plain, device];

const conditions = (kind: 'software' | 'hardware', date: string): Conditions => ({
  date,
  commit: 'abc1234',
  hyb: '0.1.0',
  node: 'v20.0.0',
  system: 'Linux 6',
  cpu: 'CPU',
  cores: 2,
  memory: 2 ** 34,
  adapter: { kind, name: `the ${kind} one`, features: [] },
});
const measurement = (of: Section, result: string): Measurement => ({
  section: of,
  effort: { rounds: 3, turn: 1 },
  load: { before: 0.5, after: 12 },
  result,
});

test('what has not been measured says so, once for each kind of adapter', () => {
  const page = updatePage('', SECTIONS, [], conditions('software', 'today'));
  expect(page.match(/Not measured\./g)).toHaveLength(3);
  expect(page).toContain('## Title of plain\n\nAbout plain.');
});

test('a measurement replaces its own place and nothing else', () => {
  const first = updatePage(
    '',
    SECTIONS,
    [measurement(plain, 'first plain'), measurement(device, 'first device')],
    conditions('software', 'on Monday'),
  );
  const second = updatePage(first, SECTIONS, [measurement(device, 'on the GPU')], conditions('hardware', 'on Tuesday'));
  const third = updatePage(second, SECTIONS, [measurement(plain, 'second plain')], conditions('software', 'on Friday'));
  expect(third).toContain('second plain');
  expect(third).not.toContain('first plain');
  expect(third.indexOf('first device')).toBeLessThan(third.indexOf('### On a GPU'));
  expect(third.indexOf('on the GPU')).toBeGreaterThan(third.indexOf('### On a GPU'));
  expect(third).not.toContain('Not measured.');
  expect(third).toContain('_on Tuesday, commit abc1234, Hyb 0.1.0, Node v20.0.0, Linux 6; CPU, 2 cores, 16.0 GiB; ');
  expect(third).toContain('the hardware one (GPU); 3 rounds; load 0.5 before, 12.0 after._');
  // The same again changes nothing.
  expect(updatePage(third, SECTIONS, [], conditions('software', 'later'))).toBe(third);
});
