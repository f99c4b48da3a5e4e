import { Box, Text, useApp, useCursor, useInput, usePaste, useWindowSize } from 'ink';
import { createElement as h, type ReactElement, useEffect, useSyncExternalStore } from 'react';
import { fit, oneLine } from '../terminal-text.ts';
import { textOf } from './line-editor.ts';
import { type Action, actionsOf } from './keys.ts';
import { BAR_COLUMNS, type Layout, layoutOf, type Screen, type ScreenState } from './screen.ts';
import type { TuiSession } from './session.ts';
import { headerRow, helpRows, inputText, listRows, messageRows, type Paint, talkTitle } from './view.ts';

export interface AppProps {
  readonly session: TuiSession;
  readonly screen: Screen;
  readonly paint: Paint;
}

export function App({ session, screen, paint }: AppProps): ReactElement {
  const { exit } = useApp();
  const size = useWindowSize();
  const model = useSyncExternalStore(session.subscribe, session.model);
  const state = useSyncExternalStore(screen.subscribe, screen.state);
  const layout = layoutOf(model, state, size);
  const { columns, rows, talk, isReading, bodyRows } = layout;

  const id = talk?.id ?? null;
  const loaded = id === null ? undefined : model.messages.get(id);
  useEffect(() => {
    if (id !== null) void session.open(id);
  }, [session, id]);
  useEffect(() => {
    if (isReading && id !== null && loaded) void session.markRead(id);
  }, [session, isReading, id, loaded, talk?.unread]);

  const act = (action: Action): void => {
    if (screen.handle(action, size) === 'quit') exit();
  };
  useInput((text, key) => {
    for (const action of actionsOf(text, key, () => screen.state().focus !== 'list')) act(action);
  });
  usePaste(text => act({ kind: 'type', text }));

  const line = state.focus === 'filter' ? state.filter : layout.draft;
  const prompt = state.focus === 'filter' ? '/ ' : '> ';
  const input = inputText(line.before, line.after, columns - prompt.length);
  const { setCursorPosition } = useCursor();
  setCursorPosition(state.focus === 'list' ? undefined : { x: prompt.length + input.cursor, y: rows - 2 });

  const status = model.notice !== '' ? model.notice : hintOf(state, layout);
  return h(
    Box,
    { flexDirection: 'column', width: columns, height: rows, overflow: 'hidden' },
    headerRow(model, columns),
    h(
      Box,
      { key: 'body', flexDirection: state.help ? 'column' : 'row', height: bodyRows },
      ...(state.help ? helpRows(bodyRows, columns) : panes(layout, state, { paint, isLoaded: loaded !== undefined })),
    ),
    h(Text, { key: 'input', wrap: 'truncate' }, state.focus === 'list' ? fit('', columns) : prompt + input.text),
    h(Text, { key: 'status', wrap: 'truncate', dimColor: model.notice === '' }, fit(status, columns)),
  );
}

function panes(layout: Layout, state: ScreenState, more: { paint: Paint; isLoaded: boolean }): ReactElement[] {
  const { talks, selected, talk, bodyRows, listColumns, messageColumns, isWide, lines, end } = layout;
  const { paint, isLoaded } = more;
  const column = (key: string, width: number, ...children: ReactElement[]): ReactElement =>
    h(Box, { key, flexDirection: 'column', width, height: bodyRows }, ...children);
  const list = () =>
    column(
      'list',
      listColumns,
      ...listRows(talks, {
        selected,
        rows: bodyRows,
        columns: listColumns,
        isActive: state.focus !== 'message',
        paint,
      }),
    );
  const messages = () =>
    column(
      'messages',
      messageColumns,
      talkTitle(talk, messageColumns),
      ...messageRows(lines.slice(0, end), {
        rows: layout.messageRows,
        columns: messageColumns,
        paint,
        empty: emptyText(talks.length, isLoaded, state),
      }),
    );
  const bar = h(Text, { key: 'bar', dimColor: true }, Array.from({ length: bodyRows }, () => ' │ ').join('\n'));
  if (isWide) return [list(), column('bar', BAR_COLUMNS, bar), messages()];
  return [state.focus === 'message' ? messages() : list()];
}

function emptyText(talks: number, isLoaded: boolean, { filter }: ScreenState): string {
  if (talks > 0) return isLoaded ? 'No messages yet.' : '';
  return filter.before.length + filter.after.length > 0
    ? 'Nobody is called so.'
    : 'Nobody here yet: p2pmsg invite, or p2pmsg add LINK';
}

function hintOf({ focus, filter }: ScreenState, { lines, end, columns }: Layout): string {
  const wanted = textOf(filter);
  const filtered = wanted === '' || focus === 'filter' ? '' : `filter ${oneLine(wanted)} · `;
  const below = end < lines.length ? `${lines.length - end} lines below · ` : '';
  const isNarrow = columns < 50;
  if (focus === 'message')
    return below + (isNarrow ? 'enter send · esc list' : 'enter send · tab list · PgUp older · ctrl-c quit');
  if (focus === 'filter') return isNarrow ? 'enter keep · esc end' : 'enter keep the filter · esc end it';
  return filtered + (isNarrow ? 'enter open · / filter · ? help' : 'enter open · / filter · ? help · ctrl-c quit');
}
