import { createSocket } from 'node:dgram';
import { createServer, type IncomingMessage } from 'node:http';

/** For tests: routers that map ports, as far as the daemon asks them. */
export interface FakeGateway {
  readonly port: number;
  /** `TCP 7301 -> 10.0.0.2:7301` */
  readonly mappings: Map<string, string>;
  close(): Promise<void>;
}

/** Speaks NAT-PMP; `loseFirst` datagrams get no answer. */
export async function startPmpGateway(
  host: string,
  options: {
    external: readonly [number, number, number, number];
    loseFirst?: number;
    short?: boolean;
    /** Instead of the lifetime that is asked for. */
    grantsS?: number;
  },
): Promise<FakeGateway> {
  const mappings = new Map<string, string>();
  let lose = options.loseFirst ?? 0;
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    if (lose > 0) {
      lose -= 1;
      return;
    }
    const opcode = bytes.readUInt8(1);
    const reply = Buffer.alloc(opcode === 0 ? 12 : 16);
    reply.writeUInt8(opcode + 128, 1);
    if (opcode === 0) Buffer.from(options.external).copy(reply, 8);
    else {
      const [inside, outside, lifetime] = [bytes.readUInt16BE(4), bytes.readUInt16BE(6), bytes.readUInt32BE(8)];
      const key = `${opcode === 1 ? 'UDP' : 'TCP'} ${inside}`;
      if (lifetime === 0) mappings.delete(key);
      else mappings.set(key, `${outside + 1} for ${lifetime} s`);
      reply.writeUInt16BE(inside, 8);
      reply.writeUInt16BE(outside + 1, 10);
      reply.writeUInt32BE(options.grantsS ?? lifetime, 12);
    }
    if (options.short) socket.send(reply.subarray(0, 3), from.port, from.address);
    socket.send(reply, from.port, from.address);
  });
  await new Promise<void>(resolve => socket.bind(0, host, resolve));
  return {
    port: socket.address().port,
    mappings,
    close: () => new Promise(resolve => socket.close(() => resolve())),
  };
}

const WAN = 'urn:schemas-upnp-org:service:WANIPConnection:2';

/** Speaks UPnP IGD 2, without the search: its description is at /device.xml. */
export async function startUpnpGateway(host: string, external: string): Promise<FakeGateway> {
  const mappings = new Map<string, string>();
  const server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      response.setHeader('content-type', 'text/xml');
      response.end(request.method === 'GET' ? description : answer(body));
    });
  });
  const description = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
    <deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:2</deviceType><UDN>uuid:fake</UDN>
    <serviceList><service><serviceType>${WAN}</serviceType><controlURL>/control</controlURL><SCPDURL>/scpd</SCPDURL>
    </service></serviceList></device></root>`;
  const field = (body: string, name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(body)?.[1] ?? '';
  const answer = (body: string): string => {
    const action = /<u:(\w+) /.exec(body)?.[1] ?? '';
    const protocol = field(body, 'NewProtocol');
    const port = field(body, 'NewExternalPort');
    let reply = '';
    if (action === 'GetExternalIPAddress') reply = `<NewExternalIPAddress>${external}</NewExternalIPAddress>`;
    if (action === 'AddAnyPortMapping') {
      mappings.set(`${protocol} ${port}`, `${field(body, 'NewInternalClient')}:${field(body, 'NewInternalPort')}`);
      reply = `<NewReservedPort>${port}</NewReservedPort>`;
    }
    if (action === 'DeletePortMapping')
      for (const key of mappings.keys()) if (key.endsWith(` ${port}`)) mappings.delete(key);
    return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
      <u:${action}Response xmlns:u="${WAN}">${reply}</u:${action}Response></s:Body></s:Envelope>`;
  };
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  const at = server.address();
  return {
    port: typeof at === 'object' && at ? at.port : 0,
    mappings,
    async close() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
