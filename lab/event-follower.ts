import { setTimeout as pause } from 'node:timers/promises';
import type { ApiAddress, EventPage, LogEvent } from './api.ts';
import { call, Refused } from './api.ts';

/** How events are read: all three must tell the same. */
export type FollowWay = 'socket' | 'poll' | 'stream';
export const FOLLOW_WAYS: readonly FollowWay[] = ['socket', 'poll', 'stream'];

interface Follow {
  readonly after: number;
  readonly signal: AbortSignal;
}

/**
 * What the daemon sends after a cursor on one connection, without any cleaning: what it sends twice comes twice. Ends
 * when the connection ends.
 */
export function eventsOnce(api: ApiAddress, way: FollowWay, follow: Follow): AsyncGenerator<LogEvent> {
  return { socket: overSocket, poll: overPoll, stream: overStream }[way](api, follow);
}

/** Follows over cuts and restarts, from the cursor of the last event that was handed out. */
export async function* followEvents(
  api: () => ApiAddress,
  way: FollowWay,
  { after, signal }: Follow,
): AsyncGenerator<LogEvent> {
  let cursor = after;
  while (!signal.aborted) {
    try {
      for await (const event of eventsOnce(api(), way, { after: cursor, signal })) {
        cursor = event.seq;
        yield event;
      }
    } catch (fault) {
      if (fault instanceof Refused && fault.status < 500 && fault.status !== 429) throw fault;
    }
    await pause(50);
  }
}

async function* overPoll(api: ApiAddress, { after, signal }: Follow): AsyncGenerator<LogEvent> {
  for (let cursor = after; !signal.aborted; ) {
    const page = await call<EventPage>(api, 'GET', `/v1/events?after=${cursor}&wait=2`);
    yield* page.events;
    cursor = page.next;
  }
}

async function* overSocket(api: ApiAddress, { after, signal }: Follow): AsyncGenerator<LogEvent> {
  const socket = new WebSocket(`${api.url.replace(/^http/, 'ws')}/v1/events/ws?after=${after}`, {
    headers: { authorization: `Bearer ${api.token}` },
  });
  const queue: LogEvent[] = [];
  let ended = false;
  let wake = (): void => undefined;
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(String(data)) as LogEvent & { kind: string };
    if (frame.kind === 'event') queue.push(frame);
    wake();
  });
  const end = (): void => {
    ended = true;
    wake();
  };
  socket.addEventListener('close', end);
  socket.addEventListener('error', end);
  signal.addEventListener('abort', end);
  try {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const event = queue.shift();
      if (event !== undefined) yield event;
      else if (ended) return;
      else await promise;
    }
  } finally {
    signal.removeEventListener('abort', end);
    socket.close();
  }
}

async function* overStream(api: ApiAddress, { after, signal }: Follow): AsyncGenerator<LogEvent> {
  const answer = await fetch(`${api.url}/v1/events/stream`, {
    headers: { authorization: `Bearer ${api.token}`, 'last-event-id': String(after) },
    signal,
  });
  if (!answer.ok || answer.body === null) throw new Refused(answer.status, await answer.text(), null);
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield JSON.parse(data) as LogEvent;
    }
  }
}
