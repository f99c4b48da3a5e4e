import { AsyncLocalStorage } from 'node:async_hooks';
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2';
import type { Connection, Stream } from '@libp2p/interface';

/** What the relay holds of one circuit and direction before it stops reading from the sender. */
const HIGH_MARK_BYTES = 512 * 1024;
const LOW_MARK_BYTES = 128 * 1024;

/** The methods of libp2p's relay server that are wrapped; public there, but not in its type. */
interface ServerParts {
  onHop(stream: Stream, connection: Connection): Promise<void>;
  stopHop(...args: unknown[]): Promise<Stream | undefined>;
}

/**
 * Gives circuits back-pressure. libp2p's relay reads from one side whether or not the other takes it: a dialer writing
 * to a frozen target fills the relay's memory (750 MB for 300 MiB sent; network page, section 2).
 */
export function withFlowControl(service: CircuitRelayService): CircuitRelayService {
  const server = service as CircuitRelayService & Partial<ServerParts>;
  if (!server.onHop || !server.stopHop) throw new Error('the relay server of this libp2p version is built otherwise');
  const asking = new AsyncLocalStorage<{ target?: Stream }>();
  const onHop = server.onHop.bind(server);
  const stopHop = server.stopHop.bind(server);
  // start() registers what onHop is then.
  server.onHop = (source, connection) => {
    const circuit: { target?: Stream } = {};
    return asking.run(circuit, async () => {
      await onHop(source, connection);
      if (!circuit.target) return;
      // Not before both are joined: a listener for 'message' takes what the target said together with its yes.
      holdBack(source, circuit.target);
      holdBack(circuit.target, source);
    });
  };
  server.stopHop = async (...args) => {
    const target = await stopHop(...args);
    const circuit = asking.getStore();
    if (target && circuit) circuit.target = target;
    return target;
  };
  return server;
}

/** Stops reading `from` while much of what it brought has not been written to `to`. */
function holdBack(from: Stream, to: Stream): void {
  let heldBytes = 0;
  let paused = false;
  from.addEventListener('message', event => {
    heldBytes += event.data.byteLength;
    if (heldBytes < HIGH_MARK_BYTES || paused) return;
    paused = true;
    // Inside a 'message' handler pause() is undone (network page, section 0.6).
    queueMicrotask(() => {
      if (paused && from.readStatus === 'readable') from.pause();
    });
  });
  const send = to.send.bind(to);
  to.send = data => {
    const more = send(data);
    heldBytes = Math.max(0, heldBytes - data.byteLength);
    if (paused && heldBytes < LOW_MARK_BYTES) {
      paused = false;
      if (from.readStatus === 'paused') from.resume();
    }
    return more;
  };
}
