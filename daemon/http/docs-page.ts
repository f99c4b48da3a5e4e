import { createHash } from 'node:crypto';
import { ERRORS } from '#api/errors';
import { CLOSE_CODES, EVENT_DATA, EVENT_SCOPE, EVENT_TYPES } from '#api/rest/events';
import type { About } from '#api/rest/node';
import { ERROR_CODES } from '#api/rest/problem';
import type { Route } from '#api/rest/route';
import { codesOf, PATH_CODES } from '#api/rest/route-codes';
import { OPERATIONS, type OperationId, routeOf } from '#api/rest/routes';
import { jsonSchemaOf, limitsOf, schemaText } from './schema-text.ts';
import { escapeHtml as escape } from './status-page.ts';

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; }
h2 { border-bottom: 1px solid var(--line); margin-top: 3rem; }
h3 code { font-size: 1.1em; }
section { margin: 2rem 0; }
pre, code { font: 0.875rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: 6px; padding: 0.75rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.3rem 0.6rem 0.3rem 0; text-align: left; vertical-align: top; }
nav ul { columns: 2 18rem; padding-left: 1.2rem; }
summary { cursor: pointer; }
.codes { overflow-wrap: anywhere; }
`;

/** Nothing is loaded and nothing runs: the page is text, with one style sheet that is known by its hash. */
const CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The API for people, made from the table of routes: no script, nothing from elsewhere. */
export function docsPage(about: About): { readonly html: string; readonly csp: string } {
  const groups = Object.groupBy(OPERATIONS, operation => routeOf(operation).tag);
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>API of p2pmsgd ${escape(about.version)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>API of p2pmsgd ${escape(about.version)}</h1>
<p>For machines: <a href="/openapi.yaml">openapi.yaml</a> (OpenAPI 3.1) and <a href="/asyncapi.yaml">asyncapi.yaml</a>
(AsyncAPI 3.0, the event streams).</p>
${INTRODUCTION}
<nav><h2>Operations</h2>
${Object.entries(groups).map(contents).join('\n')}
</nav>
<main>
${Object.entries(groups).map(groupOf).join('\n')}
${eventTable()}
${errorTable()}
</main>
<p>Licence: ${escape(about.licence)}. Source: ${escape(about.source)}</p>
</body>
</html>
`;
  return { html, csp: CSP };
}

const INTRODUCTION = `<h2>Before the first request</h2>
<p>Every request needs a token, except where it says so. <code>admin-token</code> in the daemon's data folder
(<code>p2pmsgd paths</code>) holds one that may do all; <code>p2pmsg token create</code> makes one that may do less.
Keep it out of command lines, which other users see:</p>
<pre>API=http://127.0.0.1:7300
AUTH=$(mktemp)
printf 'Authorization: Bearer %s\\n' "$(cat ~/.local/share/p2pmsg/admin-token)" &gt;"$AUTH"
curl -sS -H @"$AUTH" "$API/v1/node"</pre>
<ul>
<li>The daemon answers only when Host names it: <code>localhost</code>, <code>127.0.0.1</code>, <code>[::1]</code>, the
bound address or a name of <code>api.names</code>, with the port.</li>
<li>Lists are <code>{items, next, prev}</code>, oldest first; without a cursor the latest items. Pass <code>prev</code>
as <code>before</code>, <code>next</code> as <code>after</code>.</li>
<li>Every POST takes an <code>Idempotency-Key</code>: a repetition gets the first answer, marked
<code>Idempotent-Replayed: true</code>; with another body it is refused with 422.</li>
<li>A send answers 202 when the message is stored. <code>Prefer: wait=5</code> waits so long for its delivery.</li>
<li>Faults are problem documents (RFC 9457) with a stable <code>code</code>. 429 and 503 carry <code>Retry-After</code>.</li>
<li>Fields may be added to answers: ignore those you do not know. Unknown fields of requests are refused.</li>
</ul>`;

type Group = [string, readonly OperationId[] | undefined];

const contents = ([tag, operations = []]: Group): string =>
  `<h3>${escape(tag)}</h3><ul>${operations
    .map(operation => {
      const { method, path } = routeOf(operation);
      return `<li><a href="#${operation}"><code>${method} ${escape(path)}</code></a></li>`;
    })
    .join('')}</ul>`;

const groupOf = ([tag, operations = []]: Group): string =>
  `<h2>${escape(tag)}</h2>\n${operations.map(operation => section(operation, routeOf(operation))).join('\n')}`;

function section(operation: OperationId, route: Route): string {
  const { method, path, summary, scope, params, query, body, bodyOptional, example } = route;
  const parts = [
    `<section id="${operation}"><h3><code>${method} ${escape(path)}</code></h3>`,
    `<p>${escape(summary)}.</p>`,
    `<p>${scope === null ? 'Needs no token.' : `Scope: <code>${scope}</code>.`} Operation: <code>${operation}</code>.</p>`,
    fields('Path', params === undefined ? undefined : jsonSchemaOf(params, 'input')),
    fields('Query', query === undefined ? undefined : jsonSchemaOf(query, 'input')),
  ];
  if (body !== undefined)
    parts.push(
      `<p>Body${bodyOptional === true ? ', may be left out' : ''}:</p>`,
      pre(schemaText(jsonSchemaOf(body, 'input'))),
    );
  if (route.kind !== 'websocket') parts.push(`<p>Example:</p>`, `<pre class="curl">${escape(curlLine(route))}</pre>`);
  for (const [status, { description, schema, type }] of Object.entries(route.replies)) {
    parts.push(
      `<p><strong>${status}</strong> ${escape(description)}${type === undefined ? '' : `, ${escape(type)}`}</p>`,
    );
    if (schema === null || type !== undefined) continue;
    parts.push(`<details><summary>Shape</summary>${pre(schemaText(jsonSchemaOf(schema, 'output')))}</details>`);
    if (Number(status) === example.status && example.reply !== undefined)
      parts.push(`<details open><summary>Example</summary>${pre(JSON.stringify(example.reply, null, 2))}</details>`);
  }
  const codes = codesOf(route).map(code => `<a href="#${code}"><code>${code}</code></a>`);
  parts.push(`<p class="codes">Faults: ${codes.join(', ')}</p></section>`);
  return parts.join('\n');
}

/** The example of the table as one command of a POSIX shell, with `$API` and `$AUTH` of the introduction. */
export function curlLine({ method, path, scope, example, kind }: Route): string {
  const filled = path.replace(/\{(\w+)\}/g, (_whole, name: string) =>
    encodeURIComponent(example.params?.[name] ?? name),
  );
  const query = new URLSearchParams(
    Object.entries(example.query ?? {}).map(([name, value]) => [name, String(value)] as const) as never,
  );
  const parts = [`curl ${kind === 'stream' ? '-sSN' : '-sS'}`];
  if (method !== 'GET') parts.push(`-X ${method}`);
  if (scope !== null) parts.push('-H @"$AUTH"');
  if (example.body !== undefined)
    parts.push(`-H 'content-type: application/json' -d ${quoted(JSON.stringify(example.body))}`);
  parts.push(`"$API${filled}${query.size === 0 ? '' : `?${query}`}"`);
  return parts.join(' ');
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const pre = (text: string): string => `<pre>${escape(text)}</pre>`;

function fields(title: string, schema: Record<string, unknown> | undefined): string {
  const properties = Object.entries((schema?.['properties'] ?? {}) as Record<string, Record<string, unknown>>);
  if (properties.length === 0) return '';
  const rows = properties.map(
    ([name, one]) =>
      `<tr><td><code>${escape(name)}</code></td><td><code>${escape(schemaText(one))}</code></td><td>${escape(limitsOf(one))}</td></tr>`,
  );
  return `<table><tr><th>${title}</th><th>Type</th><th></th></tr>${rows.join('')}</table>`;
}

function eventTable(): string {
  const rows = EVENT_TYPES.map(type => {
    const scope = EVENT_SCOPE[type];
    const shape = pre(schemaText(jsonSchemaOf(EVENT_DATA[type], 'output')));
    return `<section><h3><code>${type}</code></h3><p>${scope === null ? 'For every listener.' : `Needs the scope <code>${scope}</code> too.`}</p>
<details><summary>Shape of its data</summary>${shape}</details></section>`;
  });
  const closes = Object.entries(CLOSE_CODES).map(([name, code]) => `<code>${code}</code> ${name}`);
  return `<h2>Event types</h2>
<p>One durable log, at least once and in order; <code>seq</code> is the cursor. The WebSocket is closed with ${closes.join(', ')}.</p>
${rows.join('\n')}`;
}

function errorTable(): string {
  const rows = ERROR_CODES.map(code => {
    const { status, retryable, meaning } = ERRORS[code];
    return `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${retryable ? 'yes' : 'no'}</td><td>${escape(meaning)}</td></tr>`;
  });
  return `<h2>Codes of faults</h2>
<p>Any path can answer ${PATH_CODES.map(code => `<code>${code}</code>`).join(', ')}.</p>
<table><tr><th>Code</th><th>Status</th><th>Worth a retry</th><th>Meaning</th></tr>${rows.join('')}</table>`;
}
