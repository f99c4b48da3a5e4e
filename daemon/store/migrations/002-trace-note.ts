/** Why no better path was used. */
export const migration002 = `
ALTER TABLE trace ADD COLUMN note TEXT;
`;
