import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type FollowWay, followEvents } from './event-follower.ts';

/**
 * A client of the event log that may be killed at any time: `event-client.ts URL TOKEN_FILE HANDLED_FILE WAY`.
 * Handling an event means to append its line, and the cursor is the seq of the last whole line: one write does both,
 * so that a kill never comes between them.
 */
const [url, tokenFile, handledFile, way] = process.argv.slice(2);
if (url === undefined || tokenFile === undefined || handledFile === undefined || way === undefined)
  throw new Error('usage: event-client.ts URL TOKEN_FILE HANDLED_FILE WAY');

const token = readFileSync(tokenFile, 'utf8').trim();
const address = { url, token };
const signal = new AbortController().signal;
for await (const event of followEvents(() => address, way as FollowWay, { after: cursorOf(handledFile), signal }))
  appendFileSync(handledFile, `${JSON.stringify({ seq: event.seq, type: event.type, data: event.data })}\n`);

function cursorOf(file: string): number {
  if (!existsSync(file)) return 0;
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  // A line that the kill cut in two was not handled.
  if (whole.length < text.length) writeFileSync(file, whole);
  const last = whole.trimEnd().split('\n').at(-1);
  return last ? (JSON.parse(last) as { seq: number }).seq : 0;
}
