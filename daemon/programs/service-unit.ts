/** The program as a service runs it. */
export interface ServiceProgram {
  /** Absolute path of the launcher. */
  readonly launcher: string;
  readonly args: readonly string[];
  /** Set for the service; they win over what the template sets. */
  readonly env: Readonly<Record<string, string>>;
}

/** First line of a unit that we wrote: one without it belongs to somebody else and is not replaced. */
export const WRITTEN_BY_US = '# Written by p2pmsgd service install; it is replaced at the next install.';

/**
 * A unit of `deploy/systemd` with the paths of this installation.
 * systemd.syntax(7): `%` begins a specifier everywhere, in double quotes `\` and `"` are escaped; `$` begins a
 * variable in arguments, but not in the path of the program and not in Environment=.
 */
export function unitOf(template: string, program: ServiceProgram): string {
  const words = [program.launcher, ...program.args.map(word => word.replaceAll('$', '$$$$'))];
  const environment = Object.entries(program.env).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`);
  const lines = template.trimEnd().split('\n');
  const at = lines.findIndex(line => line.startsWith('ExecStart='));
  if (at < 0) throw new Error('the template of the unit has no ExecStart=');
  lines[at] = [`ExecStart=${words.map(quoted).join(' ')}`, ...environment].join('\n');
  const isReplaced = (line: string): boolean =>
    Object.keys(program.env).some(name => line.startsWith(`Environment=${name}=`));
  const text = lines.filter((line, index) => index === at || !isReplaced(line)).join('\n');
  return `${WRITTEN_BY_US}\n${text.replace(/^(?:#.*\n)+/, '')}\n`;
}

const quoted = (word: string): string => {
  const escaped = word.replaceAll('%', '%%');
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, '\\$&')}"`;
};

/**
 * A launchd agent: started at login, again after a failure (launchd cannot tell exit codes apart and waits 10 s between
 * starts), never after a clean stop.
 */
export function launchAgentOf(label: string, program: ServiceProgram, logFile: string): string {
  const string = (text: string): string => `<string>${xml(text)}</string>`;
  const environment = Object.entries(program.env).map(
    ([name, value]) => `    <key>${xml(name)}</key>\n    ${string(value)}\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  ${string(label)}
  <key>ProgramArguments</key>
  <array>
${[program.launcher, ...program.args].map(word => `    ${string(word)}`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${environment.join('')}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ExitTimeOut</key>
  <integer>10</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardErrorPath</key>
  ${string(logFile)}
</dict>
</plist>
`;
}

const XML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const xml = (text: string): string => text.replaceAll(/[&<>"]/g, character => XML[character] ?? character);
