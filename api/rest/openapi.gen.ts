/** Made by scripts/generate.ts from api/rest/routes.ts: do not edit. */
export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The page that a browser shows */
        get: operations["getPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This API for people to read, with a curl line for every operation */
        get: operations["getDocs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.yaml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This description */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/asyncapi.yaml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The description of the event streams */
        get: operations["getAsyncApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process answers */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the daemon can take messages; 503 names the local fault, trouble with relays is `degraded` */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics in the Prometheus text format */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/about": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Version, licence and where the source is */
        get: operations["getAbout"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/node": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This daemon */
        get: operations["getNode"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes the own name or whether others find this daemon in the lobby */
        patch: operations["patchNode"];
        trace?: never;
    };
    "/v1/peers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Peers seen, by name */
        get: operations["listPeers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/peers/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Announces this daemon now; once in 5 seconds */
        post: operations["refreshPeers"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/peers/{peerId}/ping": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Measures the round trip to a peer, on the path that messages take */
        post: operations["pingPeer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Contacts, by name */
        get: operations["listContacts"];
        put?: never;
        /** Makes our side accepted. Sends nothing: the first message starts the contact */
        post: operations["addContact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contacts/{peerId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One contact */
        get: operations["getContact"];
        put?: never;
        post?: never;
        /** Removes a contact; the history stays unless `history=delete` */
        delete: operations["removeContact"];
        options?: never;
        head?: never;
        /** Changes what we call a contact */
        patch: operations["patchContact"];
        trace?: never;
    };
    "/v1/contacts/{peerId}/block": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes nothing from this contact any more: messages, lobby, prekeys */
        post: operations["blockContact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contacts/{peerId}/unblock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Undoes a block */
        post: operations["unblockContact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contacts/{peerId}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says that the safety number was compared, or with `verified: false` that it was not */
        post: operations["verifyContact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contacts/{peerId}/accept-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Accepts the new key of a contact; until then nothing is sent */
        post: operations["acceptContactKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/contacts/{peerId}/safety-number": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What both sides compare to know that nobody sits between them */
        get: operations["getSafetyNumber"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Peers that ask to become contacts */
        get: operations["listRequests"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{peerId}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the peer a contact */
        post: operations["acceptRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{peerId}/ignore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the request off the list; the peer is not told */
        post: operations["ignoreRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{peerId}/block": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Blocks the peer that asks */
        post: operations["blockRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invites": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Invites that can still be used, without their links */
        get: operations["listInvites"];
        put?: never;
        /** Makes an invite; who adds it becomes a contact without asking */
        post: operations["createInvite"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invites/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Takes an invite back; with `contacts=quarantine` also blocks everybody who came by it */
        delete: operations["removeInvite"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Conversations with their last message, unread count, draft and mute */
        get: operations["listConversations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One conversation */
        get: operations["getConversation"];
        put?: never;
        post?: never;
        /** Deletes the history of a conversation on this daemon */
        delete: operations["clearConversation"];
        options?: never;
        head?: never;
        /** Changes mute or draft */
        patch: operations["patchConversation"];
        trace?: never;
    };
    "/v1/conversations/{id}/export.ndjson": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All messages of a conversation, oldest first, one JSON object a line */
        get: operations["exportNdjson"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/export.md": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All messages of a conversation, oldest first, to read and to print */
        get: operations["exportMarkdown"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Marks everything up to a message as read */
        post: operations["readConversation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/conversations/{id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Messages of a conversation, oldest first; without a cursor the latest */
        get: operations["listMessages"];
        put?: never;
        /** Sends a text. 202: it is stored and will be delivered. `Prefer: wait=5` waits that long for delivery */
        post: operations["sendMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One message */
        get: operations["getMessage"];
        put?: never;
        post?: never;
        /** Deletes a message on this daemon */
        delete: operations["removeMessage"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/{id}/trace": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was tried to deliver a message: the newest 100 attempts per recipient */
        get: operations["getTrace"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries to deliver now, without waiting for the next turn */
        post: operations["retryMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes a message back that was not sealed yet */
        post: operations["cancelMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Full-text search of the message history, oldest first; without a cursor the latest. A page may be shorter than `limit`: `prev` and `next` say whether there is more */
        get: operations["searchMessages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Events after a cursor, oldest first; waits up to `wait` seconds for one. Go on with `after=next` */
        get: operations["readEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Events as server-sent events: `id` is the seq, `data` the event; `Last-Event-ID` goes before `after` */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/ticket": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A ticket for one WebSocket: browsers cannot send headers with it */
        post: operations["createEventTicket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/network": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How this daemon is reached: NAT, addresses, relays, bootstrap nodes */
        get: operations["getNetwork"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/network/relays": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Uses a relay from now on; it is kept over restarts and wins over the configuration */
        post: operations["addRelay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/network/relays/{peerId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Leaves a relay */
        delete: operations["removeRelay"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/network/bootstrap": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Uses a bootstrap node from now on */
        post: operations["addBootstrap"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/network/bootstrap/{peerId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Leaves a bootstrap node */
        delete: operations["removeBootstrap"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/network/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Looks at relays and addresses anew; takes at most 15 seconds */
        post: operations["checkNetwork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/doctor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is well, what is not, and what to do about it */
        get: operations["getDoctor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tokens and browser sessions, oldest first, without their secrets */
        get: operations["listTokens"];
        put?: never;
        /** Makes a token; it is shown this once */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a token and closes its streams */
        delete: operations["removeToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every write of a client, oldest first */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session/code": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A code that one browser exchanges for a session within 60 seconds */
        post: operations["createSessionCode"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchanges a code for a cookie and the key that goes with it; a code works once */
        post: operations["createSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Webhooks, oldest first, without their secrets */
        get: operations["listWebhooks"];
        put?: never;
        /** Sends the events that come from now on to a URL, signed by Standard Webhooks; the secret is shown this once */
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A webhook: its state and how far it is behind */
        get: operations["getWebhook"];
        put?: never;
        post?: never;
        /** Removes a webhook and its secret */
        delete: operations["removeWebhook"];
        options?: never;
        head?: never;
        /** Changes the target or the types, or switches it off and on; the cursor stays */
        patch: operations["patchWebhook"];
        trace?: never;
    };
    "/v1/webhooks/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Goes on with a parked webhook where it stopped; what was pruned meanwhile is skipped */
        post: operations["resumeWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/redeliver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends every event after a seq again, and goes on with a parked webhook */
        post: operations["redeliverWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** A new secret, shown this once; for 24 hours the old one signs as well */
        post: operations["rotateWebhookSecret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends one event of type webhook.test, with seq 0, now and once */
        post: operations["testWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The last 100 requests to the receiver, oldest first */
        get: operations["listWebhookDeliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consumers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Named readers of the log that this token made, by name; an admin sees all */
        get: operations["listConsumers"];
        put?: never;
        /** Makes sure that a named reader is there, with these types; read with GET /v1/events?consumer=NAME */
        post: operations["createConsumer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consumers/{name}/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Everything up to this seq is done with; a lower seq than before changes nothing */
        post: operations["acknowledgeEvents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/consumers/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Forgets a named reader and its place */
        delete: operations["removeConsumer"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Message: {
            /** Format: uuid */
            id: string;
            conversationId: string;
            /** @enum {string} */
            direction: "in" | "out";
            from: string;
            text: string;
            /** @description milliseconds since 1970 */
            sentAtUnixMs: number;
            /** @description milliseconds since 1970 */
            receivedAtUnixMs?: number;
            /** @enum {string} */
            state: "queued" | "mailbox" | "delivered" | "read" | "failed" | "expired" | "sent" | "received";
            /** @enum {string} */
            reason?: "awaiting-keys" | "awaiting-acceptance" | "no-path" | "no-reservation" | "window-full" | "rate-limited" | "key-changed" | "peer-busy" | "disk-full" | "mailbox-full" | "no-mailbox" | "too-old" | "cancelled" | "unsupported" | "rejected";
            recipients: {
                peerId: string;
                /** @enum {string} */
                state: "queued" | "mailbox" | "delivered" | "read" | "failed" | "expired" | "sent" | "received";
                /** @enum {string} */
                reason?: "awaiting-keys" | "awaiting-acceptance" | "no-path" | "no-reservation" | "window-full" | "rate-limited" | "key-changed" | "peer-busy" | "disk-full" | "mailbox-full" | "no-mailbox" | "too-old" | "cancelled" | "unsupported" | "rejected";
                /** @description milliseconds since 1970 */
                atUnixMs: number;
            }[];
            /** @description it disappears so long after it was read, an own one after it was delivered */
            expiresAfterSeconds?: number;
            /** @description milliseconds since 1970 */
            expiresAtUnixMs?: number;
            /**
             * @description deleted since: the text is gone
             * @constant
             */
            removed?: true;
        };
        Relay: {
            address: string;
            peerId: string;
            /** @enum {string} */
            reservation: "active" | "pending" | "lost";
            connected: boolean;
            /** @description milliseconds since 1970 */
            nextTryUnixMs?: number;
            /** @description milliseconds since 1970 */
            expiresAtUnixMs?: number;
            lastError?: string;
        };
        About: {
            /** @constant */
            name: "p2pmsgd";
            version: string;
            /** @constant */
            licence: "AGPL-3.0-only";
            /** @description commit of the source this was built from, or `unknown` */
            commit: string;
            /** @description where the source of this version is */
            source: string;
        };
        AuditEntry: {
            /** @description milliseconds since 1970 */
            atUnixMs: number;
            tokenName: string;
            /** @description operationId */
            operation: string;
            /** @description the id in the path, or empty */
            target: string;
        };
        Consumer: {
            name: string;
            types?: string[];
            logId: string;
            ackedSeq: number;
            /** @description events of the log after ackedSeq, of any type */
            lag: number;
            /** @description milliseconds since 1970 */
            lastAckUnixMs?: number;
            /** @description milliseconds since 1970 */
            createdAtUnixMs: number;
            /**
             * @description what reading from its place is answered
             * @enum {string}
             */
            fault?: "CURSOR_EXPIRED" | "LOG_CHANGED";
        };
        Contact: {
            peerId: string;
            name: string;
            /** @enum {string} */
            status: "accepted" | "blocked";
            theyAccepted: boolean | "unknown";
            verified: boolean | "invite";
            keyChanged: boolean;
            /** @enum {string} */
            presence: "online" | "away" | "offline" | "unknown";
            /** @enum {string} */
            path?: "lan" | "direct" | "punched" | "relayed" | "mailbox";
            /** @description milliseconds since 1970 */
            lastSeenUnixMs?: number;
            /** @description milliseconds since 1970 */
            addedAtUnixMs: number;
            /** @description the own invite by which this contact came */
            inviteId?: string;
            inviteNote?: string;
            /**
             * @description blocked because its invite was taken back; `unblock` lets it in again
             * @constant
             */
            quarantined?: true;
        };
        ContactRequest: {
            peerId: string;
            name: string;
            firstText?: string;
            safetyNumber?: string;
            /** @description milliseconds since 1970 */
            receivedAtUnixMs: number;
        };
        Conversation: {
            id: string;
            /** @enum {string} */
            kind: "direct" | "group" | "lobby" | "self";
            name?: string;
            /** @description true: unencrypted and readable by anybody (the lobby) */
            public: boolean;
            unread: number;
            muted: boolean;
            draft?: string;
            /** @description messages older than this are deleted here */
            keepDays?: number;
            /** @description new messages disappear on both sides so long after they were read */
            disappearAfterSeconds?: number;
            /** @description who of the two has set it last, also to off */
            disappearSetBy?: string;
            lastMessage?: components["schemas"]["Message"];
        };
        Events: {
            logId: string;
            events: {
                seq: number;
                /** @enum {string} */
                type: "message.received" | "message.sent" | "message.state" | "message.removed" | "message.gap" | "message.healed" | "contact.requested" | "contact.changed" | "contact.removed" | "contact.keyChanged" | "peer.online" | "peer.away" | "peer.offline" | "peers.changed" | "conversation.changed" | "network.changed" | "daemon.started" | "daemon.readOnly" | "log.pruned" | "webhook.parked";
                /** @description milliseconds since 1970 */
                atUnixMs: number;
                data: {
                    [key: string]: unknown;
                };
            }[];
            head: number;
            oldest: number;
            next: number;
        };
        Invite: {
            id: string;
            /** @description milliseconds since 1970 */
            expiresAtUnixMs: number;
            usesLeft: number;
            usesTotal: number;
            /** @description contacts that came by it and are still there */
            contacts: number;
            note?: string;
            /** @description milliseconds since 1970 */
            createdAtUnixMs: number;
        };
        InviteCreated: {
            id: string;
            /** @description milliseconds since 1970 */
            expiresAtUnixMs: number;
            usesLeft: number;
            usesTotal: number;
            /** @description contacts that came by it and are still there */
            contacts: number;
            note?: string;
            /** @description milliseconds since 1970 */
            createdAtUnixMs: number;
            invite: string;
        };
        Network: {
            /**
             * @description public: no NAT; private: behind one of which no more is known; endpoint-independent: one outside port for all destinations, holes can be punched; address-dependent: another port for each destination
             * @enum {string}
             */
            nat: "unknown" | "public" | "private" | "endpoint-independent" | "address-dependent";
            /** @description as others are told */
            addresses: string[];
            listening: string[];
            candidates: {
                address: string;
                /**
                 * @description of this machine; mapped by the router; as relays see it
                 * @enum {string}
                 */
                source: "interface" | "upnp" | "observed";
                /**
                 * @description by a relay that dialled back
                 * @enum {string}
                 */
                state: "verified" | "unverified" | "refuted";
                announced: boolean;
                /** @description milliseconds since 1970 */
                checkedAtUnixMs?: number;
            }[];
            holePunching: {
                /** @enum {string} */
                possible: "yes" | "no" | "unknown";
                reason: string;
            };
            /**
             * @description the router that maps ports for us; off also where no port is open
             * @enum {string}
             */
            portMapping: "off" | "searching" | "none" | "nat-pmp" | "upnp";
            clock: {
                /** @description milliseconds since 1970 */
                nowUnixMs: number;
                /** @description since the start; sleep counts too */
                jumpedForwardMs: number;
                jumpedBackMs: number;
                /** @description by how much the clocks of peers are ahead, their median */
                offsetMs?: number;
            };
            relays: components["schemas"]["Relay"][];
            bootstrap: {
                address: string;
                peerId: string;
                connected: boolean;
            }[];
            mdns: boolean;
            dht: {
                /** @enum {string} */
                mode: "off" | "client" | "server";
                peers: number;
            };
            connections: number;
            lobbySubscribers: number;
        };
        Node: {
            peerId: string;
            name: string;
            version: string;
            addresses: string[];
            discoverable: boolean;
            /** @description milliseconds since 1970 */
            startedAtUnixMs: number;
            readOnly: boolean;
            lobby: boolean;
            /**
             * @description where the key of the data folder came from; none: it is not encrypted
             * @enum {string}
             */
            encryption: "none" | "credential" | "keyring" | "passphrase" | "file";
            storage?: {
                /** @description history, search index, backups and keys */
                bytes: number;
                databaseBytes: number;
                /** @description what the disk has left */
                freeBytes: number;
            };
            safety?: {
                /** @description hex of the own ratchet identity key */
                ratchetIdentity: string;
            };
        };
        Peer: {
            peerId: string;
            name?: string;
            /** @enum {string} */
            presence: "online" | "away" | "offline" | "unknown";
            /** @enum {string} */
            path?: "lan" | "direct" | "punched" | "relayed" | "mailbox";
            rttMs?: number;
            /** @description milliseconds since 1970 */
            lastSeenUnixMs?: number;
            agent?: string;
            /** @description the relay of a relayed path */
            relay?: string;
            /** @description carried with this peer since the daemon started, without TCP/IP headers */
            bytesIn?: number;
            bytesOut?: number;
            /** @description why no better path is used, in words for people */
            pathNote?: string;
        };
        Problem: {
            type: string;
            /**
             * @description stable; match on it
             * @example MESSAGE_NOT_FOUND
             */
            code: string;
            title: string;
            status: number;
            detail: string;
            errors?: {
                /** @description JSON pointer into the body; what is elsewhere begins with /path/, /query/ or /header/ */
                pointer: string;
                detail: string;
            }[];
            requestId: string;
        } & {
            [key: string]: unknown;
        };
        SearchHit: {
            message: components["schemas"]["Message"];
            /** @description what to highlight: in order, without overlap, the first 100 */
            ranges: {
                start: number;
                end: number;
            }[];
        };
        Token: {
            id: string;
            name: string;
            scopes: ("network" | "contacts" | "messages:read" | "messages:send" | "files" | "events" | "admin")[];
            conversationId?: string;
            /** @description milliseconds since 1970 */
            expiresAtUnixMs?: number;
            /** @description milliseconds since 1970 */
            createdAtUnixMs: number;
            /** @description milliseconds since 1970 */
            lastUsedUnixMs?: number;
        };
        TokenCreated: {
            id: string;
            name: string;
            scopes: ("network" | "contacts" | "messages:read" | "messages:send" | "files" | "events" | "admin")[];
            conversationId?: string;
            /** @description milliseconds since 1970 */
            expiresAtUnixMs?: number;
            /** @description milliseconds since 1970 */
            createdAtUnixMs: number;
            /** @description milliseconds since 1970 */
            lastUsedUnixMs?: number;
            token: string;
        };
        Trace: {
            attempts: {
                /** @description milliseconds since 1970 */
                atUnixMs: number;
                /** @enum {string} */
                path?: "lan" | "direct" | "punched" | "relayed" | "mailbox";
                relay?: string;
                /** @enum {string} */
                outcome: "acked" | "stored" | "held" | "refused" | "timeout" | "unreachable" | "cut" | "superseded";
                code?: string;
                durationMs: number;
                /** @description why no better path was used, in words for people */
                note?: string;
            }[];
            attemptsTotal: number;
        };
        Webhook: {
            id: string;
            name?: string;
            url: string;
            types?: string[];
            conversationId?: string;
            allowPrivate: boolean;
            enabled: boolean;
            /** @enum {string} */
            state: "active" | "retrying" | "parked" | "disabled";
            /**
             * @description of a parked one
             * @enum {string}
             */
            reason?: "failing" | "gone" | "cursor-expired" | "log-changed";
            /** @description milliseconds since 1970 */
            parkedAtUnixMs?: number;
            logId: string;
            /** @description everything up to here was taken, or is not for this webhook */
            ackedSeq: number;
            /** @description events of the log after ackedSeq */
            lag: number;
            /** @description held until an event of theirs is taken */
            failingConversations: number;
            /** @description milliseconds since 1970 */
            createdAtUnixMs: number;
        };
        WebhookCreated: {
            id: string;
            name?: string;
            url: string;
            types?: string[];
            conversationId?: string;
            allowPrivate: boolean;
            enabled: boolean;
            /** @enum {string} */
            state: "active" | "retrying" | "parked" | "disabled";
            /**
             * @description of a parked one
             * @enum {string}
             */
            reason?: "failing" | "gone" | "cursor-expired" | "log-changed";
            /** @description milliseconds since 1970 */
            parkedAtUnixMs?: number;
            logId: string;
            /** @description everything up to here was taken, or is not for this webhook */
            ackedSeq: number;
            /** @description events of the log after ackedSeq */
            lag: number;
            /** @description held until an event of theirs is taken */
            failingConversations: number;
            /** @description milliseconds since 1970 */
            createdAtUnixMs: number;
            secret: string;
        };
        WebhookDelivery: {
            /** @description milliseconds since 1970 */
            atUnixMs: number;
            eventSeq: number;
            status?: number;
            durationMs: number;
            error?: string;
        };
    };
    responses: {
        /** @description REQUEST_INVALID */
        "400.REQUEST_INVALID": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description HOST_REFUSED, ORIGIN_REFUSED */
        "403.HOST_REFUSED.ORIGIN_REFUSED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description INTERNAL */
        "500.INTERNAL": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description STOPPING, STORE_READ_ONLY */
        "503.STOPPING.STORE_READ_ONLY": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED */
        "401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description HOST_REFUSED, ORIGIN_REFUSED, KEY_MISSING, SCOPE_MISSING */
        "403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description RATE_LIMITED */
        "429.RATE_LIMITED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description STOPPING */
        "503.STOPPING": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description BODY_TOO_LARGE */
        "413.BODY_TOO_LARGE": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description CONTENT_TYPE_REFUSED */
        "415.CONTENT_TYPE_REFUSED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description STOPPING, STORE_READ_ONLY, IDENTITY_IN_USE */
        "503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description DISK_FULL */
        "507.DISK_FULL": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description REQUEST_INVALID, CURSOR_INVALID */
        "400.REQUEST_INVALID.CURSOR_INVALID": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_IN_PROGRESS */
        "409.IDEMPOTENCY_IN_PROGRESS": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_KEY_REUSED */
        "422.IDEMPOTENCY_KEY_REUSED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description REQUEST_INVALID, PEER_ID_INVALID */
        "400.REQUEST_INVALID.PEER_ID_INVALID": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_KEY_REUSED, PEER_IS_SELF */
        "422.IDEMPOTENCY_KEY_REUSED.PEER_IS_SELF": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description PEER_UNREACHABLE */
        "504.PEER_UNREACHABLE": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description REQUEST_INVALID, ADDRESS_INVALID */
        "400.REQUEST_INVALID.ADDRESS_INVALID": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_IN_PROGRESS, CONTACT_BLOCKED */
        "409.IDEMPOTENCY_IN_PROGRESS.CONTACT_BLOCKED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_KEY_REUSED, PEER_IS_SELF, INVITE_EXPIRED, INVITE_USED, INVITE_INVALID, INVITE_OWN */
        "422.IDEMPOTENCY_KEY_REUSED.PEER_IS_SELF.INVITE_EXPIRED.INVITE_USED.INVITE_INVALID.INVITE_OWN": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description CONTACT_NOT_FOUND */
        "404.CONTACT_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_IN_PROGRESS, KEYS_UNKNOWN */
        "409.IDEMPOTENCY_IN_PROGRESS.KEYS_UNKNOWN": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description KEYS_UNKNOWN */
        "409.KEYS_UNKNOWN": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description REQUEST_NOT_FOUND */
        "404.REQUEST_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_IN_PROGRESS, SECRET_NOT_REPEATABLE */
        "409.IDEMPOTENCY_IN_PROGRESS.SECRET_NOT_REPEATABLE": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description INVITE_NOT_FOUND */
        "404.INVITE_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description CONVERSATION_NOT_FOUND */
        "404.CONVERSATION_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description BODY_TOO_LARGE, TEXT_TOO_LARGE */
        "413.BODY_TOO_LARGE.TEXT_TOO_LARGE": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description CONVERSATION_NOT_FOUND, MESSAGE_NOT_FOUND */
        "404.CONVERSATION_NOT_FOUND.MESSAGE_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_IN_PROGRESS, CONTACT_BLOCKED, MESSAGE_ID_TAKEN, LOBBY_OFF */
        "409.IDEMPOTENCY_IN_PROGRESS.CONTACT_BLOCKED.MESSAGE_ID_TAKEN.LOBBY_OFF": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_KEY_REUSED, LOBBY_TEXT_RESERVED */
        "422.IDEMPOTENCY_KEY_REUSED.LOBBY_TEXT_RESERVED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description MESSAGE_NOT_FOUND */
        "404.MESSAGE_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_IN_PROGRESS, MESSAGE_SENT */
        "409.IDEMPOTENCY_IN_PROGRESS.MESSAGE_SENT": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description STOPPING, SEARCH_TIMEOUT, SEARCH_UNAVAILABLE */
        "503.STOPPING.SEARCH_TIMEOUT.SEARCH_UNAVAILABLE": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description CONSUMER_NOT_FOUND */
        "404.CONSUMER_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description CURSOR_EXPIRED, CURSOR_UNKNOWN, LOG_CHANGED */
        "410.CURSOR_EXPIRED.CURSOR_UNKNOWN.LOG_CHANGED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description RELAY_NOT_FOUND */
        "404.RELAY_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description TOKEN_NOT_FOUND */
        "404.TOKEN_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description TOKEN_INVALID, TOKEN_EXPIRED */
        "401.TOKEN_INVALID.TOKEN_EXPIRED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description STORE_READ_ONLY, IDENTITY_IN_USE, STOPPING */
        "503.STORE_READ_ONLY.IDENTITY_IN_USE.STOPPING": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_IN_PROGRESS, SECRET_NOT_REPEATABLE, LIMIT_REACHED */
        "409.IDEMPOTENCY_IN_PROGRESS.SECRET_NOT_REPEATABLE.LIMIT_REACHED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_KEY_REUSED, WEBHOOK_TARGET_REFUSED */
        "422.IDEMPOTENCY_KEY_REUSED.WEBHOOK_TARGET_REFUSED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description WEBHOOK_NOT_FOUND */
        "404.WEBHOOK_NOT_FOUND": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description WEBHOOK_TARGET_REFUSED */
        "422.WEBHOOK_TARGET_REFUSED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description IDEMPOTENCY_IN_PROGRESS, CONSUMER_TAKEN, LIMIT_REACHED */
        "409.IDEMPOTENCY_IN_PROGRESS.CONSUMER_TAKEN.LIMIT_REACHED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description CURSOR_UNKNOWN, LOG_CHANGED */
        "410.CURSOR_UNKNOWN.LOG_CHANGED": {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getPage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED"];
            500: components["responses"]["500.INTERNAL"];
        };
    };
    getDocs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED"];
            500: components["responses"]["500.INTERNAL"];
        };
    };
    getOpenApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/yaml": string;
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED"];
            500: components["responses"]["500.INTERNAL"];
        };
    };
    getAsyncApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description AsyncAPI 3.0 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/yaml": string;
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED"];
            500: components["responses"]["500.INTERNAL"];
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description it does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    "application/json": {
                        /** @constant */
                        status: "ok";
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED"];
            500: components["responses"]["500.INTERNAL"];
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description it can */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "degraded",
                     *       "degraded": [
                     *         "no relay holds a reservation"
                     *       ]
                     *     }
                     */
                    "application/json": {
                        /** @enum {string} */
                        status: "ready" | "degraded";
                        degraded?: string[];
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY"];
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the metrics */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    getAbout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description about this program */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "p2pmsgd",
                     *       "version": "0.1.0",
                     *       "licence": "AGPL-3.0-only",
                     *       "commit": "unknown",
                     *       "source": "share/source.tgz"
                     *     }
                     */
                    "application/json": components["schemas"]["About"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    getNode: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description this daemon */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *       "name": "Alice",
                     *       "version": "0.1.0",
                     *       "addresses": [
                     *         "/ip4/192.0.2.7/tcp/7301/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
                     *       ],
                     *       "discoverable": true,
                     *       "startedAtUnixMs": 1795348800000,
                     *       "readOnly": false,
                     *       "lobby": true,
                     *       "encryption": "passphrase",
                     *       "storage": {
                     *         "bytes": 5242880,
                     *         "databaseBytes": 5000000,
                     *         "freeBytes": 120000000000
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Node"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    patchNode: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Alice",
                 *       "discoverable": true
                 *     }
                 */
                "application/json": {
                    name?: string;
                    discoverable?: boolean;
                };
            };
        };
        responses: {
            /** @description this daemon as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *       "name": "Alice",
                     *       "version": "0.1.0",
                     *       "addresses": [
                     *         "/ip4/192.0.2.7/tcp/7301/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
                     *       ],
                     *       "discoverable": true,
                     *       "startedAtUnixMs": 1795348800000,
                     *       "readOnly": false,
                     *       "lobby": true,
                     *       "encryption": "passphrase",
                     *       "storage": {
                     *         "bytes": 5242880,
                     *         "databaseBytes": 5000000,
                     *         "freeBytes": 120000000000
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Node"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    listPeers: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description peers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "name": "Bob",
                     *           "presence": "online",
                     *           "path": "direct",
                     *           "rttMs": 12.5,
                     *           "lastSeenUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["Peer"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    refreshPeers: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description announced */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    pingPeer: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the measurement */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "rttMs": 12.5,
                     *       "path": "direct",
                     *       "upgraded": false
                     *     }
                     */
                    "application/json": {
                        peerId: string;
                        rttMs: number;
                        /** @enum {string} */
                        path: "lan" | "direct" | "punched" | "relayed" | "mailbox";
                        relay?: string;
                        /** @description this path took the place of a relayed one */
                        upgraded: boolean;
                        pathNote?: string;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED.PEER_IS_SELF"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            504: components["responses"]["504.PEER_UNREACHABLE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    listContacts: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description contacts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "name": "Bob",
                     *           "status": "accepted",
                     *           "theyAccepted": true,
                     *           "verified": false,
                     *           "keyChanged": false,
                     *           "presence": "online",
                     *           "path": "direct",
                     *           "lastSeenUnixMs": 1795348800000,
                     *           "addedAtUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["Contact"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    addContact: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "address": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                 *       "name": "Bob"
                 *     }
                 */
                "application/json": {
                    /** @description a PeerId, a multiaddr that ends in /p2p/<PeerId>, or an invite */
                    address: string;
                    name?: string;
                };
            };
        };
        responses: {
            /** @description was a contact before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Contact"];
                };
            };
            /** @description is a contact now */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "name": "Bob",
                     *       "status": "accepted",
                     *       "theyAccepted": true,
                     *       "verified": false,
                     *       "keyChanged": false,
                     *       "presence": "online",
                     *       "path": "direct",
                     *       "lastSeenUnixMs": 1795348800000,
                     *       "addedAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Contact"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.ADDRESS_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.CONTACT_BLOCKED"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED.PEER_IS_SELF.INVITE_EXPIRED.INVITE_USED.INVITE_INVALID.INVITE_OWN"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    getContact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the contact, with its addresses */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "name": "Bob",
                     *       "status": "accepted",
                     *       "theyAccepted": true,
                     *       "verified": false,
                     *       "keyChanged": false,
                     *       "presence": "online",
                     *       "path": "direct",
                     *       "lastSeenUnixMs": 1795348800000,
                     *       "addedAtUnixMs": 1795348800000,
                     *       "addresses": [
                     *         {
                     *           "address": "/ip4/203.0.113.9/tcp/7301",
                     *           "source": "peer",
                     *           "seenAtUnixMs": 1795348800000
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        peerId: string;
                        name: string;
                        /** @enum {string} */
                        status: "accepted" | "blocked";
                        theyAccepted: boolean | "unknown";
                        verified: boolean | "invite";
                        keyChanged: boolean;
                        /** @enum {string} */
                        presence: "online" | "away" | "offline" | "unknown";
                        /** @enum {string} */
                        path?: "lan" | "direct" | "punched" | "relayed" | "mailbox";
                        /** @description milliseconds since 1970 */
                        lastSeenUnixMs?: number;
                        /** @description milliseconds since 1970 */
                        addedAtUnixMs: number;
                        /** @description the own invite by which this contact came */
                        inviteId?: string;
                        inviteNote?: string;
                        /**
                         * @description blocked because its invite was taken back; `unblock` lets it in again
                         * @constant
                         */
                        quarantined?: true;
                        addresses: {
                            address: string;
                            /**
                             * @description the user, an invite, the contact itself over a connection, or its signed record in the DHT
                             * @enum {string}
                             */
                            source: "user" | "invite" | "peer" | "dht";
                            /** @description milliseconds since 1970 */
                            seenAtUnixMs: number;
                        }[];
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONTACT_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    removeContact: {
        parameters: {
            query?: {
                history?: "delete";
            };
            header?: never;
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONTACT_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    patchContact: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "Bob"
                 *     }
                 */
                "application/json": {
                    name?: string;
                };
            };
        };
        responses: {
            /** @description the contact as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "name": "Bob",
                     *       "status": "accepted",
                     *       "theyAccepted": true,
                     *       "verified": false,
                     *       "keyChanged": false,
                     *       "presence": "online",
                     *       "path": "direct",
                     *       "lastSeenUnixMs": 1795348800000,
                     *       "addedAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Contact"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONTACT_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    blockContact: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the contact as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "name": "Bob",
                     *       "status": "accepted",
                     *       "theyAccepted": true,
                     *       "verified": false,
                     *       "keyChanged": false,
                     *       "presence": "online",
                     *       "path": "direct",
                     *       "lastSeenUnixMs": 1795348800000,
                     *       "addedAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Contact"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONTACT_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    unblockContact: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the contact as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "name": "Bob",
                     *       "status": "accepted",
                     *       "theyAccepted": true,
                     *       "verified": false,
                     *       "keyChanged": false,
                     *       "presence": "online",
                     *       "path": "direct",
                     *       "lastSeenUnixMs": 1795348800000,
                     *       "addedAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Contact"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONTACT_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    verifyContact: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "verified": true
                 *     }
                 */
                "application/json": {
                    /** @default true */
                    verified?: boolean;
                };
            };
        };
        responses: {
            /** @description the contact as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "name": "Bob",
                     *       "status": "accepted",
                     *       "theyAccepted": true,
                     *       "verified": false,
                     *       "keyChanged": false,
                     *       "presence": "online",
                     *       "path": "direct",
                     *       "lastSeenUnixMs": 1795348800000,
                     *       "addedAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Contact"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONTACT_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.KEYS_UNKNOWN"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    acceptContactKey: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the contact as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "name": "Bob",
                     *       "status": "accepted",
                     *       "theyAccepted": true,
                     *       "verified": false,
                     *       "keyChanged": false,
                     *       "presence": "online",
                     *       "path": "direct",
                     *       "lastSeenUnixMs": 1795348800000,
                     *       "addedAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Contact"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONTACT_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.KEYS_UNKNOWN"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    getSafetyNumber: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the safety number */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "digits": "012345678901234567890123456789012345678901234567890123456789",
                     *       "qr": "CAIQAQ"
                     *     }
                     */
                    "application/json": {
                        digits: string;
                        /** @description base64url of libsignal's scannable fingerprint */
                        qr: string;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONTACT_NOT_FOUND"];
            409: components["responses"]["409.KEYS_UNKNOWN"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    listRequests: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description requests */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "name": "Bob",
                     *           "firstText": "Hello, it is me.",
                     *           "receivedAtUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["ContactRequest"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    acceptRequest: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "name": "Bob"
                 *     }
                 */
                "application/json": {
                    name?: string;
                };
            };
        };
        responses: {
            /** @description the new contact */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "name": "Bob",
                     *       "status": "accepted",
                     *       "theyAccepted": true,
                     *       "verified": false,
                     *       "keyChanged": false,
                     *       "presence": "online",
                     *       "path": "direct",
                     *       "lastSeenUnixMs": 1795348800000,
                     *       "addedAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Contact"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.REQUEST_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    ignoreRequest: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description ignored */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.REQUEST_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    blockRequest: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description blocked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.REQUEST_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    listInvites: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description invites */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "b6f2d1c0",
                     *           "expiresAtUnixMs": 1795348800000,
                     *           "usesLeft": 1,
                     *           "usesTotal": 1,
                     *           "contacts": 0,
                     *           "note": "for Bob",
                     *           "createdAtUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["Invite"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    createInvite: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "expiresInSeconds": 604800,
                 *       "uses": 1,
                 *       "note": "for Bob"
                 *     }
                 */
                "application/json": {
                    /** @default 604800 */
                    expiresInSeconds?: number;
                    /** @default 1 */
                    uses?: number;
                    note?: string;
                };
            };
        };
        responses: {
            /** @description the invite, shown this once */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "b6f2d1c0",
                     *       "expiresAtUnixMs": 1795348800000,
                     *       "usesLeft": 1,
                     *       "usesTotal": 1,
                     *       "contacts": 0,
                     *       "note": "for Bob",
                     *       "createdAtUnixMs": 1795348800000,
                     *       "invite": "p2pmsg:invite:CAESIA"
                     *     }
                     */
                    "application/json": components["schemas"]["InviteCreated"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.SECRET_NOT_REPEATABLE"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    removeInvite: {
        parameters: {
            query?: {
                contacts?: "quarantine";
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.INVITE_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    listConversations: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description conversations */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "kind": "direct",
                     *           "name": "Bob",
                     *           "public": false,
                     *           "unread": 2,
                     *           "muted": false,
                     *           "lastMessage": {
                     *             "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *             "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *             "direction": "out",
                     *             "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *             "text": "See you at eight.",
                     *             "sentAtUnixMs": 1795348800000,
                     *             "state": "queued",
                     *             "reason": "no-path",
                     *             "recipients": [
                     *               {
                     *                 "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *                 "state": "queued",
                     *                 "reason": "no-path",
                     *                 "atUnixMs": 1795348800000
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["Conversation"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    getConversation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the conversation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "kind": "direct",
                     *       "name": "Bob",
                     *       "public": false,
                     *       "unread": 2,
                     *       "muted": false,
                     *       "lastMessage": {
                     *         "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *         "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *         "direction": "out",
                     *         "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *         "text": "See you at eight.",
                     *         "sentAtUnixMs": 1795348800000,
                     *         "state": "queued",
                     *         "reason": "no-path",
                     *         "recipients": [
                     *           {
                     *             "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *             "state": "queued",
                     *             "reason": "no-path",
                     *             "atUnixMs": 1795348800000
                     *           }
                     *         ]
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    clearConversation: {
        parameters: {
            query: {
                /** @description the id of the conversation once more */
                confirm: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description deleted here */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    patchConversation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "muted": true,
                 *       "draft": "See"
                 *     }
                 */
                "application/json": {
                    muted?: boolean;
                    /** @description empty: no draft */
                    draft?: string;
                    /** @description null: for ever. What is not delivered yet is kept in any case */
                    keepDays?: number | null;
                    /** @description of a direct conversation, for both sides; 0: off */
                    disappearAfterSeconds?: 0 | number;
                };
            };
        };
        responses: {
            /** @description the conversation as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "kind": "direct",
                     *       "name": "Bob",
                     *       "public": false,
                     *       "unread": 2,
                     *       "muted": false,
                     *       "lastMessage": {
                     *         "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *         "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *         "direction": "out",
                     *         "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *         "text": "See you at eight.",
                     *         "sentAtUnixMs": 1795348800000,
                     *         "state": "queued",
                     *         "reason": "no-path",
                     *         "recipients": [
                     *           {
                     *             "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *             "state": "queued",
                     *             "reason": "no-path",
                     *             "atUnixMs": 1795348800000
                     *           }
                     *         ]
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE.TEXT_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    exportNdjson: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the messages */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    exportMarkdown: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the messages */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/markdown": string;
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    readConversation: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "upTo": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10"
                 *     }
                 */
                "application/json": {
                    /**
                     * Format: uuid
                     * @description id of the newest message that the user has seen
                     */
                    upTo: string;
                };
            };
        };
        responses: {
            /** @description the conversation as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "kind": "direct",
                     *       "name": "Bob",
                     *       "public": false,
                     *       "unread": 2,
                     *       "muted": false,
                     *       "lastMessage": {
                     *         "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *         "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *         "direction": "out",
                     *         "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *         "text": "See you at eight.",
                     *         "sentAtUnixMs": 1795348800000,
                     *         "state": "queued",
                     *         "reason": "no-path",
                     *         "recipients": [
                     *           {
                     *             "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *             "state": "queued",
                     *             "reason": "no-path",
                     *             "atUnixMs": 1795348800000
                     *           }
                     *         ]
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Conversation"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND.MESSAGE_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    listMessages: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
                around?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description messages */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *           "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "direction": "out",
                     *           "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *           "text": "See you at eight.",
                     *           "sentAtUnixMs": 1795348800000,
                     *           "state": "queued",
                     *           "reason": "no-path",
                     *           "recipients": [
                     *             {
                     *               "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *               "state": "queued",
                     *               "reason": "no-path",
                     *               "atUnixMs": 1795348800000
                     *             }
                     *           ]
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["Message"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND.MESSAGE_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    sendMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
                /** @description `wait=5`: answer after delivery, or after 5 seconds. */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "text": "See you at eight.",
                 *       "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10"
                 *     }
                 */
                "application/json": {
                    /** @description 1 B to 32 KiB of UTF-8, in the lobby 12 KiB */
                    text: string;
                    /**
                     * Format: uuid
                     * @description UUIDv7 chosen by the client: sending it twice stores it once
                     */
                    id?: string;
                };
            };
        };
        responses: {
            /** @description this id and text were sent before */
            200: {
                headers: {
                    /** @description path of the message */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description stored, on its way */
            202: {
                headers: {
                    /** @description path of the message */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "direction": "out",
                     *       "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *       "text": "See you at eight.",
                     *       "sentAtUnixMs": 1795348800000,
                     *       "state": "queued",
                     *       "reason": "no-path",
                     *       "recipients": [
                     *         {
                     *           "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "state": "queued",
                     *           "reason": "no-path",
                     *           "atUnixMs": 1795348800000
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Message"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.CONTACT_BLOCKED.MESSAGE_ID_TAKEN.LOBBY_OFF"];
            413: components["responses"]["413.BODY_TOO_LARGE.TEXT_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED.LOBBY_TEXT_RESERVED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    getMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the message */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "direction": "out",
                     *       "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *       "text": "See you at eight.",
                     *       "sentAtUnixMs": 1795348800000,
                     *       "state": "queued",
                     *       "reason": "no-path",
                     *       "recipients": [
                     *         {
                     *           "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "state": "queued",
                     *           "reason": "no-path",
                     *           "atUnixMs": 1795348800000
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Message"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.MESSAGE_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    removeMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description deleted here */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.MESSAGE_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    getTrace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the attempts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "attempts": [
                     *         {
                     *           "atUnixMs": 1795348800000,
                     *           "path": "direct",
                     *           "outcome": "timeout",
                     *           "durationMs": 10000
                     *         }
                     *       ],
                     *       "attemptsTotal": 1
                     *     }
                     */
                    "application/json": components["schemas"]["Trace"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.MESSAGE_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    retryMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the message as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "direction": "out",
                     *       "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *       "text": "See you at eight.",
                     *       "sentAtUnixMs": 1795348800000,
                     *       "state": "queued",
                     *       "reason": "no-path",
                     *       "recipients": [
                     *         {
                     *           "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "state": "queued",
                     *           "reason": "no-path",
                     *           "atUnixMs": 1795348800000
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Message"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.MESSAGE_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    cancelMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the message as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "direction": "out",
                     *       "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *       "text": "See you at eight.",
                     *       "sentAtUnixMs": 1795348800000,
                     *       "state": "queued",
                     *       "reason": "no-path",
                     *       "recipients": [
                     *         {
                     *           "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "state": "queued",
                     *           "reason": "no-path",
                     *           "atUnixMs": 1795348800000
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Message"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.MESSAGE_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.MESSAGE_SENT"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    searchMessages: {
        parameters: {
            query: {
                limit?: number;
                before?: string;
                after?: string;
                q: string;
                conversationId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description messages and what to highlight in them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "message": {
                     *             "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *             "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *             "direction": "out",
                     *             "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *             "text": "See you at eight.",
                     *             "sentAtUnixMs": 1795348800000,
                     *             "state": "queued",
                     *             "reason": "no-path",
                     *             "recipients": [
                     *               {
                     *                 "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *                 "state": "queued",
                     *                 "reason": "no-path",
                     *                 "atUnixMs": 1795348800000
                     *               }
                     *             ]
                     *           },
                     *           "ranges": [
                     *             {
                     *               "start": 4,
                     *               "end": 7
                     *             },
                     *             {
                     *               "start": 11,
                     *               "end": 14
                     *             }
                     *           ]
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null,
                     *       "match": "words"
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["SearchHit"][];
                        next: string | null;
                        prev: string | null;
                        /**
                         * @description `parts`: no message has these words, they were found inside of others
                         * @enum {string}
                         */
                        match: "words" | "parts";
                        /**
                         * @description not everything was looked at within 1 s: the search goes on with `prev` (or `next`, when it came from `after`), also when there are no items
                         * @constant
                         */
                        timedOut?: true;
                        /** @description only while the index is being made: about so many messages were searched, the newest first */
                        indexing?: {
                            done: number;
                            total: number;
                        };
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONVERSATION_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.SEARCH_TIMEOUT.SEARCH_UNAVAILABLE"];
        };
    };
    readEvents: {
        parameters: {
            query?: {
                after?: number | "head";
                types?: string;
                logId?: string;
                consumer?: string;
                limit?: number;
                wait?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *       "events": [
                     *         {
                     *           "seq": 42,
                     *           "type": "message.sent",
                     *           "atUnixMs": 1795348800000,
                     *           "data": {
                     *             "id": "0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10",
                     *             "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *             "direction": "out",
                     *             "from": "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
                     *             "text": "See you at eight.",
                     *             "sentAtUnixMs": 1795348800000,
                     *             "state": "queued",
                     *             "reason": "no-path",
                     *             "recipients": [
                     *               {
                     *                 "peerId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *                 "state": "queued",
                     *                 "reason": "no-path",
                     *                 "atUnixMs": 1795348800000
                     *               }
                     *             ]
                     *           }
                     *         }
                     *       ],
                     *       "head": 42,
                     *       "oldest": 1,
                     *       "next": 42
                     *     }
                     */
                    "application/json": components["schemas"]["Events"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONSUMER_NOT_FOUND"];
            410: components["responses"]["410.CURSOR_EXPIRED.CURSOR_UNKNOWN.LOG_CHANGED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    streamEvents: {
        parameters: {
            query?: {
                after?: number | "head";
                types?: string;
                logId?: string;
                consumer?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONSUMER_NOT_FOUND"];
            410: components["responses"]["410.CURSOR_EXPIRED.CURSOR_UNKNOWN.LOG_CHANGED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    createEventTicket: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the ticket */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "ticket": "dGlja2V0",
                     *       "expiresAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": {
                        ticket: string;
                        /** @description milliseconds since 1970 */
                        expiresAtUnixMs: number;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.SECRET_NOT_REPEATABLE"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    getNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the network as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "nat": "endpoint-independent",
                     *       "addresses": [
                     *         "/ip4/192.0.2.7/tcp/7301/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
                     *       ],
                     *       "listening": [
                     *         "/ip4/192.0.2.7/tcp/7301/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
                     *       ],
                     *       "candidates": [
                     *         {
                     *           "address": "/ip4/198.51.100.9/tcp/7301",
                     *           "source": "observed",
                     *           "state": "refuted",
                     *           "announced": false,
                     *           "checkedAtUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "holePunching": {
                     *         "possible": "yes",
                     *         "reason": "the NAT keeps one outside port for all destinations"
                     *       },
                     *       "portMapping": "none",
                     *       "clock": {
                     *         "nowUnixMs": 1795348800000,
                     *         "jumpedForwardMs": 0,
                     *         "jumpedBackMs": 0,
                     *         "offsetMs": 12
                     *       },
                     *       "relays": [
                     *         {
                     *           "address": "/ip4/198.51.100.4/tcp/4001/p2p/12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *           "peerId": "12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *           "reservation": "active",
                     *           "connected": true,
                     *           "expiresAtUnixMs": 1795352400000
                     *         }
                     *       ],
                     *       "bootstrap": [
                     *         {
                     *           "address": "/ip4/198.51.100.4/tcp/4001/p2p/12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *           "peerId": "12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *           "connected": true
                     *         }
                     *       ],
                     *       "mdns": true,
                     *       "dht": {
                     *         "mode": "client",
                     *         "peers": 1
                     *       },
                     *       "connections": 3,
                     *       "lobbySubscribers": 2
                     *     }
                     */
                    "application/json": components["schemas"]["Network"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    addRelay: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "address": "/ip4/198.51.100.4/tcp/4001/p2p/12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR"
                 *     }
                 */
                "application/json": {
                    address: string;
                };
            };
        };
        responses: {
            /** @description the relay */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "address": "/ip4/198.51.100.4/tcp/4001/p2p/12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *       "peerId": "12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *       "reservation": "active",
                     *       "connected": true,
                     *       "expiresAtUnixMs": 1795352400000
                     *     }
                     */
                    "application/json": components["schemas"]["Relay"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.ADDRESS_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED.PEER_IS_SELF"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    removeRelay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.RELAY_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    addBootstrap: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "address": "/ip4/198.51.100.4/tcp/4001/p2p/12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR"
                 *     }
                 */
                "application/json": {
                    address: string;
                };
            };
        };
        responses: {
            /** @description the bootstrap node */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "address": "/ip4/198.51.100.4/tcp/4001/p2p/12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *       "peerId": "12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *       "connected": true
                     *     }
                     */
                    "application/json": {
                        address: string;
                        peerId: string;
                        connected: boolean;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.ADDRESS_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED.PEER_IS_SELF"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    removeBootstrap: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                peerId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID.PEER_ID_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.RELAY_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    checkNetwork: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the network as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "nat": "endpoint-independent",
                     *       "addresses": [
                     *         "/ip4/192.0.2.7/tcp/7301/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
                     *       ],
                     *       "listening": [
                     *         "/ip4/192.0.2.7/tcp/7301/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
                     *       ],
                     *       "candidates": [
                     *         {
                     *           "address": "/ip4/198.51.100.9/tcp/7301",
                     *           "source": "observed",
                     *           "state": "refuted",
                     *           "announced": false,
                     *           "checkedAtUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "holePunching": {
                     *         "possible": "yes",
                     *         "reason": "the NAT keeps one outside port for all destinations"
                     *       },
                     *       "portMapping": "none",
                     *       "clock": {
                     *         "nowUnixMs": 1795348800000,
                     *         "jumpedForwardMs": 0,
                     *         "jumpedBackMs": 0,
                     *         "offsetMs": 12
                     *       },
                     *       "relays": [
                     *         {
                     *           "address": "/ip4/198.51.100.4/tcp/4001/p2p/12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *           "peerId": "12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *           "reservation": "active",
                     *           "connected": true,
                     *           "expiresAtUnixMs": 1795352400000
                     *         }
                     *       ],
                     *       "bootstrap": [
                     *         {
                     *           "address": "/ip4/198.51.100.4/tcp/4001/p2p/12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *           "peerId": "12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR",
                     *           "connected": true
                     *         }
                     *       ],
                     *       "mdns": true,
                     *       "dht": {
                     *         "mode": "client",
                     *         "peers": 1
                     *       },
                     *       "connections": 3,
                     *       "lobbySubscribers": 2
                     *     }
                     */
                    "application/json": components["schemas"]["Network"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    getDoctor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the findings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "warn",
                     *       "checks": [
                     *         {
                     *           "name": "clock",
                     *           "status": "ok",
                     *           "text": "agrees with the clocks of peers"
                     *         },
                     *         {
                     *           "name": "relays",
                     *           "status": "warn",
                     *           "text": "none is configured: only peers in the local network and at public addresses are reached",
                     *           "fix": "p2pmsg net --add-relay /ip4/…/tcp/4001/p2p/12D3KooW…"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": {
                        /** @enum {string} */
                        status: "ok" | "warn" | "fail";
                        checks: {
                            name: string;
                            /** @enum {string} */
                            status: "ok" | "warn" | "fail";
                            text: string;
                            /** @description what to do about it */
                            fix?: string;
                        }[];
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    listTokens: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description tokens */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "5f0c1f9e-2f65-4f0a-9a5e-1f3b8d1c7a42",
                     *           "name": "bot",
                     *           "scopes": [
                     *             "messages:send"
                     *           ],
                     *           "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "createdAtUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["Token"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "bot",
                 *       "scopes": [
                 *         "messages:send"
                 *       ],
                 *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD"
                 *     }
                 */
                "application/json": {
                    name: string;
                    scopes: ("network" | "contacts" | "messages:read" | "messages:send" | "files" | "events" | "admin")[];
                    /** @description the only conversation that the token reaches */
                    conversationId?: string;
                    expiresAtUnixMs?: number;
                };
            };
        };
        responses: {
            /** @description the token */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "5f0c1f9e-2f65-4f0a-9a5e-1f3b8d1c7a42",
                     *       "name": "bot",
                     *       "scopes": [
                     *         "messages:send"
                     *       ],
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "createdAtUnixMs": 1795348800000,
                     *       "token": "p2pm_000000000000000000000000000000000000000000000000000000000000000000000000"
                     *     }
                     */
                    "application/json": components["schemas"]["TokenCreated"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.SECRET_NOT_REPEATABLE"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    removeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description revoked */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.TOKEN_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    listAudit: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description entries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "atUnixMs": 1795348800000,
                     *           "tokenName": "bot",
                     *           "operation": "blockContact",
                     *           "target": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD"
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["AuditEntry"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    createSessionCode: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the code */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "code": "Y29kZQ",
                     *       "expiresAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": {
                        code: string;
                        /** @description milliseconds since 1970 */
                        expiresAtUnixMs: number;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.SECRET_NOT_REPEATABLE"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    createSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "code": "Y29kZQ"
                 *     }
                 */
                "application/json": {
                    code: string;
                };
            };
        };
        responses: {
            /** @description the key; the cookie is in Set-Cookie */
            201: {
                headers: {
                    /** @description HttpOnly, SameSite=Strict; worth nothing without the key */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "key": "a2V5",
                     *       "expiresAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": {
                        key: string;
                        /** @description milliseconds since 1970 */
                        expiresAtUnixMs: number;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STORE_READ_ONLY.IDENTITY_IN_USE.STOPPING"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    listWebhooks: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description webhooks */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "id": "8d7a4b1e-90c3-4d0e-8b52-6a5c0f3e9d17",
                     *           "name": "ticket bot",
                     *           "url": "https://hooks.example.org/p2pmsg",
                     *           "types": [
                     *             "message.*"
                     *           ],
                     *           "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *           "allowPrivate": false,
                     *           "enabled": true,
                     *           "state": "active",
                     *           "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *           "ackedSeq": 42,
                     *           "lag": 0,
                     *           "failingConversations": 0,
                     *           "createdAtUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["Webhook"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "url": "https://hooks.example.org/p2pmsg",
                 *       "types": [
                 *         "message.*"
                 *       ],
                 *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                 *       "allowPrivate": false,
                 *       "name": "ticket bot"
                 *     }
                 */
                "application/json": {
                    /**
                     * Format: uri
                     * @description http or https
                     */
                    url: string;
                    /** @description event types and groups (`message.*`); left out: all */
                    types?: string[];
                    /** @description only what is about this conversation */
                    conversationId?: string;
                    /**
                     * @description the target may be this machine or one of a private network
                     * @default false
                     */
                    allowPrivate?: boolean;
                    name?: string;
                };
            };
        };
        responses: {
            /** @description the webhook and its secret */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "8d7a4b1e-90c3-4d0e-8b52-6a5c0f3e9d17",
                     *       "name": "ticket bot",
                     *       "url": "https://hooks.example.org/p2pmsg",
                     *       "types": [
                     *         "message.*"
                     *       ],
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "allowPrivate": false,
                     *       "enabled": true,
                     *       "state": "active",
                     *       "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *       "ackedSeq": 42,
                     *       "lag": 0,
                     *       "failingConversations": 0,
                     *       "createdAtUnixMs": 1795348800000,
                     *       "secret": "whsec_MDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDE="
                     *     }
                     */
                    "application/json": components["schemas"]["WebhookCreated"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.SECRET_NOT_REPEATABLE.LIMIT_REACHED"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED.WEBHOOK_TARGET_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    getWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the webhook */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "8d7a4b1e-90c3-4d0e-8b52-6a5c0f3e9d17",
                     *       "name": "ticket bot",
                     *       "url": "https://hooks.example.org/p2pmsg",
                     *       "types": [
                     *         "message.*"
                     *       ],
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "allowPrivate": false,
                     *       "enabled": true,
                     *       "state": "active",
                     *       "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *       "ackedSeq": 42,
                     *       "lag": 0,
                     *       "failingConversations": 0,
                     *       "createdAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.WEBHOOK_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    removeWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.WEBHOOK_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    patchWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "enabled": true
                 *     }
                 */
                "application/json": {
                    /**
                     * Format: uri
                     * @description http or https
                     */
                    url?: string;
                    /** @description null: all */
                    types?: string[] | null;
                    enabled?: boolean;
                };
            };
        };
        responses: {
            /** @description the webhook as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "8d7a4b1e-90c3-4d0e-8b52-6a5c0f3e9d17",
                     *       "name": "ticket bot",
                     *       "url": "https://hooks.example.org/p2pmsg",
                     *       "types": [
                     *         "message.*"
                     *       ],
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "allowPrivate": false,
                     *       "enabled": true,
                     *       "state": "active",
                     *       "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *       "ackedSeq": 42,
                     *       "lag": 0,
                     *       "failingConversations": 0,
                     *       "createdAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.WEBHOOK_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.WEBHOOK_TARGET_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    resumeWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the webhook as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "8d7a4b1e-90c3-4d0e-8b52-6a5c0f3e9d17",
                     *       "name": "ticket bot",
                     *       "url": "https://hooks.example.org/p2pmsg",
                     *       "types": [
                     *         "message.*"
                     *       ],
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "allowPrivate": false,
                     *       "enabled": true,
                     *       "state": "active",
                     *       "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *       "ackedSeq": 42,
                     *       "lag": 0,
                     *       "failingConversations": 0,
                     *       "createdAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.WEBHOOK_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    redeliverWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "after": 0
                 *     }
                 */
                "application/json": {
                    /** @description everything after this seq again */
                    after: number;
                };
            };
        };
        responses: {
            /** @description the webhook as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "id": "8d7a4b1e-90c3-4d0e-8b52-6a5c0f3e9d17",
                     *       "name": "ticket bot",
                     *       "url": "https://hooks.example.org/p2pmsg",
                     *       "types": [
                     *         "message.*"
                     *       ],
                     *       "conversationId": "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
                     *       "allowPrivate": false,
                     *       "enabled": true,
                     *       "state": "active",
                     *       "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *       "ackedSeq": 0,
                     *       "lag": 42,
                     *       "failingConversations": 0,
                     *       "createdAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.WEBHOOK_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            410: components["responses"]["410.CURSOR_EXPIRED.CURSOR_UNKNOWN.LOG_CHANGED"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    rotateWebhookSecret: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the new secret */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "secret": "whsec_MDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDEyMDE=",
                     *       "previousUntilUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": {
                        secret: string;
                        /** @description until then the old secret signs as well */
                        previousUntilUnixMs: number;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.WEBHOOK_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.SECRET_NOT_REPEATABLE"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    testWebhook: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description how it went */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "delivered": true,
                     *       "status": 204,
                     *       "durationMs": 31
                     *     }
                     */
                    "application/json": {
                        status?: number;
                        durationMs: number;
                        error?: string;
                        delivered: boolean;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.WEBHOOK_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    listWebhookDeliveries: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description requests */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "atUnixMs": 1795348800000,
                     *           "eventSeq": 42,
                     *           "status": 503,
                     *           "durationMs": 12,
                     *           "error": "status 503"
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["WebhookDelivery"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.WEBHOOK_NOT_FOUND"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    listConsumers: {
        parameters: {
            query?: {
                limit?: number;
                before?: string;
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description consumers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "items": [
                     *         {
                     *           "name": "mailer",
                     *           "types": [
                     *             "message.received"
                     *           ],
                     *           "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *           "ackedSeq": 40,
                     *           "lag": 2,
                     *           "lastAckUnixMs": 1795348800000,
                     *           "createdAtUnixMs": 1795348800000
                     *         }
                     *       ],
                     *       "next": null,
                     *       "prev": null
                     *     }
                     */
                    "application/json": {
                        items: components["schemas"]["Consumer"][];
                        next: string | null;
                        prev: string | null;
                    };
                };
            };
            400: components["responses"]["400.REQUEST_INVALID.CURSOR_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING"];
        };
    };
    createConsumer: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "mailer",
                 *       "types": [
                 *         "message.received"
                 *       ],
                 *       "after": "oldest"
                 *     }
                 */
                "application/json": {
                    name: string;
                    /** @description left out: all, or as they were */
                    types?: string[];
                    /**
                     * @description where a new one begins; one that is there keeps its place
                     * @default head
                     */
                    after?: ("head" | "oldest") | number;
                };
            };
        };
        responses: {
            /** @description was there before and keeps its place */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Consumer"];
                };
            };
            /** @description is there now */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "mailer",
                     *       "types": [
                     *         "message.received"
                     *       ],
                     *       "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *       "ackedSeq": 0,
                     *       "lag": 42,
                     *       "lastAckUnixMs": 1795348800000,
                     *       "createdAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Consumer"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS.CONSUMER_TAKEN.LIMIT_REACHED"];
            410: components["responses"]["410.CURSOR_EXPIRED.CURSOR_UNKNOWN.LOG_CHANGED"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    acknowledgeEvents: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition harmless for 24 h. */
                "Idempotency-Key"?: string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "seq": 1
                 *     }
                 */
                "application/json": {
                    seq: number;
                    /** @description another log than that of the seq is LOG_CHANGED */
                    logId?: string;
                };
            };
        };
        responses: {
            /** @description the consumer as it is now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "name": "mailer",
                     *       "types": [
                     *         "message.received"
                     *       ],
                     *       "logId": "0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91",
                     *       "ackedSeq": 1,
                     *       "lag": 41,
                     *       "lastAckUnixMs": 1795348800000,
                     *       "createdAtUnixMs": 1795348800000
                     *     }
                     */
                    "application/json": components["schemas"]["Consumer"];
                };
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONSUMER_NOT_FOUND"];
            409: components["responses"]["409.IDEMPOTENCY_IN_PROGRESS"];
            410: components["responses"]["410.CURSOR_UNKNOWN.LOG_CHANGED"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            422: components["responses"]["422.IDEMPOTENCY_KEY_REUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
    removeConsumer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["400.REQUEST_INVALID"];
            401: components["responses"]["401.TOKEN_MISSING.TOKEN_INVALID.TOKEN_EXPIRED"];
            403: components["responses"]["403.HOST_REFUSED.ORIGIN_REFUSED.KEY_MISSING.SCOPE_MISSING"];
            404: components["responses"]["404.CONSUMER_NOT_FOUND"];
            413: components["responses"]["413.BODY_TOO_LARGE"];
            415: components["responses"]["415.CONTENT_TYPE_REFUSED"];
            429: components["responses"]["429.RATE_LIMITED"];
            500: components["responses"]["500.INTERNAL"];
            503: components["responses"]["503.STOPPING.STORE_READ_ONLY.IDENTITY_IN_USE"];
            507: components["responses"]["507.DISK_FULL"];
        };
    };
}
