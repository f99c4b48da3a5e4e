import type { Cli } from './command.ts';
import { CliFailure, EXIT } from './failure.ts';

export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

export function tuiCommand(cli: Cli, { env, stdin, stdout, stderr }: Terminal): void {
  cli
    .command('tui', 'conversations on the whole screen: read and write, live; works over ssh', 'p2pmsg tui')
    .action(async () => {
      if (!stdin.isTTY || !stdout.isTTY)
        throw new CliFailure(EXIT.usage, 'tui needs a terminal for input and output: take send, read and tail');
      await cli.run(
        async ({ api, out }) => {
          if (out.json) throw new CliFailure(EXIT.usage, 'tui is for people: take tail --json');
          // Loaded only here: ink and react take longer than most commands.
          const { runTui } = await import('./tui/run.ts');
          const unsent = await runTui(api, { stdin, stdout, stderr }, { colors: !env['NO_COLOR'] });
          if (unsent > 0)
            throw new CliFailure(EXIT.failed, `${unsent} messages were not taken by the daemon and are not sent`);
        },
        { atLeastMs: Number.POSITIVE_INFINITY },
      );
    });
}
