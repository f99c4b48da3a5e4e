import { render } from 'ink';
import { createElement } from 'react';
import type { Api } from '../api.ts';
import { App } from './app.ts';
import { createScreen } from './screen.ts';
import { createTuiSession } from './session.ts';

export interface TuiStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Fewer bytes over a slow ssh, and still at once for a person. */
const FRAMES_A_SECOND = 20;

/**
 * Draws until the user quits or following the log fails; resolves to the number of texts that the daemon never took.
 * The terminal is as it was before, whatever the end.
 */
export async function runTui(api: Api, streams: TuiStreams, options: { colors: boolean }): Promise<number> {
  const ending = new AbortController();
  const session = createTuiSession(api, ending.signal);
  // Before the screen is taken over: a daemon that is not there is told as every command tells it.
  await session.load();
  const paint = (color: string): { color?: string } => (options.colors ? { color } : {});
  const drawn = render(createElement(App, { session, screen: createScreen(session), paint }), {
    ...streams,
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    maxFps: FRAMES_A_SECOND,
    // A person at a terminal decides, not a variable called CI.
    interactive: true,
  });
  try {
    const following = session.follow();
    await Promise.race([drawn.waitUntilExit(), following]);
  } finally {
    ending.abort();
    drawn.unmount();
    await drawn.waitUntilExit().catch(() => undefined);
  }
  return [...session.model().unsent.values()].reduce((sum, waiting) => sum + waiting.length, 0);
}
