/**
 * Messages that are gone and may still be in the index of the search, which is another file: the index works the list
 * off and the writer then clears it, so that a crash between the two forgets nothing. AUTOINCREMENT: a number that was
 * cleared never comes again.
 */
export const migration004 = `
CREATE TABLE search_removed (seq INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL) STRICT;
CREATE TRIGGER messages_search_removed AFTER DELETE ON messages BEGIN
  INSERT INTO search_removed (row) VALUES (old.row);
END;
`;
