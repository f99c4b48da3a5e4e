import type { CiphertextMessage } from '@signalapp/libsignal-client';
import {
  CiphertextMessageType,
  ErrorCode,
  KEMPublicKey,
  LibSignalErrorBase,
  PreKeyBundle,
  PreKeySignalMessage,
  ProtocolAddress,
  PublicKey,
  processPreKeyBundle,
  SignalMessage,
  signalDecrypt,
  signalDecryptPreKey,
  signalEncrypt,
} from '@signalapp/libsignal-client';
import { MAX_FRAME_BYTES } from '#api/wire/protocols';
import type { OwnIdentity } from './identity.ts';
import type {
  Opened,
  OpenInput,
  PeerBundle,
  Ratchet,
  RatchetErrorCode,
  RatchetReads,
  Sealed,
  SealInput,
  SessionName,
} from './ratchet.ts';
import { MAX_RECORD_BYTES, RatchetError } from './ratchet.ts';
import { arrayBytes } from './secret-bytes.ts';
import type { SessionState } from './session-state.ts';
import type { FailPoint } from './staged-stores.ts';
import { StagedStores } from './staged-stores.ts';

const MAX_DEVICE = 127;

export function createRatchet(own: OwnIdentity, options: { failPoint?: FailPoint } = {}): Ratchet {
  const local = ProtocolAddress.new(own.peer, own.device);
  const stage = (reads: RatchetReads, name: SessionName, state: SessionState | null): StagedStores =>
    new StagedStores({ own, reads, name, state, failPoint: options.failPoint });

  async function seal(reads: RatchetReads, input: SealInput): Promise<Sealed> {
    const now = new Date(input.nowUnixMs);
    const remote = addressOf(input.name);
    const state = reads.session(input.name);
    state?.record();
    const stores = stage(reads, input.name, state);
    if (input.bundle) {
      const bundle = startable(input.name, state, input.bundle);
      await mapped('MALFORMED', stores, () => processPreKeyBundle(bundle, remote, local, stores, stores, now));
    } else if (!state || state.size > MAX_RECORD_BYTES) {
      throw new RatchetError('NO_SESSION');
    }
    // libsignal has no code for a session it will not send on, such as one that was not answered for 30 days.
    const message = await mapped('NO_SESSION', stores, () =>
      signalEncrypt(arrayBytes(input.plaintext), remote, local, stores, stores, now),
    );
    return { kind: kindOf(message), ciphertext: message.serialize(), ...stores.writes() };
  }

  async function open(reads: RatchetReads, input: OpenInput): Promise<Opened> {
    const remote = addressOf(input.name);
    const message = parse(input);
    const state = reads.session(input.name);
    if (!state && message instanceof SignalMessage) throw new RatchetError('NO_SESSION');
    state?.record();
    const stores = stage(reads, input.name, state);
    const plaintext = await mapped('UNDECRYPTABLE', stores, () =>
      message instanceof SignalMessage
        ? signalDecrypt(message, remote, local, stores, stores)
        : signalDecryptPreKey(message, remote, local, stores, stores, stores, stores, stores),
    );
    return { plaintext, ...stores.writes() };
  }

  return { seal, open };
}

/** Device ids come from envelopes; libsignal takes 1 to 127. */
function addressOf(name: SessionName): ProtocolAddress {
  if (!Number.isInteger(name.device) || name.device < 1 || name.device > MAX_DEVICE)
    throw new RatchetError('MALFORMED');
  return ProtocolAddress.new(name.peer, name.device);
}

function startable(name: SessionName, state: SessionState | null, bundle: PeerBundle): PreKeyBundle {
  if (name.initiator !== 'us') throw new Error('a session named by the peer cannot be started here');
  if (state) throw new RatchetError('STALE_SESSION');
  if (bundle.device !== name.device) throw new RatchetError('MALFORMED');
  try {
    return PreKeyBundle.new(
      bundle.registrationId,
      bundle.device,
      bundle.prekey?.id ?? null,
      bundle.prekey ? PublicKey.deserialize(arrayBytes(bundle.prekey.key)) : null,
      bundle.signedPrekeyId,
      PublicKey.deserialize(arrayBytes(bundle.signedPrekey)),
      arrayBytes(bundle.signedPrekeySignature),
      PublicKey.deserialize(arrayBytes(bundle.ratchetIdentity)),
      bundle.kyberPrekeyId,
      KEMPublicKey.deserialize(arrayBytes(bundle.kyberPrekey)),
      arrayBytes(bundle.kyberPrekeySignature),
    );
  } catch (cause) {
    throw new RatchetError('MALFORMED', { cause });
  }
}

function parse(input: OpenInput): SignalMessage | PreKeySignalMessage {
  // Who names a session starts it: a prekey message for a session of ours can only be made up.
  const impossible = input.kind === 'prekey' && input.name.initiator === 'us';
  if (impossible || input.ciphertext.length > MAX_FRAME_BYTES) throw new RatchetError('MALFORMED');
  try {
    const bytes = arrayBytes(input.ciphertext);
    return input.kind === 'prekey' ? PreKeySignalMessage.deserialize(bytes) : SignalMessage.deserialize(bytes);
  } catch (cause) {
    throw new RatchetError('MALFORMED', { cause });
  }
}

function kindOf(message: CiphertextMessage): Sealed['kind'] {
  const type = message.type();
  if (type === CiphertextMessageType.PreKey) return 'prekey';
  if (type === CiphertextMessageType.Whisper) return 'whisper';
  throw new Error(`libsignal sealed into type ${type}`);
}

/**
 * The one edge where libsignal's errors become ours. A failure inside a store call is the real one: libsignal only wraps
 * its text. What libsignal has no code for becomes `otherwise`, also a panic of its native code, which arrives as a
 * plain Error: whatever a peer can provoke needs a code.
 */
async function mapped<T>(otherwise: RatchetErrorCode, stores: StagedStores, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (stores.failure) throw stores.failure.error;
    const untrusted = LibSignalErrorBase.is(cause, ErrorCode.UntrustedIdentity);
    throw new RatchetError(untrusted ? 'UNTRUSTED' : otherwise, { cause });
  }
}
