/** One thing that a page can try. `script` runs in the page and gives back everything that the page could read. */
export interface Attack {
  readonly title: string;
  readonly script: string;
  /** At least so many requests must reach the daemon, or the row would test nothing; 0 where the browser steps in. */
  readonly reaches: number;
}

/** `T` is the address of the daemon, `WS` the one of its socket; `say` keeps what could be read. */
export const PRELUDE = `
const read = [];
const say = what => { read.push(String(what)); };
const outcome = start => new Promise(resolve => {
  const end = () => resolve();
  setTimeout(end, 20000); // for what never tells how it ended
  start(end);
});
const get = (url, options) => fetch(url, options).then(async a => { say(a.type + a.status); say(await a.text()); say(JSON.stringify([...a.headers])); }, say);
const element = (name, fields) => outcome(end => {
  const one = Object.assign(document.createElement(name), fields);
  one.onload = one.onerror = one.onloadeddata = end;
  document.body.append(one);
});
const look = frame => { try { say(frame.contentDocument.documentElement.outerHTML); } catch (error) { say(error); } };
const frame = fields => new Promise(async resolve => {
  const one = Object.assign(document.createElement('iframe'), fields);
  await outcome(end => { one.onload = end; document.body.append(one); });
  look(one);
  resolve(one);
});
const submit = (action, method, enctype, values) => outcome(end => {
  const target = 'f' + Math.random();
  const into = Object.assign(document.createElement('iframe'), { name: target });
  document.body.append(into);
  const form = Object.assign(document.createElement('form'), { action, method, enctype, target });
  for (const [name, value] of Object.entries(values)) form.append(Object.assign(document.createElement('input'), { name, value }));
  document.body.append(form);
  into.onload = () => { look(into); if (into.dataset.sent) end(); };
  into.dataset.sent = '1';
  form.submit();
});
const socket = url => outcome(end => {
  let one;
  try { one = new WebSocket(url); } catch (error) { say(error); return end(); }
  one.onmessage = event => { say(event.data); end(); };
  one.onopen = () => say('the socket is open');
  one.onclose = event => { say(event.code); end(); };
});
const source = (url, options) => outcome(end => {
  const one = new EventSource(url, options);
  one.onmessage = event => { say(event.data); end(); };
  one.onerror = () => { one.close(); end(); };
});
const TEXT = JSON.stringify({ name: 'Mallory', text: 'x', address: '12D3KooWGjMCP8c4bWkvJfQcK2n6fWqZ8t3zFQ4oNYwMyvdBTHbq' });
const READS = ['/', '/docs', '/openapi.yaml', '/healthz', '/readyz', '/metrics', '/v1/node', '/v1/contacts', '/v1/events', '/v1/tokens'];
const WRITES = ['/v1/contacts', '/v1/conversations/lobby/messages', '/v1/peers/refresh', '/v1/session', '/v1/session/code', '/v1/invites'];
const all = { credentials: 'include' };
`;

/** From pages of other sites, of other ports of this machine, and of a name that was rebound to the daemon. */
export const ATTACKS: readonly Attack[] = [
  {
    title: 'fetch, GET',
    script: `for (const path of READS) await get(T + path, all);`,
    reaches: 10,
  },
  {
    title: 'fetch, GET, no-cors',
    script: `for (const path of READS) await get(T + path, { ...all, mode: 'no-cors' });`,
    reaches: 10,
  },
  {
    title: 'fetch, POST of JSON as text/plain, which needs no preflight',
    script: `for (const path of WRITES) await get(T + path, { ...all, method: 'POST', body: TEXT, mode: 'no-cors' });`,
    reaches: 6,
  },
  {
    title: 'fetch, POST of application/json, PATCH and DELETE, which need a preflight',
    script: `const headers = { 'content-type': 'application/json' };
      for (const path of WRITES) await get(T + path, { ...all, method: 'POST', body: TEXT, headers });
      await get(T + '/v1/node', { ...all, method: 'PATCH', body: TEXT, headers });
      await get(T + '/v1/conversations/lobby?confirm=lobby', { ...all, method: 'DELETE' });`,
    reaches: 8,
  },
  {
    title: 'fetch with a guessed key and token',
    script: `const headers = { 'x-p2pmsg-key': 'a'.repeat(43), authorization: 'Bearer p2pm_x' };
      for (const path of READS) await get(T + path, { ...all, headers });`,
    reaches: 10,
  },
  {
    title: 'XMLHttpRequest, GET and POST',
    script: `for (const [method, path] of [['GET', '/v1/node'], ['POST', '/v1/contacts']]) await outcome(end => {
        const one = new XMLHttpRequest();
        one.open(method, T + path);
        one.withCredentials = true;
        one.onloadend = () => { say(one.responseText); say(one.getAllResponseHeaders()); end(); };
        one.send(method === 'POST' ? TEXT : null);
      });`,
    reaches: 2,
  },
  {
    title: 'forms: GET, urlencoded, text/plain, multipart',
    script: `await submit(T + '/v1/node', 'GET', '', {});
      for (const enctype of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data'])
        for (const path of ['/v1/contacts', '/v1/invites']) await submit(T + path, 'POST', enctype, { '{"address":"x","a': '":1}' });`,
    reaches: 7,
  },
  {
    title: 'sendBeacon',
    script: `for (const path of WRITES) navigator.sendBeacon(T + path, TEXT);`,
    reaches: 6,
  },
  {
    title: 'img, script, style sheet, video, object, embed',
    script: `for (const path of ['/v1/node', '/docs', '/openapi.yaml']) {
        await element('img', { src: T + path });
        await element('script', { src: T + path });
        await element('link', { rel: 'stylesheet', href: T + path });
        await element('video', { src: T + path });
        await element('object', { data: T + path });
        await element('embed', { src: T + path });
      }
      say(Object.keys(globalThis).filter(name => name.includes('peer')));
      for (const sheet of document.styleSheets) try { say(sheet.cssRules.length); } catch (error) { say(error); }`,
    reaches: 12,
  },
  {
    title: 'module script and preload',
    script: `await element('script', { type: 'module', src: T + '/v1/node', crossOrigin: 'use-credentials' });
      await element('link', { rel: 'preload', as: 'fetch', href: T + '/v1/node', crossOrigin: 'use-credentials' });`,
    reaches: 1,
  },
  {
    title: 'iframes',
    script: `for (const path of ['/', '/docs', '/v1/node', '/openapi.yaml']) {
        const one = await frame({ src: T + path });
        say(one.contentWindow.length);
      }`,
    reaches: 4,
  },
  {
    title: 'EventSource',
    script: `await source(T + '/v1/events/stream?after=0', { withCredentials: true }); await source(T + '/v1/events/stream');`,
    reaches: 2,
  },
  {
    title: 'WebSocket, with and without a guessed ticket',
    script: `await socket(WS + '/v1/events/ws?after=0'); await socket(WS + '/v1/events/ws?ticket=AAAA'); await socket(WS + '/');`,
    reaches: 2,
  },
  {
    title: 'a sandboxed frame, whose Origin is null',
    script: `onmessage = event => say(event.data);
      await frame({ sandbox: 'allow-scripts allow-forms', srcdoc:
        '<form id=f method=post enctype=text/plain action="' + T + '/v1/contacts"><input name=a></form><script>' +
        'fetch("' + T + '/v1/node",{credentials:"include"}).then(a=>a.text()).then(t=>parent.postMessage(t,"*"),e=>parent.postMessage(String(e),"*")).finally(()=>f.submit());' +
        'new WebSocket("' + WS + '/v1/events/ws").onmessage=e=>parent.postMessage(e.data,"*")<\\/script>' });`,
    reaches: 2,
  },
  {
    title: 'a data: frame',
    script: `await frame({ src: 'data:text/html,<script>fetch("' + T + '/v1/node",{mode:"no-cors",credentials:"include"})</scr' + 'ipt>' });`,
    reaches: 1,
  },
  {
    title: 'a worker',
    script: `const code = 'fetch("' + T + '/v1/node",{credentials:"include"}).then(a=>a.text()).then(t=>postMessage(t),e=>postMessage(String(e)))';
      await outcome(end => { new Worker(URL.createObjectURL(new Blob([code]))).onmessage = event => { say(event.data); end(); }; });`,
    reaches: 1,
  },
  {
    title: 'prefetch and prerender',
    script: `await element('link', { rel: 'prefetch', href: T + '/v1/node' });
      await element('link', { rel: 'prefetch', as: 'document', href: T + '/' });
      const rules = document.createElement('script');
      rules.type = 'speculationrules';
      rules.textContent = JSON.stringify({ prefetch: [{ source: 'list', urls: [T + '/docs'] }], prerender: [{ source: 'list', urls: [T + '/'] }] });
      document.head.append(rules);`,
    reaches: 2,
  },
  {
    title: 'a window of its own: nothing of it can be read or reached',
    script: `for (const path of ['/', '/docs', '/v1/node']) {
        const one = open(T + path);
        if (!one) { say('blocked'); continue; }
        await new Promise(resolve => setTimeout(resolve, 300)); // no event tells when another window is there
        try { say(one.document.documentElement.outerHTML); } catch (error) { say(error); }
        try { say(one.length); one.postMessage('x', '*'); one.location = 'about:blank'; one.close(); } catch (error) { say(error); }
      }`,
    reaches: 3,
  },
];
