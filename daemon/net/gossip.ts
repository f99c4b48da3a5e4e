import { TopicValidatorResult } from '@libp2p/gossipsub';
import { isPeerIdText } from '#api/ids';
import { GOSSIP_MAX_MESSAGE_BYTES } from '#api/wire/protocols';
import type { Logger } from '../base/logger.ts';
import { gossipMessageId } from './gossip-options.ts';
import { type Host, onceStarted } from './host.ts';
import type { GossipMessage, PublishResult, Transport } from './transport.ts';

export type Gossip = Pick<Transport, 'subscribe' | 'publish' | 'subscribers'>;

export function createGossip({ host, log }: { host: Host; log: Logger }): Gossip {
  const { pubsub } = host.node.services;
  const self = host.node.peerId.toString();
  const receivers = new Map<string, (message: GossipMessage) => void>();

  pubsub.addEventListener('message', event => {
    const receive = receivers.get(event.detail.topic);
    const message = receive && toGossipMessage(event.detail);
    if (!message || message.author === self) return;
    try {
      receive(message);
    } catch (error) {
      log.error({ reason: String(error) }, 'a gossip receiver threw');
    }
  });

  return {
    subscribe(topic, { validate, receive }) {
      receivers.set(topic, receive);
      pubsub.topicValidators.set(topic, (_forwarder, raw) => {
        const message = toGossipMessage(raw);
        if (!message || message.author === self || message.payload.length > GOSSIP_MAX_MESSAGE_BYTES)
          return TopicValidatorResult.Ignore;
        return validate(message) === 'accept' ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore;
      });
      onceStarted(host, () => pubsub.subscribe(topic));
    },
    async publish(topic, payload): Promise<PublishResult> {
      if (payload.length > GOSSIP_MAX_MESSAGE_BYTES)
        throw new RangeError(`a gossip message of ${payload.length} bytes is over ${GOSSIP_MAX_MESSAGE_BYTES}`);
      const { recipients } = await pubsub.publish(topic, payload);
      return { recipients: recipients.length };
    },
    subscribers: topic => pubsub.getSubscribers(topic).map(String).filter(isPeerIdText),
  };
}

type RawMessage = Parameters<NonNullable<ReturnType<Host['node']['services']['pubsub']['topicValidators']['get']>>>[1];

function toGossipMessage(raw: RawMessage): GossipMessage | null {
  if (raw.type !== 'signed') return null;
  const author = raw.from.toString();
  if (!isPeerIdText(author)) return null;
  return {
    author,
    seqno: raw.sequenceNumber,
    id: gossipMessageId(author, raw.sequenceNumber),
    payload: raw.data,
  };
}
