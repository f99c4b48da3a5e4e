import type { Action } from './keys.ts';
import { type Anchor, endOf, type Line, messageLines, scrolled } from './lines.ts';
import { EMPTY_LINE, type EditedLine, edit, insert, textOf } from './line-editor.ts';
import { inOrder, type Model, type Talk } from './model.ts';
import type { TuiSession } from './session.ts';

export type Focus = 'list' | 'message' | 'filter';
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What the user did to the screen. */
export interface ScreenState {
  readonly focus: Focus;
  readonly chosen: string | null;
  readonly filter: EditedLine;
  readonly drafts: ReadonlyMap<string, EditedLine>;
  /** Null: at the newest message. */
  readonly anchor: Anchor | null;
  readonly help: boolean;
}

const START: ScreenState = {
  focus: 'list',
  chosen: null,
  filter: EMPTY_LINE,
  drafts: new Map(),
  anchor: null,
  help: false,
};

/** Narrower, list and messages are shown one at a time. */
const TWO_PANES_FROM = 60;
const SMALLEST: Size = { columns: 20, rows: 5 };
const LIST_COLUMNS_MAX = 30;
export const BAR_COLUMNS = 3;

/** Everything that follows from model, state and size. */
export interface Layout extends Size {
  readonly talks: readonly Talk[];
  readonly selected: number;
  readonly talk: Talk | undefined;
  readonly draft: EditedLine;
  readonly lines: readonly Line[];
  /** Index after the last line that is shown. */
  readonly end: number;
  readonly isWide: boolean;
  readonly listColumns: number;
  readonly messageColumns: number;
  /** Without header, input and status. */
  readonly bodyRows: number;
  /** Without the title above them. */
  readonly messageRows: number;
  /** The newest messages are in front of the user, who is in this conversation. */
  readonly isReading: boolean;
}

const folded = (text: string): string => text.normalize('NFKC').toLowerCase();

export function layoutOf(model: Model, state: ScreenState, size: Size): Layout {
  const columns = Math.max(SMALLEST.columns, size.columns);
  const rows = Math.max(SMALLEST.rows, size.rows);
  const wanted = folded(textOf(state.filter));
  // The one that is open stays, whatever the filter says.
  const talks = inOrder(model.talks).filter(
    ({ id, name }) => folded(name).includes(wanted) || (state.focus === 'message' && id === state.chosen),
  );
  const selected = Math.max(0, state.chosen === null ? 0 : talks.findIndex(({ id }) => id === state.chosen));
  const talk = talks[selected];
  const isWide = columns >= TWO_PANES_FROM;
  const listColumns = isWide ? Math.min(LIST_COLUMNS_MAX, Math.floor(columns / 3)) : columns;
  const messageColumns = isWide ? columns - listColumns - BAR_COLUMNS : columns;
  const lines = talk
    ? messageLines(
        model.messages.get(talk.id) ?? [],
        model.unsent.get(talk.id) ?? [],
        messageColumns,
        peerId => model.talks.get(peerId)?.name ?? peerId.slice(0, 16),
      )
    : [];
  return {
    columns,
    rows,
    talks,
    selected,
    talk,
    draft: state.drafts.get(talk?.id ?? '') ?? EMPTY_LINE,
    lines,
    end: endOf(lines, state.anchor),
    isWide,
    listColumns,
    messageColumns,
    bodyRows: rows - 3,
    messageRows: rows - 4,
    isReading: state.focus === 'message' && state.anchor === null && !state.help,
  };
}

export interface Screen {
  state(this: void): ScreenState;
  /** Acts on what is true now, not on what was drawn last: keys may come faster than frames. */
  handle(action: Action, size: Size): 'quit' | 'go on';
  subscribe(this: void, listener: () => void): () => void;
}

export function createScreen(session: TuiSession): Screen {
  let state = START;
  const listeners = new Set<() => void>();
  const set = (change: Partial<ScreenState>): void => {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  };

  const setLine = (layout: Layout, change: (line: EditedLine) => EditedLine): void => {
    if (state.focus === 'filter') set({ filter: change(state.filter) });
    else if (layout.talk) set({ drafts: new Map(state.drafts).set(layout.talk.id, change(layout.draft)) });
  };
  const choose = ({ talks, selected }: Layout, by: number): void => {
    const next = talks[Math.max(0, Math.min(talks.length - 1, selected + by))];
    if (next) set({ chosen: next.id, anchor: null });
  };
  const scroll = ({ lines, messageRows, talk }: Layout, by: number): void => {
    const anchor = scrolled(lines, state.anchor, by, messageRows);
    set({ anchor });
    if (by < 0 && talk && endOf(lines, anchor) <= messageRows) void session.loadOlder(talk.id);
  };
  const enter = ({ talk, draft }: Layout): void => {
    if (state.focus === 'filter') return set({ focus: 'list' });
    if (!talk) return;
    if (state.focus === 'list') return set({ chosen: talk.id, focus: 'message' });
    const text = textOf(draft);
    if (text.trim() === '') return;
    set({ drafts: new Map(state.drafts).set(talk.id, EMPTY_LINE), anchor: null });
    session.send(talk.id, text);
  };

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    handle(action, size) {
      if (action.kind === 'quit') return 'quit';
      // What the notice said was seen by whoever goes on.
      if (session.model().notice !== '') session.notify('');
      const layout = layoutOf(session.model(), state, size);
      if (state.help) set({ help: false });
      else
        switch (action.kind) {
          case 'help':
            set({ help: true });
            break;
          case 'filter':
            set({ focus: 'filter' });
            break;
          case 'next':
            set({
              focus: state.focus === 'message' || !layout.talk ? 'list' : 'message',
              chosen: layout.talk?.id ?? null,
            });
            break;
          case 'back':
            set(state.focus === 'message' ? { focus: 'list' } : { focus: 'list', filter: EMPTY_LINE });
            break;
          case 'enter':
            enter(layout);
            break;
          case 'newline':
            // Enter too comes as a line feed while the terminal is not in raw mode yet.
            if (state.focus === 'message') setLine(layout, line => insert(line, '\n'));
            else enter(layout);
            break;
          case 'move':
            if (state.focus === 'message') scroll(layout, action.by);
            else choose(layout, action.by);
            break;
          case 'page':
            if (state.focus === 'message') scroll(layout, action.by * layout.messageRows);
            else choose(layout, action.by * layout.bodyRows);
            break;
          case 'edit':
            setLine(layout, line => edit(line, action.key));
            break;
          case 'type':
            if (state.focus !== 'list') setLine(layout, line => insert(line, action.text));
            break;
          case 'none':
        }
      return 'go on';
    },
  };
}
