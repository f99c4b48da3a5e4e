import type { eventRoutes } from '#api/rest/event-routes';
import type { EventsReply } from '#api/rest/events';
import { AppError } from '#api/errors';
import type { Clock } from '../base/clock.ts';
import type { Caller } from './auth.ts';
import { placed } from './consumer-handlers.ts';
import { createCommitWaiter, positionOf, scanEvents } from './event-reader.ts';
import { createSight } from './event-sight.ts';
import type { OneTimeSecrets } from './one-time-secrets.ts';
import { callerOf, type HandlersOf, type StreamOperationId } from './operation.ts';
import type { EventService } from './services.ts';
import type { Streams } from './streams.ts';
import type { ConsumerService } from './webhook-service.ts';

export function eventHandlers(deps: {
  readonly events: EventService;
  readonly consumers: ConsumerService;
  readonly clock: Clock;
  readonly streams: Streams;
  readonly tickets: OneTimeSecrets<Caller>;
}): HandlersOf<Omit<typeof eventRoutes, StreamOperationId>> {
  const { events, consumers, clock, streams, tickets } = deps;
  return {
    async readEvents(call) {
      const caller = callerOf(call);
      const query = placed(consumers, caller, call.query);
      const sight = createSight(caller, query.types);
      let { after, logId } = positionOf(events, query);
      const endMs = clock.monotonicMs() + query.wait * 1000;

      const stream = streams.open(caller);
      const onLeft = (): void => stream.end('left');
      call.signal.addEventListener('abort', onLeft);
      const commits = createCommitWaiter({ events, clock });
      try {
        for (;;) {
          const { rows, next, done } = scanEvents(events, { after, logId }, { sight, limit: query.limit });
          after = next;
          const leftMs = endMs - clock.monotonicMs();
          const state = events.state();
          if (rows.length > 0 || leftMs <= 0 || stream.signal.aborted)
            return {
              status: 200,
              body: { logId: state.logId, events: rows as EventsReply['events'], ...heads(state), next },
            };
          if (done) await commits.wait(stream.signal, leftMs);
          // A filter that matches little must not hold up everybody else while it looks.
          else await new Promise(resolve => setImmediate(resolve));
          if (stream.signal.reason === 'tokenGone') throw new AppError('TOKEN_INVALID');
        }
      } finally {
        commits.stop();
        call.signal.removeEventListener('abort', onLeft);
        stream.end('left');
      }
    },

    createEventTicket(call) {
      const { secret, expiresAtUnixMs } = tickets.create(callerOf(call));
      return { status: 201, body: { ticket: secret, expiresAtUnixMs } };
    },
  };
}

const heads = ({ head, oldest }: { head: number; oldest: number }) => ({ head, oldest });
