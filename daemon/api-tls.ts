import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { EXIT, StartFault } from './start-fault.ts';

/** PEM texts of a certificate with its chain and of its key. */
export interface ApiTls {
  readonly cert: string;
  readonly key: string;
}

const PEM_MAX_BYTES = 256 * 1024;
/** Group may read (Debian's ssl-cert); everything else is more than a key needs. */
const KEY_MODE_REFUSED = 0o037;

/**
 * Reads the certificate and the key of the API and looks whether they are of use: a pair, in force now, and good
 * for each of `names`.
 * @throws StartFault (77 for permissions, 78 for the rest) with one sentence
 */
export function readApiTls(
  files: { readonly cert: string; readonly key: string },
  at: { readonly names: readonly string[]; readonly nowUnixMs: number },
): ApiTls {
  const cert = readPem(files.cert);
  const key = readPem(files.key);
  const { mode, uid } = statSync(files.key);
  if ((mode & KEY_MODE_REFUSED) !== 0)
    throw denied(`others can use the key ${files.key}: chmod 600 it (group may read at most)`);
  if (uid !== 0 && uid !== process.geteuid?.())
    throw denied(`the key ${files.key} belongs to another user (${uid}), who can change it`);

  const certificate = parsed(() => new X509Certificate(cert), `${files.cert} holds no PEM certificate`);
  const secret = parsed(
    () => createPrivateKey(key),
    `${files.key} holds no PEM key that can be read without a passphrase`,
  );
  if (!certificate.checkPrivateKey(secret)) throw bad(`${files.key} is not the key of the certificate ${files.cert}`);
  const fromMs = Date.parse(certificate.validFrom);
  const toMs = Date.parse(certificate.validTo);
  if (at.nowUnixMs > toMs) throw bad(`the certificate ${files.cert} has expired, on ${day(toMs)}`);
  if (at.nowUnixMs < fromMs) throw bad(`the certificate ${files.cert} is not valid before ${day(fromMs)}`);
  for (const name of at.names)
    if (!(isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)))
      throw bad(`the certificate ${files.cert} is not for ${name}, which api.names lists`);
  // What OpenSSL thinks of it: too short a key, an algorithm that is off.
  parsed(() => createSecureContext({ cert, key }), `${files.cert} cannot be used for TLS`);
  return { cert, key };
}

function readPem(path: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw bad(`${path} is not a file`);
    if (stat.size > PEM_MAX_BYTES) throw bad(`${path} is too large for a PEM file`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof StartFault) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM')
      throw new StartFault(EXIT.permission, `cannot read ${path}: permission denied`, { cause });
    throw bad(code === 'ENOENT' ? `there is no file ${path}` : `cannot read ${path}: ${message}`, cause);
  }
}

function parsed<T>(parse: () => T, sentence: string): T {
  try {
    return parse();
  } catch (cause) {
    const { reason } = cause as { reason?: unknown };
    throw bad(typeof reason === 'string' ? `${sentence} (${reason})` : sentence, cause);
  }
}

const day = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
const bad = (sentence: string, cause?: unknown): StartFault => new StartFault(EXIT.config, sentence, { cause });
const denied = (sentence: string): StartFault => new StartFault(EXIT.permission, sentence);
