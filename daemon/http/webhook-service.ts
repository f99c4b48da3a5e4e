import type { Acknowledgement, Consumer, ConsumerInput } from '#api/rest/consumers';
import type { Page, PageQuery } from '#api/rest/primitives';
import type {
  Webhook,
  WebhookCreated,
  WebhookDelivery,
  WebhookInput,
  WebhookPatch,
  WebhookSecret,
  WebhookTest,
} from '#api/rest/webhooks';

export interface WebhookService {
  list(query: PageQuery): Page<Webhook>;
  get(id: string): Webhook;
  create(input: WebhookInput): Promise<WebhookCreated>;
  patch(id: string, change: WebhookPatch): Promise<Webhook>;
  remove(id: string): Promise<void>;
  resume(id: string): Promise<Webhook>;
  /** @throws CURSOR_EXPIRED, CURSOR_UNKNOWN, LOG_CHANGED */
  redeliver(id: string, after: number): Promise<Webhook>;
  rotateSecret(id: string): Promise<WebhookSecret>;
  test(id: string): Promise<WebhookTest>;
  deliveries(id: string, query: PageQuery): Page<WebhookDelivery>;
}

/** Whose consumers are meant: those of a token, or of everybody for an admin. */
export interface ConsumerOwner {
  readonly tokenId: string;
  readonly isAdmin: boolean;
}

export interface ConsumerService {
  list(owner: ConsumerOwner): Consumer[];
  ensure(owner: ConsumerOwner, input: ConsumerInput): Promise<{ consumer: Consumer; created: boolean }>;
  /** Where reading begins, and what it asks for. @throws CONSUMER_NOT_FOUND */
  place(owner: ConsumerOwner, name: string): { after: number; logId: string; types: readonly string[] | undefined };
  acknowledge(owner: ConsumerOwner, name: string, what: Acknowledgement): Promise<Consumer>;
  remove(owner: ConsumerOwner, name: string): Promise<void>;
}
