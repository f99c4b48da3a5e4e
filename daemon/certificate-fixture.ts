import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestCertificate {
  /** Paths. */
  readonly cert: string;
  readonly key: string;
  readonly pem: { readonly cert: string; readonly key: string };
}

/** A self-signed certificate for 30 days, made by openssl; `names` as in subjectAltName (`DNS:…`, `IP:…`). */
export function makeCertificate(folder: string, name: string, names: readonly string[]): TestCertificate {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names.join(',')}`, '-keyout', key, '-out', cert],
    ],
    { stdio: 'pipe' },
  );
  chmodSync(key, 0o600);
  return { cert, key, pem: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') } };
}
