import type { About } from '#api/rest/node';

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, character => `&#${character.codePointAt(0)};`);

/** What `/` shows while there is no bundled web UI: no script, no style, nothing that tells about the user. */
export const statusPage = (about: About): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>p2pmsgd</title>
</head>
<body>
<h1>p2pmsgd ${escapeHtml(about.version)} is running</h1>
<p>It is used through its API, described in <a href="/docs">the documentation</a>, <a href="/openapi.yaml">openapi.yaml</a>
and <a href="/asyncapi.yaml">asyncapi.yaml</a>, or with the <code>p2pmsg</code> command.</p>
<p>Licence: ${escapeHtml(about.licence)}. Source: ${escapeHtml(about.source)}</p>
</body>
</html>
`;
